/** What the job of the benchmark does: computes, for each document, for much longer than it takes to read it. */
import { createHash } from "node:crypto";
import type { BenchDocument } from "../stores/store.js";

/** About 0.1 ms. */
const HASHES_PER_DOCUMENT = 60;

export function map(batch: BenchDocument[]): number {
  let sum = 0;
  for (const document of batch) {
    let text = document._id;
    for (let at = 0; at < HASHES_PER_DOCUMENT; at++) {
      text = createHash("sha256").update(text).digest("hex");
    }
    sum += Number.parseInt(text.slice(0, 8), 16);
  }
  return sum;
}

export const reduce = (a: number, b: number): number => a + b;
