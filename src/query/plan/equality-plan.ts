/**
 * The plan of the most frequent filter after that by `_id`: one field that is equal to a scalar, and one index
 * that begins with it. It is the plan that `planner.ts` finds too, without looking at what cannot be there.
 */
import type { IndexEntry } from "../../storage/catalog.js";
import { componentBytesMax, indexPrefix } from "../../storage/index-entries.js";
import type { Document } from "../../values/document.js";
import { joined } from "./index-bounds.js";
import { all, type Intervals, point } from "./interval.js";
import type { Plan } from "./plan.js";

/** @returns undefined when the filter is another one, or when there is a choice */
export function planEquality(filter: Document, indexes: readonly IndexEntry[]): Plan | undefined {
  let path: string | undefined;
  for (const name in filter) {
    if (path !== undefined) return undefined;
    path = name;
  }
  if (path === undefined || path === "_id" || path.startsWith("$")) return undefined;
  const value = filter[path];
  if (!isSimple(value)) return undefined;
  const index = onlyIndexOn(path, indexes);
  if (!index) return undefined;
  const interval = point(value);
  const key = interval.lower.at;
  if (key.length > componentBytesMax(index.key.length)) return undefined;
  const prefix = indexPrefix(index.id);
  const behind = interval.upper.at;
  const bounds: Intervals[] = index.key.map(() => all);
  bounds[0] = [interval];
  return {
    access: {
      kind: "index",
      index,
      bounds,
      ranges: [{ start: joined(prefix, key), end: joined(prefix, behind) }],
      exact: [],
      boundFields: 1,
      fixedFields: 1,
    },
    isReverse: false,
    residual: undefined,
    entryFilter: undefined,
    sort: undefined,
    isCovered: false,
    rejected: [],
  };
}

/** Values that are equal to themselves only, and to no array but through its elements. */
function isSimple(value: unknown): boolean {
  const type = typeof value;
  return type === "string" || type === "boolean" || (type === "number" && !Number.isNaN(value));
}

/** Undefined also where it takes more thought: a descending field, arrays, values that were cut. */
function onlyIndexOn(path: string, indexes: readonly IndexEntry[]): IndexEntry | undefined {
  let only: IndexEntry | undefined;
  for (const index of indexes) {
    if (index.key[0]![0] !== path) continue;
    if (only || index.key[0]![1] !== 1 || index.state !== "ready") return undefined;
    if (index.partialFilter || index.cut || index.multikey.length > 0) return undefined;
    only = index;
  }
  return only;
}
