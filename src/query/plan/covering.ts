/** What can be answered from the entries of an index alone: a query, or a part of its filter. */
import type { Document } from "../../values/document.js";
import { filterPaths } from "../filter-paths.js";
import type { Condition } from "./conditions.js";
import type { IndexScan } from "./index-bounds.js";
import type { SortSpec } from "./plan.js";

export function covers(
  { index }: IndexScan,
  wanted: readonly string[] | undefined,
  residual: Document | undefined,
  sort: SortSpec | undefined,
): boolean {
  if (!wanted || index.multikey.length > 0 || index.cut) return false;
  const tested = residual ? filterPaths(residual) : [];
  if (!tested) return false;
  const sorted = sort ? sort.map(([path]) => path) : [];
  const held = new Set(index.key.map(([path]) => path));
  held.add("_id");
  return [...wanted, ...tested, ...sorted].every((path) => held.has(path));
}

/**
 * What of the filter can be tested on the entries, so that documents are read only for those that pass. What the
 * ranges of the walk express is left out.
 */
export function entryPart(
  { index, exact }: IndexScan,
  residual: Document | undefined,
  conditions: readonly Condition[],
): Document | undefined {
  if (!residual || index.multikey.length > 0 || index.cut) return undefined;
  const held = new Set(index.key.map(([path]) => path));
  const isExpressed = (path: string) => {
    const about = conditions.filter((condition) => condition.path === path);
    return about.length > 0 && about.every((condition) => exact.includes(condition));
  };
  const parts: Document[] = [];
  const collect = (filter: Document) => {
    for (const name of Object.keys(filter)) {
      const part = { [name]: filter[name] };
      const paths = filterPaths(part);
      if (name === "$and" && Array.isArray(filter.$and)) filter.$and.forEach(collect);
      else if (!paths || paths.length === 0 || !paths.every((path) => held.has(path))) continue;
      else if (!paths.every(isExpressed)) parts.push(part);
    }
  };
  collect(residual);
  return parts.length > 1 ? { $and: parts } : parts[0];
}

/** The paths of a projection that only includes fields. */
export function includedPaths(projection: Document): string[] | undefined {
  // Unless it says otherwise.
  const paths: string[] = Object.hasOwn(projection, "_id") ? [] : ["_id"];
  for (const name of Object.keys(projection)) {
    const value = projection[name];
    if (value === 1 || value === true) paths.push(name);
    else if (name !== "_id" || (value !== 0 && value !== false)) return undefined;
  }
  if (paths.every((path) => path === "_id") && projection._id !== 1 && projection._id !== true) {
    return undefined;
  }
  return paths.some((path) => path.includes("$")) ? undefined : paths;
}
