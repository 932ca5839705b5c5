/**
 * Whether a read is divided over several threads, and into what. Decided from what it will cost: a walk over
 * many documents is divided by ranges of `_id`; what an index answers, and what is short, is not.
 */
import {
  dividedDocumentsMin,
  dividedFilterValuesMax,
  divisionSlicesMax,
  divisionSlicesPerThread,
  divisionThreadsMax,
  slicesPerPartMax,
} from "../../limits.js";
import type { DividedPipeline } from "../../query/aggregate/divide.js";
import { unlimited } from "../../query/control.js";
import { planFor, type Query, rowsWanted } from "../../query/execute.js";
import type { CollectionAccess, Plan } from "../../query/plan/plan.js";
import type { Sort } from "../../query/sort.js";
import { rangeOf, type View, viewOf } from "../../query/walk.js";
import { findCollection } from "../../storage/catalog.js";
import { documentRange, type IdKeyRange } from "../../storage/collection.js";
import { countKeysUpTo } from "../../storage/count-keys.js";
import { divideRange } from "../../storage/divide-range.js";
import type { Environment } from "../../storage/environment.js";
import { readStatistics } from "../../storage/statistics.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { rareReads } from "../rare.js";
import type { DividableOperation, Division, Gathering, PipelineFront } from "./division.js";

type Shape = Omit<Division, "db" | "collection" | "ranges" | "threads">;

/**
 * @param environment with the latest commit in sight
 * @returns undefined when one thread is to do it
 * @throws what is wrong with the operation
 */
export function divide(
  environment: Environment,
  operation: DividableOperation,
  cores: number,
): Division | undefined {
  const { db, collection } = operation;
  if (cores < 2 || collection === undefined) return undefined;
  // Counting up to a limit ends early on one thread.
  if (operation.kind === "count" && operation.limit) return undefined;
  const view = viewOf(environment, findCollection(environment, collection));
  const { documents } = readStatistics(environment, view.collectionId);
  if (documents < dividedDocumentsMin) return undefined;
  const now = new Date();
  const { query, stages } = queryOf(operation, now);
  if (!query) return undefined;
  const plan = planFor(view, query, unlimited);
  const { access } = plan;
  if (access.kind !== "scan" && access.kind !== "range") return undefined;
  // Where each document that it passes is a result, the walk is no longer than what is wanted of it.
  const allMatch = !plan.sort && plan.residual === undefined;
  if (allMatch && rowsWanted(query) < dividedDocumentsMin) return undefined;
  const walked = access.kind === "scan" ? documents : keysOf(view, access, documents);
  const threads = Math.min(cores, divisionThreadsMax, Math.ceil(walked / dividedDocumentsMin));
  if (walked < dividedDocumentsMin || threads < 2 || isLarge(query.filter)) return undefined;
  const shape = shapeOf(operation, query, plan, stages, now);
  if (!shape) return undefined;
  const wanted = Math.min(threads * divisionSlicesPerThread, divisionSlicesMax);
  const slices = divideRange(environment, view.collectionId, rangeOf(access), wanted);
  if (slices.length < 2) return undefined;
  const ranges = partsOf(slices, threads, plan.isReverse);
  return { db, collection, ranges, threads, ...shape };
}

/**
 * Large parts first, small ones at the end: the thread that takes the last one keeps the others waiting. As guided
 * self-scheduling (Polychronopoulos and Kuck, 1987), with an upper limit: rows of a part are held until those before it
 * are read.
 *
 * @param slices in the order of their keys
 * @returns in the order of the walk
 */
export function partsOf(
  slices: readonly IdKeyRange[],
  threads: number,
  isReverse: boolean,
): IdKeyRange[] {
  const left = isReverse ? slices.toReversed() : [...slices];
  const parts: IdKeyRange[] = [];
  while (left.length > 0) {
    const fair = Math.floor(left.length / (2 * threads));
    const taken = left.splice(0, Math.min(Math.max(fair, 1), slicesPerPartMax));
    const { lower } = isReverse ? taken.at(-1)! : taken[0]!;
    const { upper } = isReverse ? taken[0]! : taken.at(-1)!;
    parts.push({ ...(lower && { lower }), ...(upper && { upper }) });
  }
  return parts;
}

/** How many documents a range has, as far as it can be told without passing over all of them. */
function keysOf({ environment, collectionId }: View, access: CollectionAccess, documents: number) {
  const range = { ...documentRange(collectionId, rangeOf(access)), ...environment.latest };
  const limit = 2 * dividedDocumentsMin;
  const counted = countKeysUpTo(environment.stores.documents, range, limit);
  return counted < limit ? counted : documents;
}

/** Whether compiling the filter, which each part does, is work of its own. */
function isLarge(filter: unknown): boolean {
  let left = dividedFilterValuesMax;
  const count = (value: unknown): boolean => {
    left -= 1;
    if (left < 0) return true;
    if (Array.isArray(value)) return value.some(count);
    return isPlainObject(value) && Object.values(value).some(count);
  };
  return count(filter);
}

function queryOf(operation: DividableOperation, now: Date): PipelineFront {
  if (operation.kind === "aggregate") return rareReads().frontOf(operation, now);
  const { filter, hint, skip = 0, limit = 0 } = operation;
  const query = { filter, hint, skip, limit };
  if (operation.kind === "count") return { query, stages: [] };
  const { sort, idRange } = operation;
  return { query: { ...query, ...(sort && { sort }), ...(idRange && { idRange }) }, stages: [] };
}

/** @returns undefined when the parts cannot be put together */
function shapeOf(
  operation: DividableOperation,
  query: Query,
  plan: Plan,
  stages: readonly Document[],
  now: Date,
): Shape | undefined {
  const isAggregation = operation.kind === "aggregate";
  const { sort: _sort, hint: _hint, skip = 0, limit = 0, ...asked } = query;
  const wanted = rowsWanted(query);
  const common = {
    query: asked,
    plan: { ...plan, sort: undefined, rejected: [] },
    each: [],
    rest: [],
    projection: undefined,
    skip,
    limit,
    let: isAggregation ? operation.let : undefined,
    now,
  };
  if (operation.kind === "count") return { ...common, gathering: { kind: "count" } };
  const inMemory = plan.sort?.map(([path, direction]): [string, 1 | -1] => [path, direction]);
  const sorted = inMemory && ({ kind: "sort", sort: inMemory, wanted } as const);
  if (!isAggregation) {
    const { projection } = operation;
    if (sorted) return { ...common, gathering: sorted, projection };
    // No part is asked for more rows than all of them together.
    const each = { ...asked, projection, ...(limit > 0 && { limit: wanted }) };
    return { ...common, query: each, gathering: { kind: "rows" } };
  }
  const divided = rareReads().dividePipeline(stages);
  if (!divided) return undefined;
  if (sorted) {
    return {
      ...common,
      query: withSortFields(common.query, sorted.sort),
      gathering: sorted,
      rest: stages,
    };
  }
  if ((skip > 0 || limit > 0) && stages.length > 0) return undefined;
  return { ...common, each: divided.each, rest: divided.rest, gathering: gatheringOf(divided) };
}

function gatheringOf({ gather }: DividedPipeline): Gathering {
  return gather ?? { kind: "rows" };
}

/** What is sorted by must be read even if no stage asks for it. */
function withSortFields(query: Query, sort: Sort): Query {
  if (!query.fields) return query;
  const names = sort.map(([path]) => path.split(".", 1)[0]!);
  return { ...query, fields: new Set([...query.fields, ...names]) };
}
