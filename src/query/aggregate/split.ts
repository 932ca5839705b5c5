/**
 * Splits a pipeline into the query at its front, which the planner can answer with an index, and the
 * stages that remain.
 */
import { type Document, isPlainObject } from "../../values/document.js";
import type { Query } from "../execute.js";
import { normalizeSort } from "../sort.js";
import { neededFields } from "./dependencies.js";

export interface SplitPipeline {
  readonly query: Query;
  readonly rest: readonly Document[];
}

/**
 * Takes `$match`, `$sort`, `$skip` and `$limit` off the front as long as a query says the same: it
 * filters, then sorts, then skips, then limits. What is malformed stays, for the compiler to complain.
 */
export function splitPipeline(pipeline: readonly Document[]): SplitPipeline {
  const query: Query = { filter: {} };
  let taken = 0;
  for (const stage of pipeline) {
    if (!take(query, stage)) break;
    taken += 1;
  }
  const rest = pipeline.slice(taken);
  const fields = neededFields(rest);
  if (fields) query.fields = fields;
  return { query, rest };
}

/** Whether the stage is now part of the query. */
function take(query: Query, stage: Document): boolean {
  const names = isPlainObject(stage) ? Object.keys(stage) : [];
  const [name] = names;
  if (name === undefined || names.length > 1) return false;
  const operand = stage[name];
  switch (name) {
    case "$match":
      return takeMatch(query, operand);
    case "$sort":
      return takeSort(query, operand);
    case "$skip":
      return takeSkip(query, operand);
    case "$limit":
      return takeLimit(query, operand);
    default:
      return false;
  }
}

/** Also behind a sort, which is stable: filtering first gives the same order. */
function takeMatch(query: Query, operand: unknown): boolean {
  if (query.skip !== undefined || query.limit !== undefined || !isPlainObject(operand))
    return false;
  query.filter = bothFilters(query.filter, operand);
  return true;
}

function takeSort(query: Query, operand: unknown): boolean {
  const isTaken = query.sort || query.skip !== undefined || query.limit !== undefined;
  if (isTaken || !isPlainObject(operand) || Object.keys(operand).length === 0) return false;
  try {
    query.sort = normalizeSort(operand);
  } catch {
    return false;
  }
  return true;
}

function takeSkip(query: Query, operand: unknown): boolean {
  const count = naturalOf(operand);
  if (count === undefined) return false;
  if (query.limit !== undefined) {
    // A limit of 0 would mean all.
    if (count >= query.limit) return false;
    query.limit -= count;
  }
  const skip = (query.skip ?? 0) + count;
  if (!Number.isSafeInteger(skip)) return false;
  query.skip = skip;
  return true;
}

function takeLimit(query: Query, operand: unknown): boolean {
  const count = naturalOf(operand);
  if (count === undefined || count === 0) return false;
  query.limit = Math.min(count, query.limit ?? count);
  return true;
}

function naturalOf(operand: unknown): number | undefined {
  const number = typeof operand === "bigint" ? Number(operand) : operand;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}

/** What matches both. */
export function bothFilters(a: Document, b: Document): Document {
  if (Object.keys(a).length === 0) return b;
  if (Object.keys(b).length === 0) return a;
  return { $and: [a, b] };
}
