/**
 * From a query and what is known of its collection to a plan. Pure: what it has to know of the data it asks
 * through {@link CollectionFacts}, and it asks only where there is a choice.
 */
import { LioranError } from "../../errors.js";
import { selectivityKeysMax } from "../../limits.js";
import type { IndexEntry } from "../../storage/catalog.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { shownValue } from "../../values/shown.js";
import { type IdPlan, planId } from "../id-plan.js";
import { identicalValues } from "../identical.js";
import { isIndex as isPosition } from "../path.js";
import { type FilterShape, readShape } from "./conditions.js";
import { covers, entryPart, includedPaths } from "./covering.js";
import { planEquality } from "./equality-plan.js";
import { type IndexScan, scanOf } from "./index-bounds.js";
import { isEverything } from "./interval.js";
import type { Access, CollectionAccess, IdsAccess, Plan, SortSpec, UnionAccess } from "./plan.js";
import { isUsable } from "./usable.js";

/** The part of a query that decides how it is run. */
export interface PlanRequest {
  readonly filter: Document;
  /** The part of the collection to walk over, in the order of `_id`, over all types. */
  readonly idRange?: { readonly after?: unknown; readonly upTo?: unknown };
  readonly sort?: SortSpec;
  readonly projection?: Document;
  /** Only these top-level fields are needed. */
  readonly fields?: ReadonlySet<string>;
  readonly skip?: number;
  readonly limit?: number;
  /** The index to walk: its name or its key; `{ $natural: 1 }` for none. */
  readonly hint?: string | Document;
}

/** What the planner may ask about the collection. */
export interface CollectionFacts {
  readonly indexes: readonly IndexEntry[];
  /** How many documents there are. */
  documents(): number;
  /** How many keys the walk passes; stops counting at `limit`. */
  keys(access: IndexScan | CollectionAccess, limit: number): number;
}

/** A walk that reads less than everything, or that has the order that is asked for. */
type Option = IndexScan | CollectionAccess | IdsAccess | UnionAccess;

/** @throws BAD_VALUE for a hint that names no index */
export function planQuery(request: PlanRequest, facts: CollectionFacts): Plan {
  const { filter, idRange, sort, projection, fields, hint } = request;
  if (idRange) return finish(request, rangeAccess(idRange, filter), undefined, []);
  if (hint === undefined && !projection && !fields && !sort?.length) {
    const plan = planEquality(filter, facts.indexes);
    if (plan) return plan;
  }
  const ids = planId(request.filter);
  if (request.hint !== undefined) return hinted(request, facts, ids);
  if (ids.kind === "none" || ids.kind === "ids") return finish(request, ids, undefined, []);
  if (facts.indexes.length === 0) return finish(request, ids, undefined, []);
  const shape = readShape(request.filter);
  const scans = usableScans(shape, facts.indexes, request.sort);
  const bounded = boundedOptions(shape, ids, scans, facts);
  const unbounded = scans.filter((scan) => !bounded.includes(scan));
  const ordered = request.sort ? orderedScans(unbounded, request.sort) : [];
  const chosen = choose(request, facts, bounded, ordered) ?? ids;
  const rejected = [...bounded, ...ordered].filter((option) => option !== chosen);
  return finish(request, chosen, shape, rejected);
}

function rangeAccess(
  { after, upTo }: NonNullable<PlanRequest["idRange"]>,
  filter: Document,
): CollectionAccess {
  const residual = Object.keys(filter).length > 0 ? filter : undefined;
  if (after === undefined && upTo === undefined) return { kind: "scan", residual };
  return {
    kind: "range",
    lower: after === undefined ? undefined : { value: after, inclusive: false },
    upper: upTo === undefined ? undefined : { value: upTo, inclusive: true },
    isOverTypes: true,
    residual,
  };
}

/** The walks over indexes that begin with a field of the filter or of the sort. */
function usableScans(
  shape: FilterShape,
  indexes: readonly IndexEntry[],
  sort: SortSpec = [],
): IndexScan[] {
  const { conditions } = shape;
  const scans: IndexScan[] = [];
  for (const index of indexes) {
    const first = index.key[0]![0];
    const isNamed =
      conditions.some(({ path }) => path === first) || sort.some(([path]) => path === first);
    if (isNamed && isUsable(index, shape)) scans.push(scanOf(index, conditions));
  }
  return scans;
}

/** The walks that the filter bounds. */
function boundedOptions(
  shape: FilterShape,
  ids: IdPlan,
  scans: readonly IndexScan[],
  facts: CollectionFacts,
): Option[] {
  const options: Option[] = scans.filter((scan) => isBounded(scan, shape));
  if (ids.kind === "range") options.push(ids);
  for (const branches of shape.alternatives) {
    const union = unionOf(branches, shape, facts);
    if (union) options.push(union);
  }
  return options;
}

/** An index that leaves documents out is a bound in itself, where the filter asks for its first field. */
function isBounded({ index, boundFields }: IndexScan, { conditions }: FilterShape): boolean {
  if (boundFields > 0) return true;
  if (!index.sparse && !index.partialFilter) return false;
  return conditions.some(({ path }) => path === index.key[0]![0]);
}

/** The walk of an `$or`: one for each branch, if every branch has one. */
function unionOf(
  filters: readonly Document[],
  outer: FilterShape,
  facts: CollectionFacts,
): UnionAccess | undefined {
  const branches: UnionAccess["branches"][number][] = [];
  for (const filter of filters) {
    const ids = planId(filter);
    if (ids.kind === "none") continue;
    if (ids.kind === "ids") {
      branches.push(ids);
      continue;
    }
    const inner = readShape(filter);
    const shape = { ...inner, conditions: [...inner.conditions, ...outer.conditions] };
    const options: (IndexScan | CollectionAccess)[] = usableScans(shape, facts.indexes).filter(
      (scan) => isBounded(scan, shape),
    );
    if (ids.kind === "range") options.push(ids);
    const best = fewestKeys(options, facts);
    if (!best) return undefined;
    branches.push(best.option as IndexScan | CollectionAccess);
  }
  return { kind: "union", branches };
}

/** The walks over whole indexes that have the order of the sort. */
function orderedScans(scans: readonly IndexScan[], sort: SortSpec): IndexScan[] {
  return scans.filter((scan) => orderOf(scan, sort) !== undefined);
}

/** The better walk; undefined when nothing is better than walking over the collection. */
function choose(
  request: PlanRequest,
  facts: CollectionFacts,
  bounded: readonly Option[],
  ordered: readonly IndexScan[],
): Option | undefined {
  const { sort, limit = 0, skip = 0 } = request;
  const isOrdered = (option: Option) => !sort || orderOf(option, sort) !== undefined;
  if (bounded.length === 0) return ordered[0];
  if (bounded.length === 1 && (isOrdered(bounded[0]!) || ordered.length === 0)) return bounded[0];
  const best = fewestKeys(bounded, facts)!;
  const rival = [...bounded.filter((one) => one !== best.option), ...ordered].find(isOrdered);
  if (isOrdered(best.option) || !rival) return best.option;
  // Sorting what the better filter finds, or walking in order until enough has matched?
  const documents = facts.documents();
  const found = best.keys >= selectivityKeysMax ? documents : best.keys;
  const wanted = limit > 0 ? skip + limit : found;
  const passed = (wanted * documents) / Math.max(1, best.keys);
  return Math.min(passed, documents) < found ? rival : best.option;
}

/** Counts what each option passes, a few keys at first: the best one is known when it has ended. */
function fewestKeys(
  options: readonly Option[],
  facts: CollectionFacts,
): { option: Option; keys: number } | undefined {
  if (options.length === 1) {
    const [option] = options as [Option];
    return { option, keys: countKeys(option, facts, selectivityKeysMax) };
  }
  for (const limit of [selectivityKeysMax / 16, selectivityKeysMax]) {
    const counted = options.map((option) => ({ option, keys: countKeys(option, facts, limit) }));
    counted.sort((a, b) => a.keys - b.keys || fixedFields(b.option) - fixedFields(a.option));
    const [best] = counted;
    if (!best || best.keys < limit || limit === selectivityKeysMax) return best;
  }
  return undefined;
}

/** How many keys a walk passes; stops counting at `limit`. */
export function countKeys(option: Option, facts: CollectionFacts, limit: number): number {
  switch (option.kind) {
    case "ids":
      return option.ids.length;
    case "union": {
      let keys = 0;
      for (const branch of option.branches) keys += countKeys(branch, facts, limit - keys);
      return keys;
    }
    default:
      return limit <= 0 ? 0 : facts.keys(option, limit);
  }
}

function fixedFields(option: Option): number {
  return option.kind === "index" ? option.fixedFields : 0;
}

/** The direction in which the walk has the order of the sort; undefined when it has not. */
export function orderOf(access: Access, sort: SortSpec): 1 | -1 | undefined {
  const [first] = sort;
  if (!first) return 1;
  if (access.kind === "none") return 1;
  if (access.kind === "union") return undefined;
  if (access.kind !== "index") return first[0] === "_id" ? first[1] : undefined;
  return indexOrder(access, sort);
}

/**
 * An index has the order of its fields, and then of `_id`. Fields with one value only do not count. Where a
 * field holds arrays, a document's first entry is its place in the order, provided that all are walked.
 */
function indexOrder({ index, bounds, fixedFields }: IndexScan, sort: SortSpec): 1 | -1 | undefined {
  if (index.cut) return undefined;
  const isFixed = (path: string) =>
    index.key.some((f, at) => f[0] === path && at < fixedFields && !index.multikey.includes(at));
  let direction: 1 | -1 | undefined;
  let at = 0;
  for (const [path, wanted] of sort) {
    if (isFixed(path)) continue;
    while (at < fixedFields && index.key[at]![0] !== path) at += 1;
    const [field, stored] = index.key[at] ?? (["_id", 1] as const);
    if (field !== path || path.split(".").some(isPosition)) return undefined;
    if (direction !== undefined && direction !== wanted * stored) return undefined;
    direction = (wanted * stored) as 1 | -1;
    if (at >= index.key.length) return direction;
    if (index.multikey.includes(at)) {
      const isWhole = sort.length === 1 && isEverything(bounds[at]!) && index.multikey[0] === at;
      return isWhole ? direction : undefined;
    }
    at += 1;
  }
  return direction ?? 1;
}

function hinted(request: PlanRequest, facts: CollectionFacts, ids: IdPlan): Plan {
  const hint = request.hint!;
  const direction = isPlainObject(hint) ? hint.$natural : undefined;
  if (direction === 1 || direction === -1) {
    const access: CollectionAccess = { kind: "scan", residual: request.filter };
    const plan = finish(request, access, undefined, []);
    return request.sort?.length ? plan : { ...plan, isReverse: direction === -1 };
  }
  if (hint === "_id_" || identicalValues(hint, { _id: 1 })) {
    return finish(request, ids, undefined, []);
  }
  const index = facts.indexes.find((one) =>
    typeof hint === "string" ? one.name === hint : isSameKey(one, hint),
  );
  if (index?.state !== "ready") {
    throw new LioranError(
      "BAD_VALUE",
      `planner returned error: bad hint: there is no index ${shownValue(hint)}. listIndexes() shows those there are.`,
    );
  }
  const shape = readShape(request.filter);
  if (index.partialFilter && !isUsable(index, shape)) {
    throw new LioranError(
      "BAD_VALUE",
      `planner returned error: bad hint: the partial index "${index.name}" lacks documents that this filter can match.`,
    );
  }
  return finish(request, scanOf(index, shape.conditions), shape, []);
}

/** Whether it is the key of the index, in the order of its fields. */
export function isSameKey(index: IndexEntry, key: Document): boolean {
  const fields = Object.entries(key);
  return (
    fields.length === index.key.length &&
    fields.every(
      ([path, direction], at) =>
        path === index.key[at]![0] &&
        (typeof direction === "number" || typeof direction === "bigint") &&
        Number(direction) === index.key[at]![1],
    )
  );
}

function finish(
  request: PlanRequest,
  access: Access,
  shape: FilterShape | undefined,
  rejected: readonly Access[],
): Plan {
  const sort = request.sort?.length ? request.sort : undefined;
  const order = sort ? orderOf(access, sort) : 1;
  const blocking = order === undefined ? sort : undefined;
  const residual = residualOf(request.filter, access, shape);
  const isIndex = access.kind === "index";
  const isCovered = isIndex && covers(access, neededPaths(request), residual, blocking);
  return {
    access,
    isReverse: order === -1,
    residual,
    entryFilter: isIndex && !isCovered ? entryPart(access, residual, shape!.conditions) : undefined,
    sort: blocking,
    isCovered,
    rejected,
  };
}

/** The paths that a query needs of a document; undefined when it needs all of it. */
function neededPaths({ projection, fields }: PlanRequest): readonly string[] | undefined {
  if (projection) return includedPaths(projection);
  return fields && [...fields];
}

function residualOf(
  filter: Document,
  access: Access,
  shape: FilterShape | undefined,
): Document | undefined {
  switch (access.kind) {
    // A contradiction is found without reading the rest of the filter, which may still be wrong.
    case "none":
    case "union":
      return filter;
    case "index": {
      const { isComplete, conditions } = shape!;
      return isComplete && conditions.every((one) => access.exact.includes(one))
        ? undefined
        : filter;
    }
    default:
      return access.residual;
  }
}
