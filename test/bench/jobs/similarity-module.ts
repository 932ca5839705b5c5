/**
 * What the job of the benchmark does: compares each document with a few others, as one does who looks for
 * duplicates. It computes for much longer than it takes to read the documents, and leaves no garbage: of code that
 * does, the collector's threads would give even one child a part of the second core.
 */
import { type BenchDocument, benchDocument } from "../stores/store.js";

/** 0.2 ms for each document. */
const REFERENCES = 50;
/** Between the numbers of two references: a prime, so that they differ in all their parts. */
const STEP = 7_919;
/** More bytes than any text here has. */
const LENGTH_MAX = 256;

const references = Array.from({ length: REFERENCES }, (_, at) =>
  lettersOf(benchDocument("", at * STEP)),
);
const above = new Uint16Array(LENGTH_MAX + 1);

export function map(batch: BenchDocument[]): number {
  let sum = 0;
  for (const document of batch) {
    const letters = lettersOf(document);
    let least = LENGTH_MAX;
    for (const reference of references) {
      least = Math.min(least, editDistance(letters, reference));
    }
    sum += least;
  }
  return sum;
}

export const reduce = (a: number, b: number): number => a + b;

function lettersOf({ name, city, code }: BenchDocument): Uint8Array {
  return Buffer.from(`${name}, ${city}, ${code}`);
}

/** How many bytes must be changed, inserted or left out to get from one text to the other (Levenshtein). */
function editDistance(from: Uint8Array, to: Uint8Array): number {
  for (let at = 0; at <= to.length; at++) above[at] = at;
  for (let row = 0; row < from.length; row++) {
    let diagonal = row;
    let left = row + 1;
    above[0] = left;
    const letter = from[row];
    for (let at = 0; at < to.length; at++) {
      const replaced = letter === to[at] ? diagonal : diagonal + 1;
      diagonal = above[at + 1]!;
      left = Math.min(replaced, left + 1, diagonal + 1);
      above[at + 1] = left;
    }
  }
  return above[to.length]!;
}
