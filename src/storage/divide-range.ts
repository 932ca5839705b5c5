/**
 * Divides the documents of a range into parts of roughly the same size without reading them. LMDB cannot tell
 * how many keys lie between two others, so the range is halved in the space of keys, and what turns out to hold
 * more than a few documents is halved again, until there are enough such parts. That costs some hundred short
 * looks at keys, wherever the documents of the collection crowd.
 */
import { divisionLooksMax, divisionPartDocumentsMin, idKeyBytesMax } from "../limits.js";
import { documentRange, type IdKeyRange } from "./collection.js";
import { countKeysUpTo } from "./count-keys.js";
import type { Environment } from "./environment.js";
import { scanCollection } from "./range-scanner.js";

/** From `low` on, up to `high` without it. */
interface Interval {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  /** Whether it holds as many documents as a part should have at least. */
  readonly isDense: boolean;
}

/** Bytes that are looked at to find the middle between two keys: as many as a number counts exactly. */
const middleBytes = 6;

/**
 * The parts in order. Together they are the range; there may be more than asked for, and fewer when documents
 * cannot be told apart cheaply.
 *
 * @param wanted how many parts of at least `divisionPartDocumentsMin` documents to look for
 */
export function divideRange(
  environment: Environment,
  collectionId: number,
  range: IdKeyRange,
  wanted: number,
): IdKeyRange[] {
  const first = edgeKey(environment, collectionId, range, false);
  const last = edgeKey(environment, collectionId, range, true);
  if (!first || !last) return [range];
  let looks = 0;
  const isDense = (low: Uint8Array, high: Uint8Array) => {
    looks += 1;
    const keys = documentRange(collectionId, between(low, high));
    const reading = { ...keys, ...environment.latest };
    const { documents } = environment.stores;
    return countKeysUpTo(documents, reading, divisionPartDocumentsMin) === divisionPartDocumentsMin;
  };
  let intervals: Interval[] = [{ low: first, high: last, isDense: true }];
  for (;;) {
    let hasDivided = false;
    intervals = intervals.flatMap((interval) => {
      const { low, high } = interval;
      if (!interval.isDense || looks >= divisionLooksMax) return [interval];
      // From edge to edge of what is there, so that both halves hold something.
      const there = between(low, high);
      const from = edgeKey(environment, collectionId, there, false);
      const to = edgeKey(environment, collectionId, there, true);
      const middle = from && to && middleKey(from, to);
      if (!middle) return [interval];
      hasDivided = true;
      return [
        { low, high: middle, isDense: isDense(low, middle) },
        { low: middle, high, isDense: isDense(middle, high) },
      ];
    });
    if (!hasDivided || intervals.filter((interval) => interval.isDense).length >= wanted) break;
  }
  return partsOf(range, intervals);
}

/** A part begins with each interval that has many documents; what has few goes with what is before it. */
function partsOf(range: IdKeyRange, intervals: readonly Interval[]): IdKeyRange[] {
  const starts = intervals
    .filter(({ isDense }, at) => isDense && at > 0)
    .map(({ low }) => ({ key: low, inclusive: true }));
  // What comes before the first dense interval is no part of its own.
  if (!intervals[0]!.isDense) starts.shift();
  const lowers = [range.lower, ...starts];
  return lowers.map((lower, at) => {
    const next = lowers[at + 1];
    const upper = next ? { key: next.key, inclusive: false } : range.upper;
    return { ...(lower && { lower }), ...(upper && { upper }) };
  });
}

function between(low: Uint8Array, high: Uint8Array): IdKeyRange {
  return { lower: { key: low, inclusive: true }, upper: { key: high, inclusive: false } };
}

/** The first or the last key that exists. */
function edgeKey(
  environment: Environment,
  collectionId: number,
  range: IdKeyRange,
  isLast: boolean,
): Uint8Array | undefined {
  const scanner = scanCollection(environment, collectionId, range, isLast);
  try {
    return scanner.next() ? scanner.key() : undefined;
  } finally {
    scanner.close();
  }
}

/** A key about halfway between two in the space of bytes; `undefined` when they are too close. */
export function middleKey(low: Uint8Array, high: Uint8Array): Uint8Array | undefined {
  let same = 0;
  while (same < low.length && same < high.length && low[same] === high[same]) same += 1;
  const from = numberAt(low, same);
  // Longer than any key could be: documents that differ so far behind are not told apart.
  if (same + middleBytes + 1 > idKeyBytesMax) return undefined;
  const middle = Math.floor((from + numberAt(high, same)) / 2);
  const key = Buffer.alloc(same + middleBytes + 1);
  key.set(low.subarray(0, same));
  key.writeUIntBE(middle, same, middleBytes);
  // Neighbours: the middle lies among the keys that begin like the lower one.
  if (middle === from) key[same + middleBytes] = 0x80;
  return Buffer.compare(low, key) < 0 && Buffer.compare(key, high) < 0 ? key : undefined;
}

/** The bytes from a position on as a number; behind the end there are zeros. */
function numberAt(key: Uint8Array, start: number): number {
  let number = 0;
  for (let at = start; at < start + middleBytes; at += 1) number = number * 256 + (key[at] ?? 0);
  return number;
}
