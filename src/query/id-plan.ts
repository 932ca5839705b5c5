/**
 * Finds what a filter says about `_id`, so that documents are read by key instead of by scanning.
 * A plan never loses a match: what it does not express stays in its residual filter.
 */
import { pointReadIdLengthMax } from "../limits.js";
import { compareValues, equalValues, ORDER, orderOf } from "../values/compare.js";
import { type Document, isPlainObject } from "../values/document.js";
import { isOperatorDocument } from "./operator-document.js";

/** One end of a range of `_id`. */
export interface IdBound {
  readonly value: unknown;
  readonly inclusive: boolean;
}

/**
 * Which documents can match.
 *
 * - `none`: the filter contradicts itself
 * - `ids`: only these, in no order, possibly repeated
 * - `range`: those between the bounds, all of one type (unless `isOverTypes`); at least one bound is there
 * - `scan`: any
 *
 * `residual` is what must still be tested on each document; `undefined` when nothing.
 */
export type IdPlan =
  | { readonly kind: "none" }
  | { readonly kind: "ids"; readonly ids: unknown[]; readonly residual: Document | undefined }
  | {
      readonly kind: "range";
      readonly lower?: IdBound;
      readonly upper?: IdBound;
      /** Of a query's `idRange`: the bounds are those of all types, not only of their own. */
      readonly isOverTypes?: boolean;
      readonly residual: Document | undefined;
    }
  | { readonly kind: "scan"; readonly residual: Document | undefined };

/** Plans a filter. Never throws: a malformed filter stays in the residual, whose compiler complains. */
export function planId(filter: Document): IdPlan {
  let names = 0;
  for (const _name in filter) if (++names > 1) break;
  if (names === 0) return { kind: "scan", residual: undefined };
  const id = filter._id;
  if (names === 1 && typeof id !== "object" && id !== undefined) {
    return { kind: "ids", ids: [id], residual: undefined };
  }
  const facts: IdFacts = {
    ids: undefined,
    lower: undefined,
    upper: undefined,
    contradiction: false,
    residual: [],
  };
  readFilter(filter, facts);
  return planOf(filter, facts);
}

/**
 * The one `_id` that a filter asks for and nothing else, of the kind that nearly all are.
 *
 * @returns undefined for any other filter
 */
export function pointReadId(filter: Document): string | number | undefined {
  const names = Object.keys(filter);
  if (names.length === 1 && names[0] === "_id") {
    const id = filter._id;
    if (isPointId(id)) return id;
  }
  const plan = planId(filter);
  if (plan.kind !== "ids" || plan.ids.length !== 1 || plan.residual) return undefined;
  const [id] = plan.ids;
  return isPointId(id) ? id : undefined;
}

function isPointId(id: unknown): id is string | number {
  return typeof id === "number" || (typeof id === "string" && id.length <= pointReadIdLengthMax);
}

interface IdFacts {
  ids: unknown[] | undefined;
  lower: IdBound | undefined;
  upper: IdBound | undefined;
  /** Bounds of two types: no value lies between them. */
  contradiction: boolean;
  /** The conjuncts that are no fact about `_id`. */
  residual: Document[];
}

function readFilter(filter: Document, facts: IdFacts): void {
  for (const name of Object.keys(filter)) {
    const condition = filter[name];
    if (name === "_id") readCondition(condition, facts);
    else if (name === "$and" && isBranches(condition)) {
      for (const branch of condition) readFilter(branch, facts);
    } else facts.residual.push({ [name]: condition });
  }
}

function isBranches(value: unknown): value is Document[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPlainObject);
}

function readCondition(condition: unknown, facts: IdFacts): void {
  if (isOperatorDocument(condition)) {
    const rest: Document = {};
    let isRest = false;
    for (const name of Object.keys(condition)) {
      if (readOperator(name, condition[name], facts)) continue;
      rest[name] = condition[name];
      isRest = true;
    }
    if (isRest) facts.residual.push({ _id: rest });
  } else if (isExact(condition)) restrictTo([condition], facts);
  else facts.residual.push({ _id: condition });
}

/** Whether the operator became a fact. */
function readOperator(name: string, operand: unknown, facts: IdFacts): boolean {
  switch (name) {
    case "$eq":
      if (!isExact(operand)) return false;
      restrictTo([operand], facts);
      return true;
    case "$in":
      if (!Array.isArray(operand)) return false;
      if (!operand.every((entry) => isExact(entry) && !isOperatorDocument(entry))) return false;
      restrictTo(operand, facts);
      return true;
    case "$gt":
    case "$gte":
      if (!isBound(operand)) return false;
      raiseLower({ value: operand, inclusive: name === "$gte" }, facts);
      return true;
    case "$lt":
    case "$lte":
      if (!isBound(operand)) return false;
      dropUpper({ value: operand, inclusive: name === "$lte" }, facts);
      return true;
    default:
      return false;
  }
}

/** Values that an `_id` can have and that only equal values match. */
function isExact(value: unknown): boolean {
  return value !== undefined && !Array.isArray(value) && !(value instanceof RegExp);
}

/** Types whose order in the keys is exactly what the comparison operators mean. */
function isBound(value: unknown): boolean {
  switch (orderOf(value)) {
    case ORDER.number:
      return !Number.isNaN(value);
    case ORDER.string:
    case ORDER.date:
    case ORDER.boolean:
    case ORDER.binary:
      return true;
    default:
      return false;
  }
}

function restrictTo(ids: unknown[], facts: IdFacts): void {
  facts.ids = facts.ids?.filter((id) => ids.some((other) => equalValues(id, other))) ?? ids;
}

function raiseLower(bound: IdBound, facts: IdFacts): void {
  const { lower } = facts;
  if (lower && orderOf(bound.value) !== orderOf(lower.value)) facts.contradiction = true;
  const order = lower && compareValues(bound.value, lower.value);
  if (order === undefined || order > 0 || (order === 0 && !bound.inclusive)) facts.lower = bound;
}

function dropUpper(bound: IdBound, facts: IdFacts): void {
  const { upper } = facts;
  if (upper && orderOf(bound.value) !== orderOf(upper.value)) facts.contradiction = true;
  const order = upper && compareValues(bound.value, upper.value);
  if (order === undefined || order < 0 || (order === 0 && !bound.inclusive)) facts.upper = bound;
}

function planOf(filter: Document, facts: IdFacts): IdPlan {
  const { ids, lower, upper } = facts;
  if (ids === undefined && lower === undefined && upper === undefined) {
    return { kind: "scan", residual: filter };
  }
  if (facts.contradiction) return { kind: "none" };
  const residual = conjunction(facts.residual);
  if (ids !== undefined) {
    const left = lower || upper ? ids.filter((id) => isWithin(id, lower, upper)) : ids;
    return left.length === 0 ? { kind: "none" } : { kind: "ids", ids: left, residual };
  }
  if (isEmptyRange(lower, upper)) return { kind: "none" };
  if (lower === undefined && orderOf(upper!.value) === ORDER.number) {
    // NaN sorts before all numbers, but no comparison matches it.
    const first = { value: Number.NEGATIVE_INFINITY, inclusive: true };
    return { kind: "range", lower: first, upper: upper!, residual };
  }
  return { kind: "range", ...(lower && { lower }), ...(upper && { upper }), residual };
}

function conjunction(conjuncts: Document[]): Document | undefined {
  return conjuncts.length > 1 ? { $and: conjuncts } : conjuncts[0];
}

function isWithin(id: unknown, lower: IdBound | undefined, upper: IdBound | undefined): boolean {
  if (Number.isNaN(id)) return false;
  if (lower) {
    if (orderOf(id) !== orderOf(lower.value)) return false;
    const order = compareValues(id, lower.value);
    if (order < 0 || (order === 0 && !lower.inclusive)) return false;
  }
  if (!upper) return true;
  if (orderOf(id) !== orderOf(upper.value)) return false;
  const order = compareValues(id, upper.value);
  return order < 0 || (order === 0 && upper.inclusive);
}

function isEmptyRange(lower: IdBound | undefined, upper: IdBound | undefined): boolean {
  if (!lower || !upper) return false;
  if (orderOf(lower.value) !== orderOf(upper.value)) return true;
  const order = compareValues(lower.value, upper.value);
  return order > 0 || (order === 0 && !(lower.inclusive && upper.inclusive));
}
