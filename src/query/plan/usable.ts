/**
 * Whether an index has every document that a filter can match: one that leaves documents out (sparse, partial)
 * serves only filters that leave them out too
 * (https://www.mongodb.com/docs/manual/core/index-partial/#query-coverage).
 */
import type { IndexEntry } from "../../storage/catalog.js";
import type { Document } from "../../values/document.js";
import { identicalValues } from "../identical.js";
import { type Condition, type FilterShape, readShape } from "./conditions.js";
import type { Intervals } from "./interval.js";

export function isUsable(index: IndexEntry, shape: FilterShape): boolean {
  if (index.state !== "ready") return false;
  if (index.sparse && !excludesMissing(index, shape.conditions)) return false;
  return !index.partialFilter || implies(shape, index.partialFilter);
}

/** A sparse index has every document that has one of its fields. */
function excludesMissing(index: IndexEntry, conditions: readonly Condition[]): boolean {
  return index.key.some(([path]) =>
    conditions.some((condition) => condition.path === path && !condition.matchesMissing),
  );
}

/** Whether whatever matches the filter matches the partial index's filter. May say no where it is so. */
function implies(shape: FilterShape, partial: Document): boolean {
  return Object.keys(partial).every((name) => {
    const wanted = partial[name];
    if (Object.hasOwn(shape.filter, name) && identicalValues(shape.filter[name], wanted))
      return true;
    const branches = wanted as Document[];
    if (name === "$and") return branches.every((branch) => implies(shape, branch));
    if (name === "$or") return branches.some((branch) => implies(shape, branch));
    const single = readShape({ [name]: wanted });
    if (!single.isComplete && !isExistence(wanted)) return false;
    return single.conditions.every((condition) =>
      shape.conditions.some((given) => isWithin(given, condition)),
    );
  });
}

/** `{ $exists: true }` is implied by any condition that a missing field does not meet. */
function isExistence(condition: unknown): boolean {
  return identicalValues(condition, { $exists: true });
}

function isWithin(given: Condition, wanted: Condition): boolean {
  if (given.path !== wanted.path) return false;
  if (given.matchesMissing && !wanted.matchesMissing) return false;
  return given.intervals.every((inner) => isInside(inner, wanted.intervals));
}

function isInside(inner: Intervals[number], outer: Intervals): boolean {
  return outer.some(
    ({ lower, upper }) =>
      Buffer.compare(lower.at, inner.lower.at) <= 0 &&
      Buffer.compare(inner.upper.at, upper.at) <= 0,
  );
}
