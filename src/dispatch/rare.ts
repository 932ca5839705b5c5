/**
 * Loads the code of rare reads when it is needed. A main thread does that with the first such
 * operation; threads that serve others do it when they start.
 */
import { invariant } from "../invariant.js";
import type { Operation } from "./operation.js";

type RareReads = typeof import("./rare-reads.js");

let loaded: RareReads | undefined;

export async function loadRareReads(): Promise<void> {
  loaded = await import("./rare-reads.js");
}

/** Whether the code of this kind of operation is still to be loaded. */
export function isUnloaded(kind: Operation["kind"]): boolean {
  return !loaded && (kind === "aggregate" || kind === "explain");
}

export function rareReads(): RareReads {
  invariant(loaded, "the dispatcher loads the code of a rare read before it runs it");
  return loaded;
}
