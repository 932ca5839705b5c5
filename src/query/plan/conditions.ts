/**
 * What a filter says about the values at paths, as intervals: the part of it that an index can answer. Reads
 * only; a malformed filter is left for its compiler to complain about.
 */
import { emptyArrayKey } from "../../storage/index-entries.js";
import { ORDER, orderOf } from "../../values/compare.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { equalities } from "../expression-equalities.js";
import { isOperatorDocument } from "../operator-document.js";
import { isIndex } from "../path.js";
import { regexPrefix } from "../regex-prefix.js";
import {
  all,
  from,
  type Interval,
  type Intervals,
  intersection,
  isEverything,
  point,
  startingWith,
  union,
  upTo,
} from "./interval.js";

/** One thing that a filter says about a path. */
export interface Condition {
  readonly path: string;
  /** Every match has an entry in here. */
  readonly intervals: Intervals;
  /** Every entry in here is a match, so that the document need not be tested. */
  readonly isExact: boolean;
  /** Documents without the path can match. */
  readonly matchesMissing: boolean;
  /** The `$elemMatch` it is part of: conditions of one are about one and the same element. */
  readonly element?: object;
}

/** A filter as conditions that must all hold. */
export interface FilterShape {
  readonly filter: Document;
  readonly conditions: readonly Condition[];
  /** For each `$or`: its branches. */
  readonly alternatives: readonly (readonly Document[])[];
  /** The conditions say everything that the filter says. */
  readonly isComplete: boolean;
}

interface Reading {
  readonly conditions: Condition[];
  readonly alternatives: (readonly Document[])[];
  isComplete: boolean;
}

export function readShape(filter: Document): FilterShape {
  const reading: Reading = { conditions: [], alternatives: [], isComplete: true };
  readFilter(filter, reading);
  return { filter, ...reading };
}

function readFilter(filter: Document, reading: Reading): void {
  for (const name of Object.keys(filter)) {
    const operand = filter[name];
    if (!name.startsWith("$")) readCondition(name, operand, reading);
    else if (name === "$and" && isBranches(operand)) {
      for (const branch of operand) readFilter(branch, reading);
    } else {
      reading.isComplete = false;
      if (name === "$expr") {
        for (const equality of equalities(operand)) readFilter(equality, reading);
      }
      if (name !== "$or" || !isBranches(operand)) continue;
      if (operand.length === 1) readFilter(operand[0]!, reading);
      else reading.alternatives.push(operand);
    }
  }
}

function isBranches(value: unknown): value is Document[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPlainObject);
}

function readCondition(path: string, condition: unknown, reading: Reading): void {
  if (condition instanceof RegExp) add(path, regexBounds(condition), reading);
  else if (!isOperatorDocument(condition)) add(path, equality(condition), reading);
  else {
    for (const name of Object.keys(condition)) {
      const read = Object.hasOwn(operators, name) ? operators[name] : undefined;
      if (read) read(path, condition[name], reading, condition);
      else reading.isComplete = false;
    }
  }
}

/** Intervals, and whether they say all. */
interface Bounds {
  readonly intervals: Intervals;
  readonly isExact: boolean;
  readonly matchesMissing: boolean;
}

function add(path: string, bounds: Bounds | undefined, reading: Reading): void {
  if (bounds) reading.conditions.push({ path, ...bounds });
  if (!bounds?.isExact) reading.isComplete = false;
}

/** Says nothing but that documents without the path do not match. */
const anyValue: Bounds = { intervals: all, isExact: false, matchesMissing: false };

type Read = (path: string, operand: unknown, reading: Reading, siblings: Document) => void;

const operators: Record<string, Read> = {
  $eq: (path, operand, reading) =>
    add(path, operand instanceof RegExp ? undefined : equality(operand), reading),
  $in: (path, operand, reading) => add(path, membership(operand), reading),
  $ne: (path, operand, reading) => add(path, operand === null ? anyValue : undefined, reading),
  $gt: (path, operand, reading) => add(path, ordering(operand, "above", false), reading),
  $gte: (path, operand, reading) => add(path, ordering(operand, "above", true), reading),
  $lt: (path, operand, reading) => add(path, ordering(operand, "below", false), reading),
  $lte: (path, operand, reading) => add(path, ordering(operand, "below", true), reading),
  $exists: (path, operand, reading) => {
    const isWanted = operand !== false && operand !== 0 && operand !== null && operand !== 0n;
    // A field that is null has the same entry as none.
    if (isWanted) add(path, anyValue, reading);
    else add(path, { intervals: [point(null)], isExact: false, matchesMissing: true }, reading);
  },
  $regex: (path, operand, reading, { $options }) => {
    const regex = operand instanceof RegExp ? operand : textRegex(operand, $options);
    const hasOptions = operand instanceof RegExp && $options !== undefined;
    add(path, hasOptions || !regex ? undefined : regexBounds(regex), reading);
  },
  $all: (path, operand, reading) => {
    reading.isComplete = false;
    if (!Array.isArray(operand)) return;
    for (const value of operand) {
      if (isOperatorDocument(value)) {
        if (Object.keys(value)[0] === "$elemMatch") readElement(path, value.$elemMatch, reading);
      } else if (value instanceof RegExp) add(path, regexBounds(value), reading);
      else add(path, equality(value), reading);
    }
  },
  $elemMatch: readElement,
};

function textRegex(operand: unknown, options: unknown): RegExp | undefined {
  if (typeof operand !== "string" || (options !== undefined && options !== "")) return undefined;
  try {
    return new RegExp(operand);
  } catch {
    return undefined;
  }
}

/** Documents whose array at the path has an element for which everything below holds. */
function readElement(path: string, operand: unknown, reading: Reading): void {
  reading.isComplete = false;
  if (!isPlainObject(operand)) return;
  const element = {};
  if (isOperatorDocument(operand) && !isBranches(operand.$and) && !isBranches(operand.$or)) {
    const inner: Reading = { conditions: [], alternatives: [], isComplete: true };
    readCondition(path, operand, inner);
    const intervals = inner.conditions
      .filter((condition) => condition.element === undefined)
      .reduce((both, condition) => intersection(both, condition.intervals), all);
    if (isEverything(intervals)) return;
    reading.conditions.push({ path, intervals, isExact: false, matchesMissing: false, element });
    return;
  }
  // Inside an element `{ $in: [...] }` may also match what is missing in it.
  for (const { path: below, intervals, matchesMissing } of readShape(operand).conditions) {
    if (below.split(".").some(isIndex)) continue;
    reading.conditions.push({
      path: `${path}.${below}`,
      intervals,
      isExact: false,
      matchesMissing,
      element,
    });
  }
}

function equality(operand: unknown): Bounds {
  if (operand === null || operand === undefined) {
    return { intervals: [point(null)], isExact: false, matchesMissing: true };
  }
  if (Array.isArray(operand)) {
    return { intervals: union(arrayPoints(operand)), isExact: false, matchesMissing: false };
  }
  return { intervals: [point(operand)], isExact: true, matchesMissing: false };
}

/** An array is equal to a whole array, which has entries for its elements, or to an element. */
function arrayPoints(array: unknown[]): Interval[] {
  const [first] = array;
  const head = array.length === 0 ? point([], emptyArrayKey) : point(first ?? null);
  return [head, point(array)];
}

function membership(operand: unknown): Bounds | undefined {
  if (!Array.isArray(operand)) return undefined;
  let isExact = true;
  let matchesMissing = false;
  const intervals: Interval[] = [];
  for (const value of operand) {
    if (isOperatorDocument(value)) return undefined;
    const bounds = value instanceof RegExp ? regexBounds(value) : equality(value);
    if (!bounds) return undefined;
    intervals.push(...bounds.intervals);
    isExact &&= bounds.isExact;
    matchesMissing ||= bounds.matchesMissing;
  }
  return { intervals: union(intervals), isExact, matchesMissing };
}

function ordering(
  operand: unknown,
  side: "above" | "below",
  isInclusive: boolean,
): Bounds | undefined {
  switch (orderOf(operand)) {
    case ORDER.null:
      if (!isInclusive) return { intervals: [], isExact: true, matchesMissing: false };
      return { intervals: [point(null)], isExact: false, matchesMissing: true };
    case ORDER.number:
      if (!Number.isNaN(operand)) break;
      return {
        intervals: isInclusive ? [point(Number.NaN)] : [],
        isExact: true,
        matchesMissing: false,
      };
    // A whole array has no entry of its own.
    case ORDER.array:
    case ORDER.regex:
      return undefined;
  }
  const interval = side === "above" ? from(operand, isInclusive) : upTo(operand, isInclusive);
  return { intervals: [interval], isExact: true, matchesMissing: false };
}

/** A regular expression also equals a stored one that is the same. */
function regexBounds(regex: RegExp): Bounds | undefined {
  const prefix = regexPrefix(regex);
  if (prefix === undefined) return undefined;
  return {
    intervals: union([startingWith(prefix.prefix), point(regex)]),
    isExact: false,
    matchesMissing: false,
  };
}
