/** Which documents of a partition a window has: https://www.mongodb.com/docs/manual/reference/operator/aggregation/setWindowFields/ */
import { LioranError } from "../../errors.js";
import { isPlainObject } from "../../values/document.js";
import { addUnits } from "../date-parts.js";
import { unitOf } from "./calendar.js";
import { malformed, partsOf } from "./stage.js";

/** The first and the last position, both inside; empty when the last one is smaller. */
export type Span = readonly [first: number, last: number];

export interface WindowBounds {
  /** Whether each window begins where the partition begins. */
  readonly isFromStart: boolean;
  /** Whether each window has the document that it is for. */
  readonly hasCurrent: boolean;
  span(at: number, partition: WindowPartition): Span;
}

/** What bounds are told of a partition. */
export interface WindowPartition {
  readonly length: number;
  /** The value of the single field that the partition is sorted by. */
  sortValue(at: number): unknown;
}

type Bound = "unbounded" | "current" | number;

/** @param isRangeable whether the sort is one ascending field, which a range needs */
export function windowBounds(window: unknown, isRangeable: boolean): WindowBounds {
  if (window === undefined) {
    return { isFromStart: true, hasCurrent: true, span: (_at, { length }) => [0, length - 1] };
  }
  const { documents, range, unit } = partsOf("window", window, [], ["documents", "range", "unit"]);
  if (documents !== undefined && range !== undefined) {
    throw malformed("A window has either 'documents' or 'range'.");
  }
  if (range === undefined) {
    if (unit !== undefined) throw malformed("'unit' of a window needs 'range'.");
    return documentBounds(documents);
  }
  if (!isRangeable) {
    throw malformed("A window by 'range' requires a sortBy with exactly one ascending field.");
  }
  return rangeBounds(range, unit);
}

/** Whether a window was given: functions over ranks take none. */
export function hasWindow(specification: unknown): boolean {
  return isPlainObject(specification) && specification.window !== undefined;
}

function documentBounds(documents: unknown): WindowBounds {
  const [lower, upper] = boundsOf("documents", documents);
  for (const bound of [lower, upper]) {
    if (typeof bound === "number" && !Number.isInteger(bound)) {
      throw malformed("Numeric document-based bounds of a window must be integers.");
    }
  }
  return {
    isFromStart: lower === "unbounded",
    hasCurrent: offsetOf(lower) <= 0 && offsetOf(upper) >= 0,
    span: (at, { length }) => [
      lower === "unbounded" ? 0 : Math.max(0, at + offsetOf(lower)),
      upper === "unbounded" ? length - 1 : Math.min(length - 1, at + offsetOf(upper)),
    ],
  };
}

function rangeBounds(range: unknown, unit: unknown): WindowBounds {
  const [lower, upper] = boundsOf("range", range);
  const name = unit === undefined ? undefined : unitOf("a window", unit);
  return {
    isFromStart: lower === "unbounded",
    hasCurrent: offsetOf(lower) <= 0 && offsetOf(upper) >= 0,
    span(at, partition) {
      const value = partition.sortValue(at);
      const end = (bound: Bound) => endOf(value, bound, name);
      return [
        lower === "unbounded" ? 0 : firstFrom(partition, end(lower), false),
        upper === "unbounded" ? partition.length - 1 : firstFrom(partition, end(upper), true) - 1,
      ];
    },
  };
}

/** The first position whose value is not below the limit, or is above it. */
function firstFrom(partition: WindowPartition, limit: number, isAbove: boolean): number {
  let low = 0;
  let high = partition.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value = numberAt(partition.sortValue(middle));
    if (value < limit || (isAbove && value === limit)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endOf(value: unknown, bound: Bound, unit: string | undefined): number {
  const offset = offsetOf(bound);
  if (unit === undefined && typeof value !== "object") return numberAt(value) + offset;
  if (unit !== undefined && value instanceof Date) return addUnits(value, unit, offset).getTime();
  throw new LioranError(
    "TYPE_MISMATCH",
    "A window by 'range' needs numbers in sortBy, or dates together with 'unit'.",
  );
}

function numberAt(value: unknown): number {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  throw new LioranError(
    "TYPE_MISMATCH",
    "A window by 'range' needs a number or a date in the sortBy field of every document.",
  );
}

function offsetOf(bound: Bound): number {
  return typeof bound === "number" ? bound : 0;
}

function boundsOf(name: string, value: unknown): [Bound, Bound] {
  const isBound = (one: unknown) =>
    one === "unbounded" || one === "current" || (typeof one === "number" && Number.isFinite(one));
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isBound)) {
    throw malformed(
      `'${name}' of a window must be an array of two bounds: "unbounded", "current" or a number.`,
    );
  }
  const [lower, upper] = value as [Bound, Bound];
  const isAscending =
    lower === "unbounded" || upper === "unbounded" || offsetOf(lower) <= offsetOf(upper);
  if (!isAscending) throw malformed(`The lower bound of a window cannot lie above the upper one.`);
  return [lower, upper];
}
