/** The code of the reads that most processes never ask for; `late.ts` says when it is loaded. */
import { invariant } from "../invariant.js";
import { assertDescriptors } from "../late-loading.js";
import type { Operation } from "./operation.js";

type RareReadsCode = typeof import("./rare-reads.js");

let loaded: RareReadsCode | undefined;

export function isRare(kind: Operation["kind"]): boolean {
  return kind === "aggregate" || kind === "explain";
}

export function isRareLoaded(): boolean {
  return loaded !== undefined;
}

export async function loadRareReads(): Promise<void> {
  if (loaded) return;
  assertDescriptors();
  loaded = await import("./rare-reads.js");
}

export function rareReads(): RareReadsCode {
  invariant(loaded, "the dispatcher loads the code of a rare read before it runs it");
  return loaded;
}
