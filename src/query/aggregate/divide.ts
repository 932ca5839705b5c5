/**
 * Divides a pipeline into what can be done for each part of a collection on its own, and what is done with the
 * results of all parts: `$group` and `$sort` gather, and what is in front of them looks at one document at a time.
 */
import { type Document, isPlainObject } from "../../values/document.js";
import { normalizeSort, type Sort } from "../sort.js";
import { splitPipeline } from "./split.js";

export interface DividedPipeline {
  /** Stages of a part, behind the query at the front. */
  readonly each: readonly Document[];
  /** What the results of the parts are gathered by; without it they follow each other. */
  readonly gather:
    | { readonly kind: "group"; readonly group: Document }
    | { readonly kind: "sort"; readonly sort: Sort; readonly wanted: number }
    | undefined;
  /** Stages behind that. Empty without `gather`. */
  readonly rest: readonly Document[];
}

/** One document in, any number out, whatever comes before and after. */
const perDocument = new Set([
  "$match",
  "$project",
  "$addFields",
  "$set",
  "$unset",
  "$unwind",
  "$replaceRoot",
  "$replaceWith",
  "$redact",
]);
/** They can add up what was gathered elsewhere, in any order. */
const dividable = new Set(["$sum", "$avg", "$min", "$max", "$count"]);
/** They read other collections, of which the threads of one query may see different states. */
const readers = new Set(["$lookup", "$graphLookup", "$unionWith"]);

/**
 * @param stages those behind the query at the front of a pipeline that compiles
 * @returns undefined when one thread has to do it
 */
export function dividePipeline(stages: readonly Document[]): DividedPipeline | undefined {
  if (stages.some(readsOthers)) return undefined;
  const all = stages.flatMap(inBasicStages);
  const end = all.findIndex((stage) => !perDocument.has(nameOf(stage)));
  if (end === -1) return { each: all, gather: undefined, rest: [] };
  const gathering = all[end]!;
  const each = all.slice(0, end);
  const rest = all.slice(end + 1);
  switch (nameOf(gathering)) {
    case "$group": {
      const group = gathering.$group as Document;
      return isDividable(group) ? { each, gather: { kind: "group", group }, rest } : undefined;
    }
    case "$sort": {
      const sort = normalizeSort(gathering.$sort);
      const { limit, skip = 0 } = splitPipeline(rest).query;
      const wanted = isCut(rest) && limit ? skip + limit : Number.POSITIVE_INFINITY;
      return { each, gather: { kind: "sort", sort, wanted }, rest };
    }
    default:
      return undefined;
  }
}

/** `$count` and `$sortByCount` are defined by others: https://www.mongodb.com/docs/manual/reference/operator/aggregation/sortByCount/ */
function inBasicStages(stage: Document): Document[] {
  if (Object.hasOwn(stage, "$count") && stage.$count !== "_id") {
    const name = stage.$count as string;
    return [{ $group: { _id: null, [name]: { $sum: 1 } } }, { $project: { _id: 0 } }];
  }
  if (Object.hasOwn(stage, "$sortByCount")) {
    const group = { _id: stage.$sortByCount, count: { $sum: 1 } };
    return [{ $group: group }, { $sort: { count: -1 } }];
  }
  return [stage];
}

function isDividable({ _id, ...output }: Document): boolean {
  return Object.values(output).every(
    (accumulator) => isPlainObject(accumulator) && dividable.has(nameOf(accumulator)),
  );
}

/** Whether the very next stages say how many are wanted. */
function isCut([next]: readonly Document[]): boolean {
  return next !== undefined && (Object.hasOwn(next, "$limit") || Object.hasOwn(next, "$skip"));
}

function readsOthers(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(readsOthers);
  if (!isPlainObject(value)) return false;
  for (const name in value) if (readers.has(name) || readsOthers(value[name])) return true;
  return false;
}

function nameOf(stage: Document): string {
  return Object.keys(stage)[0]!;
}
