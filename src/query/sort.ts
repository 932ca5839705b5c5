/**
 * Sort specifications and the order they stand for
 * (https://www.mongodb.com/docs/manual/reference/method/cursor.sort/). An array sorts by its smallest
 * element when ascending and its largest when descending, an empty one before null.
 */
import { LioranError } from "../errors.js";
import { compareValues } from "../values/compare.js";
import { type Document, isPlainObject, isSubdocument } from "../values/document.js";
import { shownText } from "../values/shown.js";
import { fieldOf, isIndex, type Path, parsePath } from "./path.js";

/** A normalized sort: paths and directions, most significant first. */
export type Sort = [string, 1 | -1][];

/** Stands for an empty array, which has no element to sort by. */
const emptyArray = Symbol("empty array");

/**
 * Reads the forms the official driver accepts: `{ a: 1 }`, `[["a", 1]]`, `["a", "b"]`, `["a", 1]`,
 * `"a"`, a Map; directions 1, -1, "asc", "desc", "ascending", "descending".
 *
 * @param direction for `"a"` and `["a", "b"]`; default 1
 * @throws LioranError BAD_VALUE for anything else; COMMAND_NOT_SUPPORTED for `$meta`
 */
export function normalizeSort(input: unknown, direction: unknown = 1): Sort {
  return entriesOf(input, direction).map(([path, given]) => {
    if (typeof path !== "string" || path === "" || path.startsWith("$")) {
      throw new LioranError("BAD_VALUE", `${shownText(path)} is not a field to sort by.`);
    }
    parsePath(path);
    return [path, directionOf(path, given)];
  });
}

/**
 * Compiles a sort into a comparison of two documents.
 *
 * @throws LioranError BAD_VALUE as {@link normalizeSort}
 */
export function compileSort(spec: unknown): (a: Document, b: Document) => number {
  const parts = normalizeSort(spec).map(([path, direction]) => ({
    key: sortKey(parsePath(path), direction),
    direction,
  }));
  return (a, b) => {
    for (const { key, direction } of parts) {
      const order = compareKeys(key(a), key(b));
      if (order !== 0) return order * direction;
    }
    return 0;
  };
}

function entriesOf(input: unknown, direction: unknown): (readonly unknown[])[] {
  if (input === undefined || input === null) return [];
  if (typeof input === "string") return [[input, direction]];
  if (input instanceof Map) return [...input];
  if (Array.isArray(input)) {
    if (input.length === 2 && typeof input[0] === "string" && isDirection(input[1])) return [input];
    return input.map((entry: unknown) => {
      if (typeof entry === "string") return [entry, direction];
      if (Array.isArray(entry) && entry.length === 2) return entry;
      throw badSort();
    });
  }
  if (isPlainObject(input)) return Object.entries(input);
  throw badSort();
}

function badSort(): LioranError {
  return new LioranError("BAD_VALUE", `A sort must be such as { name: 1 } or [["name", -1]].`);
}

const directions = new Map<unknown, 1 | -1>([
  [1, 1],
  [-1, -1],
  [1n, 1],
  [-1n, -1],
  ["1", 1],
  ["-1", -1],
  ["asc", 1],
  ["desc", -1],
  ["ascending", 1],
  ["descending", -1],
]);

function isDirection(value: unknown): boolean {
  return directions.has(typeof value === "string" ? value.toLowerCase() : value);
}

function directionOf(path: string, given: unknown): 1 | -1 {
  const direction = directions.get(typeof given === "string" ? given.toLowerCase() : given);
  if (direction !== undefined) return direction;
  if (isPlainObject(given) && "$meta" in given) {
    throw new LioranError(
      "COMMAND_NOT_SUPPORTED",
      `Sorting by $meta ("${path}") is not supported.`,
    );
  }
  throw new LioranError("BAD_VALUE", `The sort direction of "${path}" must be 1 or -1.`);
}

function compareKeys(a: unknown, b: unknown): number {
  if (a === emptyArray || b === emptyArray)
    return Number(b === emptyArray) - Number(a === emptyArray);
  return compareValues(a, b);
}

function sortKey(path: Path, direction: 1 | -1): (document: Document) => unknown {
  const [name] = path.segments as [string, ...string[]];
  const isTop = path.segments.length === 1;
  return (document) => {
    if (isTop) {
      const value = fieldOf(document, name);
      if (!Array.isArray(value)) return value;
    }
    const keys: unknown[] = [];
    collectKeys(document, path.segments, 0, keys);
    return keys.reduce((best, key) => (compareKeys(key, best) * direction < 0 ? key : best));
  };
}

/** Collects at least one key: what the path does not reach counts as null. */
function collectKeys(
  value: unknown,
  segments: readonly string[],
  at: number,
  keys: unknown[],
): void {
  if (at === segments.length) {
    if (!Array.isArray(value)) keys.push(value ?? null);
    else if (value.length === 0) keys.push(emptyArray);
    else for (const element of value) keys.push(element);
    return;
  }
  const segment = segments[at]!;
  if (Array.isArray(value)) {
    if (isIndex(segment)) collectKeys(value[Number(segment)], segments, at + 1, keys);
    else if (value.length === 0) keys.push(null);
    else for (const element of value) collectInElement(element, segments, at, keys);
    return;
  }
  if (isSubdocument(value)) collectKeys(fieldOf(value, segment), segments, at + 1, keys);
  else keys.push(null);
}

function collectInElement(
  element: unknown,
  segments: readonly string[],
  at: number,
  keys: unknown[],
): void {
  if (isSubdocument(element)) collectKeys(element, segments, at, keys);
  else keys.push(null);
}
