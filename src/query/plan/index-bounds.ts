/**
 * What an index can do for a filter: the ranges of its entries in which every match lies, and whether all
 * that lies there is a match.
 */
import { indexRangesMax } from "../../limits.js";
import type { IndexEntry } from "../../storage/catalog.js";
import {
  complemented,
  componentBytesMax,
  componentOf,
  faithfulBytes,
  indexPrefix,
} from "../../storage/index-entries.js";
import type { Condition } from "./conditions.js";
import {
  all,
  arePoints,
  type Interval,
  type Intervals,
  intersection,
  isEverything,
  isPoint,
  successor,
} from "./interval.js";

/** Keys from `start` up to, but without, `end`. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** A walk over entries of one index. */
export interface IndexScan {
  readonly kind: "index";
  readonly index: IndexEntry;
  /** For each key field, in ascending order also where the field is descending. */
  readonly bounds: readonly Intervals[];
  /** Sorted and disjoint. */
  readonly ranges: readonly KeyRange[];
  /** The conditions that the ranges express fully. */
  readonly exact: readonly Condition[];
  /** Key fields from the first on that the filter bounds. */
  readonly boundFields: number;
  /** Key fields from the first on that have one value only. */
  readonly fixedFields: number;
}

/** The walk that the conditions allow. Without a condition on the first field it is over the whole index. */
export function scanOf(index: IndexEntry, conditions: readonly Condition[]): IndexScan {
  const fields: FieldBounds[] = [];
  const bounds: Intervals[] = [];
  let boundFields = 0;
  let fixedFields = 0;
  for (let at = 0; at < index.key.length; at += 1) {
    const field = boundsOf(index, at, conditions, fields);
    const { intervals } = field;
    fields.push(field);
    bounds.push(intervals);
    if (boundFields === at && !isEverything(intervals)) boundFields += 1;
    if (fixedFields === at && intervals.length === 1 && isPoint(intervals[0]!)) fixedFields += 1;
  }
  const { ranges, expressed } = rangesOf(index, bounds);
  const exact: Condition[] = [];
  for (let at = 0; at < expressed; at += 1) exact.push(...fields[at]!.exact);
  return { kind: "index", index, bounds, ranges, exact, boundFields, fixedFields };
}

/** What the conditions say about one key field. */
interface FieldBounds {
  readonly intervals: Intervals;
  /** Those that the intervals express fully. */
  readonly exact: readonly Condition[];
  /** The one condition that the intervals are those of, where the field holds arrays. */
  readonly chosen?: Condition;
}

const unbound: FieldBounds = { intervals: all, exact: [] };

function boundsOf(
  index: IndexEntry,
  at: number,
  conditions: readonly Condition[],
  earlier: readonly FieldBounds[],
): FieldBounds {
  const path = index.key[at]![0];
  const about: Condition[] = [];
  for (const condition of conditions) if (condition.path === path) about.push(condition);
  if (about.length === 0) return unbound;
  if (!index.multikey.includes(at)) {
    const exact =
      about.length === 1 && about[0]!.isExact ? about : about.filter((one) => one.isExact);
    return { intervals: intersectionOf(about), exact };
  }
  // Two conditions on an array may be met by two elements: only one can bound the walk, unless both are
  // about one and the same element.
  const chosen = mostSelective(about);
  if (!mayCombine(index, at, chosen, earlier)) return unbound;
  const { element } = chosen;
  if (element === undefined) {
    return { intervals: chosen.intervals, exact: chosen.isExact ? [chosen] : [], chosen };
  }
  const same = about.filter((condition) => condition.element === element);
  return { intervals: intersectionOf(same), exact: [], chosen };
}

function intersectionOf(conditions: readonly Condition[]): Intervals {
  return conditions.reduce<Intervals>((both, one) => intersection(both, one.intervals), all);
}

function mostSelective(about: readonly Condition[]): Condition {
  const rank = ({ intervals }: Condition) =>
    isEverything(intervals) ? 3 : arePoints(intervals) ? 0 : intervals.length === 1 ? 1 : 2;
  return about.reduce((best, one) => (rank(one) < rank(best) ? one : best));
}

/** Fields that lie in one array bound a walk together only when they are about one element. */
function mayCombine(
  index: IndexEntry,
  at: number,
  chosen: Condition,
  earlier: readonly FieldBounds[],
): boolean {
  const root = rootOf(index, at);
  return index.multikey.every((other) => {
    const condition = earlier[other]?.chosen;
    if (!condition || rootOf(index, other) !== root) return true;
    return condition.element !== undefined && condition.element === chosen.element;
  });
}

function rootOf(index: IndexEntry, at: number): string {
  return index.key[at]![0].split(".", 1)[0]!;
}

/** Edges that fit into a component of the index. */
interface Fitted {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly isPoint: boolean;
  readonly isCut: boolean;
}

function fit(index: IndexEntry, interval: Interval): Fitted {
  const fields = index.key.length;
  const { lower, upper } = interval;
  const isOne = isPoint(interval);
  if (isOne) {
    if (lower.at.length <= componentBytesMax(fields)) {
      return { lower: lower.at, upper: upper.at, isPoint: true, isCut: false };
    }
    const { key } = componentOf(lower.value, fields);
    return { lower: key, upper: joined(key, behindByte), isPoint: true, isCut: true };
  }
  const bytesMax = index.cut ? faithfulBytes(fields) : componentBytesMax(fields);
  const isCut = lower.at.length > bytesMax || upper.at.length > bytesMax;
  return {
    lower: lower.at.length > bytesMax ? lower.at.subarray(0, bytesMax) : lower.at,
    upper: upper.at.length > bytesMax ? successor(upper.at.subarray(0, bytesMax)) : upper.at,
    isPoint: false,
    isCut,
  };
}

const behindByte = Uint8Array.of(0xff);

/**
 * Every combination of the leading fields' values, then the intervals of one more field.
 *
 * @returns the ranges, and how many of the fields they express fully
 */
function rangesOf(
  index: IndexEntry,
  bounds: readonly Intervals[],
): { ranges: KeyRange[]; expressed: number } {
  let prefixes: Uint8Array[] = [indexPrefix(index.id)];
  let isCut = false;
  for (let at = 0; ; at += 1) {
    const isDescending = index.key[at]![1] === -1;
    let fitted: Fitted[] = [];
    let arePoints = true;
    for (const interval of bounds[at]!) {
      const one = fit(index, interval);
      fitted.push(one);
      isCut ||= one.isCut;
      arePoints &&= one.isPoint;
    }
    if (isDescending) fitted.reverse();
    const isTooMany = prefixes.length > 1 && prefixes.length * fitted.length > indexRangesMax;
    if (at === bounds.length - 1 || isTooMany || !arePoints) {
      if (isTooMany) fitted = hull(fitted);
      const ranges: KeyRange[] = [];
      for (const prefix of prefixes) {
        for (const one of fitted) {
          const range = rangeOf(prefix, one, isDescending);
          // Below the lowest value of a type there is nothing.
          if (one.isPoint || Buffer.compare(range.start, range.end) < 0) ranges.push(range);
        }
      }
      // A cut entry may be that of another value.
      const isExact = !isCut && !isTooMany && !index.cut;
      return { ranges, expressed: isExact ? at + 1 : 0 };
    }
    const longer: Uint8Array[] = [];
    for (const prefix of prefixes) {
      for (const { lower } of fitted) {
        longer.push(joined(prefix, isDescending ? complemented(lower) : lower));
      }
    }
    prefixes = longer;
  }
}

/** The bytes of both, one after the other. */
export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** One interval around all: the walk then passes over what lies between. */
function hull(intervals: readonly Fitted[]): Fitted[] {
  const lowest = intervals.reduce((a, b) => (Buffer.compare(a.lower, b.lower) <= 0 ? a : b));
  const highest = intervals.reduce((a, b) => (Buffer.compare(a.upper, b.upper) >= 0 ? a : b));
  return [{ lower: lowest.lower, upper: highest.upper, isPoint: false, isCut: true }];
}

function rangeOf(prefix: Uint8Array, { lower, upper }: Fitted, isDescending: boolean): KeyRange {
  const [start, end] = isDescending
    ? [successor(complemented(upper)), successor(complemented(lower))]
    : [lower, upper];
  return { start: joined(prefix, start), end: joined(prefix, end) };
}
