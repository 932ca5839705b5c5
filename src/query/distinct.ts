/** `distinct()`: https://www.mongodb.com/docs/manual/reference/command/distinct/ */
import { equalValues } from "../values/compare.js";
import { type Document, isSubdocument } from "../values/document.js";
import { fieldOf, isIndex, parsePath } from "./path.js";

export interface DistinctCollector {
  add(document: Document): void;
  /** In the order in which they were first seen. */
  values(): unknown[];
}

/**
 * Collects the different values at a path. Arrays count by their elements; a missing field adds
 * nothing, null adds null; 1 and 1n are one value.
 *
 * @throws LioranError BAD_VALUE for a path that can never exist
 */
export function distinctCollector(path: string): DistinctCollector {
  const { segments } = parsePath(path);
  const seen = new DistinctValues();
  return {
    add: (document) => collect(document, segments, 0, seen),
    values: () => seen.list,
  };
}

function collect(
  value: unknown,
  segments: readonly string[],
  at: number,
  seen: DistinctValues,
): void {
  if (at === segments.length) {
    if (Array.isArray(value)) for (const element of value) seen.add(element);
    else if (value !== undefined) seen.add(value);
    return;
  }
  const segment = segments[at]!;
  if (isSubdocument(value)) collect(fieldOf(value, segment), segments, at + 1, seen);
  else if (Array.isArray(value)) {
    if (isIndex(segment)) collect(value[Number(segment)], segments, at + 1, seen);
    for (const element of value) {
      if (isSubdocument(element)) collect(element, segments, at, seen);
    }
  }
}

/** A set by value. Only values with the same key are compared one by one. */
class DistinctValues {
  readonly list: unknown[] = [];
  readonly #buckets = new Map<unknown, unknown[]>();

  add(value: unknown): void {
    const key = bucketKey(value, 0);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, [value]);
    else if (bucket.some((other) => equalValues(other, value))) return;
    else bucket.push(value);
    this.list.push(value);
  }
}

const keyDepthMax = 4;

/** The same for all values that are equal, and mostly different for others. */
function bucketKey(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return `s${value.length}:${value}`;
    case "number":
    case "bigint":
      return `n${Number(value) + 0}`;
    case "boolean":
      return `b${value}`;
    default:
      return value === null || value === undefined ? "0" : objectKey(value, depth);
  }
}

function objectKey(value: object, depth: number): string {
  if (value instanceof Date) return `d${value.getTime()}`;
  if (value instanceof RegExp) return `r${value.source}`;
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString("base64")}`;
  if (depth === keyDepthMax) return "…";
  if (Array.isArray(value)) {
    return `[${value.map((element) => bucketKey(element, depth + 1)).join(",")}]`;
  }
  const fields = Object.entries(value);
  return `{${fields.map(([name, field]) => `${name}:${bucketKey(field, depth + 1)}`).join(",")}}`;
}
