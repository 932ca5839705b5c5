/**
 * Whether a read is divided over several threads, and into what. Decided from what it will cost: a walk over
 * many documents is divided by ranges of `_id`; what an index answers, and what is short, is not.
 */
import { dividedDocumentsMin, divisionPartsPerThread, divisionThreadsMax } from "../../limits.js";
import type { DividedPipeline } from "../../query/aggregate/divide.js";
import { unlimited } from "../../query/control.js";
import { planFor, type Query, rowsWanted } from "../../query/execute.js";
import type { CollectionAccess, Plan } from "../../query/plan/plan.js";
import type { Sort } from "../../query/sort.js";
import { rangeOf, type View, viewOf } from "../../query/walk.js";
import { findCollection } from "../../storage/catalog.js";
import { documentRange } from "../../storage/collection.js";
import { countKeysUpTo } from "../../storage/count-keys.js";
import { divideRange } from "../../storage/divide-range.js";
import type { Environment } from "../../storage/environment.js";
import { readStatistics } from "../../storage/statistics.js";
import type { Document } from "../../values/document.js";
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
  const view = viewOf(environment, findCollection(environment, collection));
  const { documents } = readStatistics(environment, view.collectionId);
  if (documents < dividedDocumentsMin) return undefined;
  const now = new Date();
  const { query, stages } = queryOf(operation, now);
  if (!query) return undefined;
  const plan = planFor(view, query, unlimited);
  const { access } = plan;
  if (access.kind !== "scan" && access.kind !== "range") return undefined;
  const walked = access.kind === "scan" ? documents : keysOf(view, access, cores);
  const threads = Math.min(cores, divisionThreadsMax, Math.ceil(walked / dividedDocumentsMin));
  if (walked < dividedDocumentsMin || threads < 2) return undefined;
  const shape = shapeOf(operation, query, plan, stages, now);
  if (!shape) return undefined;
  const wanted = threads * divisionPartsPerThread;
  const ranges = divideRange(environment, view.collectionId, rangeOf(access), wanted);
  if (ranges.length < 2) return undefined;
  if (plan.isReverse) ranges.reverse();
  return { db, collection, ranges, threads, ...shape };
}

/** How many documents a range has; no more than matter. */
function keysOf({ environment, collectionId }: View, access: CollectionAccess, cores: number) {
  const range = { ...documentRange(collectionId, rangeOf(access)), ...environment.latest };
  return countKeysUpTo(environment.stores.documents, range, cores * dividedDocumentsMin);
}

function queryOf(operation: DividableOperation, now: Date): PipelineFront {
  if (operation.kind === "aggregate") return rareReads().frontOf(operation, now);
  const { filter, hint } = operation;
  if (operation.kind === "count") return { query: { filter, hint }, stages: [] };
  const { sort, idRange } = operation;
  return {
    query: { filter, hint, ...(sort && { sort }), ...(idRange && { idRange }) },
    stages: [],
  };
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
  const { skip = 0, limit = 0 } = isAggregation ? query : operation;
  const { sort, ...unsorted } = query;
  const common = {
    query: { ...unsorted, skip: 0, limit: 0, ...(sort && !plan.sort && { sort }) },
    each: [],
    rest: [],
    projection: undefined,
    skip,
    limit,
    let: isAggregation ? operation.let : undefined,
    now,
  };
  if (operation.kind === "count") return { ...common, gathering: { kind: "count" } };
  const wanted = rowsWanted({ ...query, skip, limit });
  const inMemory = plan.sort?.map(([path, direction]): [string, 1 | -1] => [path, direction]);
  const sorted = inMemory && ({ kind: "sort", sort: inMemory, wanted } as const);
  if (!isAggregation) {
    const { projection } = operation;
    if (sorted) return { ...common, gathering: sorted, projection };
    return { ...common, query: { ...common.query, projection }, gathering: { kind: "rows" } };
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
