/**
 * Ranges of values as ranges of bytes. An edge lies between the keys of values (`storage/key.ts`), so every
 * interval is half open: from its lower edge up to, but without, its upper edge. A value's key is followed by
 * bytes below 0xff in an entry, so "behind all entries of a value" is its key and 0xff.
 */
import { encodeKey, typeBracket } from "../../storage/key.js";
import { ORDER, orderOf } from "../../values/compare.js";
import { shownValue } from "../../values/shown.js";

/** Stand for the ends of the order of all values. */
export const MIN = Symbol("MinKey");
export const MAX = Symbol("MaxKey");

export interface Edge {
  readonly at: Uint8Array;
  /** For people: the value the edge lies at, and whether the value belongs to the interval. */
  readonly value: unknown;
  readonly isInclusive: boolean;
}

export interface Interval {
  readonly lower: Edge;
  readonly upper: Edge;
}

/** Sorted and disjoint. */
export type Intervals = readonly Interval[];

const first: Edge = { at: Uint8Array.of(0x01), value: MIN, isInclusive: true };
const last: Edge = { at: Uint8Array.of(0xff), value: MAX, isInclusive: true };

export const everything: Interval = { lower: first, upper: last };
export const all: Intervals = [everything];

export function isEverything(intervals: Intervals): boolean {
  return intervals.length === 1 && intervals[0]!.lower === first && intervals[0]!.upper === last;
}

/** The entries of one value; of a key that is given where the value has none of its own. */
export function point(value: unknown, key = encodeKey(value)): Interval {
  return {
    lower: { at: key, value, isInclusive: true },
    upper: { at: behind(key), value, isInclusive: true },
  };
}

/** Values of the type of `value` from it, or from behind it, on. */
export function from(value: unknown, isInclusive: boolean): Interval {
  const key = encodeKey(value);
  return {
    lower: { at: isInclusive ? key : behind(key), value, isInclusive },
    upper: typeEnd(value),
  };
}

/** Values of the type of `value` up to, or up to and without, it. NaN is below all numbers, and never matches. */
export function upTo(value: unknown, isInclusive: boolean): Interval {
  const key = encodeKey(value);
  return {
    lower: typeStart(value),
    upper: { at: isInclusive ? behind(key) : key, value, isInclusive },
  };
}

/** Texts that begin with `prefix`. */
export function startingWith(prefix: string): Interval {
  if (prefix === "") return { lower: typeStart(""), upper: typeEnd("") };
  // Without the byte that ends the text.
  const key = encodeKey(prefix).subarray(0, -1);
  return {
    lower: { at: key, value: prefix, isInclusive: true },
    upper: { at: successor(key), value: `${prefix}…`, isInclusive: false },
  };
}

function typeStart(value: unknown): Edge {
  if (orderOf(value) === ORDER.number) {
    const lowest = Number.NEGATIVE_INFINITY;
    return { at: encodeKey(lowest), value: lowest, isInclusive: true };
  }
  return { at: typeBracket(value)[0], value: lowestOf(value), isInclusive: true };
}

function typeEnd(value: unknown): Edge {
  const isNumber = orderOf(value) === ORDER.number;
  const shown = isNumber ? Number.POSITIVE_INFINITY : MAX;
  return { at: typeBracket(value)[1], value: shown, isInclusive: isNumber };
}

function lowestOf(value: unknown): unknown {
  switch (orderOf(value)) {
    case ORDER.string:
      return "";
    case ORDER.boolean:
      return false;
    default:
      return MIN;
  }
}

function behind(key: Uint8Array): Uint8Array {
  const result = new Uint8Array(key.length + 1);
  result.set(key);
  result[key.length] = 0xff;
  return result;
}

/** The first position behind everything that begins with these bytes. */
export function successor(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0xff) end -= 1;
  if (end === 0) return last.at;
  const result = bytes.slice(0, end);
  result[end - 1]! += 1;
  return result;
}

/** Whether the interval is the entries of one value. */
export function isPoint({ lower, upper }: Interval): boolean {
  const key = lower.at;
  const end = upper.at;
  const { length } = key;
  if (end.length !== length + 1 || end[length] !== 0xff) return false;
  for (let i = 0; i < length; i += 1) if (key[i] !== end[i]) return false;
  return true;
}

export function arePoints(intervals: Intervals): boolean {
  return intervals.every(isPoint);
}

/** What lies in both. */
export function intersection(a: Intervals, b: Intervals): Intervals {
  if (a === all) return b;
  const result: Interval[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [one, other] = [a[i]!, b[j]!];
    const lower = Buffer.compare(one.lower.at, other.lower.at) >= 0 ? one.lower : other.lower;
    const ends = Buffer.compare(one.upper.at, other.upper.at);
    const upper = ends <= 0 ? one.upper : other.upper;
    if (Buffer.compare(lower.at, upper.at) < 0) result.push({ lower, upper });
    if (ends <= 0) i += 1;
    else j += 1;
  }
  return result;
}

/** What lies in any of them. */
export function union(intervals: Intervals): Intervals {
  if (intervals.length < 2) return intervals;
  const sorted = [...intervals].sort((a, b) => Buffer.compare(a.lower.at, b.lower.at));
  const result: Interval[] = [];
  for (const interval of sorted) {
    const before = result.at(-1);
    if (!before || Buffer.compare(before.upper.at, interval.lower.at) < 0) {
      result.push(interval);
    } else if (Buffer.compare(before.upper.at, interval.upper.at) < 0) {
      result[result.length - 1] = { lower: before.lower, upper: interval.upper };
    }
  }
  return result;
}

/** As MongoDB shows it in `indexBounds`: `["a", "b")`. */
export function shownInterval({ lower, upper }: Interval): string {
  const open = lower.isInclusive ? "[" : "(";
  const close = upper.isInclusive ? "]" : ")";
  return `${open}${shownEdge(lower.value)}, ${shownEdge(upper.value)}${close}`;
}

function shownEdge(value: unknown): string {
  if (value === MIN) return "MinKey";
  if (value === MAX) return "MaxKey";
  if (value === Number.POSITIVE_INFINITY) return "inf.0";
  if (value === Number.NEGATIVE_INFINITY) return "-inf.0";
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (value instanceof RegExp) return String(value);
  return shownValue(value);
}
