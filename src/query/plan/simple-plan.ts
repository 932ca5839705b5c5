/**
 * The plan of the most frequent query of all, made without the planner's machinery: one condition on one path,
 * and one index on that path only. Gives up wherever there is a choice or a special case; what it gives is what
 * the planner would.
 */
import { keyPrefixBytes } from "../../limits.js";
import type { IndexEntry } from "../../storage/catalog.js";
import { writeKey } from "../../storage/key.js";
import { ORDER } from "../../values/compare.js";
import type { Document } from "../../values/document.js";
import type { KeyRange } from "./index-bounds.js";
import type { SortSpec } from "./plan.js";
import type { PlanRequest } from "./planner.js";

/** A walk over one range of an index, all of which matches, in the order that is asked for. */
export interface SimplePlan {
  readonly range: KeyRange;
  readonly isReverse: boolean;
}

/** Longer texts may not fit into a key, and a character has up to three bytes. */
const textLengthMax = 500;
const scratch = new Uint8Array(keyPrefixBytes + 4 * textLengthMax);

export function planSimply(
  { filter, sort, projection, hint }: PlanRequest,
  indexes: readonly IndexEntry[],
): SimplePlan | undefined {
  if (projection !== undefined || hint !== undefined) return undefined;
  const path = onlyName(filter);
  if (path === undefined || path === "_id" || path.startsWith("$")) return undefined;
  const index = onlyIndex(path, indexes);
  if (!index || (sort && !isSortBy(path, sort))) return undefined;
  const condition = filter[path];
  if (isPlain(condition)) {
    return { range: rangeOf(index, "$eq", condition), isReverse: false };
  }
  if (typeof condition !== "object" || condition === null) return undefined;
  const operator = onlyName(condition as Document);
  if (operator !== "$eq" && operator !== "$gt" && operator !== "$gte") return undefined;
  const operand = (condition as Document)[operator];
  if (!isPlain(operand)) return undefined;
  const isReverse = operator !== "$eq" && sort !== undefined && sort[0]![1] === -1;
  return { range: rangeOf(index, operator, operand), isReverse };
}

function isSortBy(path: string, sort: SortSpec): boolean {
  return sort.length === 1 && sort[0]![0] === path;
}

function onlyName(document: Document): string | undefined {
  let only: string | undefined;
  for (const name in document) {
    if (only !== undefined || !Object.hasOwn(document, name)) return undefined;
    only = name;
  }
  return only;
}

/** The index on the path alone, when no other one begins with it. */
function onlyIndex(path: string, indexes: readonly IndexEntry[]): IndexEntry | undefined {
  let only: IndexEntry | undefined;
  for (const index of indexes) {
    if (index.key[0]![0] !== path) continue;
    if (only) return undefined;
    only = index;
  }
  if (!only || only.key.length > 1 || only.key[0]![1] !== 1) return undefined;
  const isPlainIndex = only.multikey.length === 0 && !only.cut && !only.partialFilter;
  return isPlainIndex && only.state === "ready" ? only : undefined;
}

/** Values whose entries are those of equal values, and nothing else. */
function isPlain(value: unknown): value is string | number {
  return typeof value === "number"
    ? !Number.isNaN(value)
    : typeof value === "string" && value.length <= textLengthMax;
}

function rangeOf(
  { id }: IndexEntry,
  operator: "$eq" | "$gt" | "$gte",
  value: string | number,
): KeyRange {
  scratch[0] = id >>> 24;
  scratch[1] = id >>> 16;
  scratch[2] = id >>> 8;
  scratch[3] = id;
  const valueEnd = writeKey(value, scratch, keyPrefixBytes);
  // An entry has more bytes, all of them below 0xff, behind the key of its value.
  scratch[valueEnd] = 0xff;
  const behind = scratch.slice(0, valueEnd + 1);
  const start = operator === "$gt" ? behind : behind.subarray(0, valueEnd);
  if (operator === "$eq") return { start, end: behind };
  const end = scratch.slice(0, keyPrefixBytes + 1);
  end[keyPrefixBytes] = (typeof value === "number" ? ORDER.number : ORDER.string) + 1;
  return { start, end };
}
