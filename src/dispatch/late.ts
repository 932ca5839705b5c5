/**
 * Loads the code of reads when it is needed: the query language and the planner are more than all that a
 * process takes to open a root and read a document by its `_id`, and a short-lived process feels what it
 * compiles (docs/performance.md). A main thread loads it with the first operation of a kind; threads that
 * serve others load all of it when they start.
 */
import { invariant } from "../invariant.js";
import { assertDescriptors } from "../late-loading.js";
import { type Operation, operationClass } from "./operation.js";
import { isRare, isRareLoaded, loadRareReads } from "./rare.js";

type LocalReadsCode = typeof import("./local-reads.js");

let loaded: LocalReadsCode | undefined;

/** Whether code that this kind of operation runs here is still to be loaded. */
export function isUnloaded(kind: Operation["kind"]): boolean {
  return operationClass[kind] === "read" && (!loaded || (isRare(kind) && !isRareLoaded()));
}

export async function loadFor(kind: Operation["kind"]): Promise<void> {
  await (isRare(kind) ? loadReads() : loadLocalReads());
}

/** The code of all reads. */
export async function loadReads(): Promise<void> {
  await Promise.all([loadLocalReads(), loadRareReads()]);
}

export function localReads(): LocalReadsCode {
  invariant(loaded, "the dispatcher loads the code of a read before it runs it");
  return loaded;
}

async function loadLocalReads(): Promise<void> {
  if (loaded) return;
  assertDescriptors();
  loaded = await import("./local-reads.js");
}
