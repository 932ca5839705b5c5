/** Whether a query can be answered from the entries of an index alone. */
import type { Document } from "../../values/document.js";
import { filterPaths } from "../filter-paths.js";
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
