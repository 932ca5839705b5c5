/**
 * Dotted paths into documents. Every path a caller writes is parsed here once, so that a segment
 * that could reach a prototype is refused in one place.
 */
import { LioranError } from "../errors.js";
import { pathSegmentsMax } from "../limits.js";
import type { Document } from "../values/document.js";

/** A parsed path: what was written, and its field names or array positions. */
export interface Path {
  readonly text: string;
  readonly segments: readonly string[];
}

const cache = new Map<string, Path>();
const cachedPathsMax = 4096;
const indexPattern = /^(?:0|[1-9]\d*)$/;

/**
 * Splits a dotted path.
 *
 * @throws LioranError BAD_VALUE for a segment `__proto__`, and for a path with too many segments
 */
export function parsePath(text: string): Path {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const segments = text.split(".");
  if (segments.length > pathSegmentsMax) {
    throw new LioranError(
      "BAD_VALUE",
      `The path "${shortened(text)}" has ${segments.length} names; at most ${pathSegmentsMax} are allowed.`,
    );
  }
  for (const segment of segments) checkSegment(segment, text);
  const path = { text, segments };
  if (cache.size >= cachedPathsMax) cache.clear();
  cache.set(text, path);
  return path;
}

/** @throws LioranError BAD_VALUE for `__proto__` */
export function checkSegment(segment: string, text: string): void {
  if (segment !== "__proto__") return;
  throw new LioranError(
    "BAD_VALUE",
    `The path "${text}" contains __proto__, which can never be a field name. Rename the field.`,
  );
}

/**
 * @param emptyIs what an empty segment is an error of
 * @throws LioranError `emptyIs` for an empty path or segment, which can be read but never written
 */
export function parseWritablePath(
  text: string,
  emptyIs: "BAD_VALUE" | "EMPTY_FIELD_NAME" = "BAD_VALUE",
): Path {
  const path = parsePath(text);
  if (path.segments.includes("")) {
    throw new LioranError(
      emptyIs,
      `The path "${shortened(text)}" contains an empty field name. Remove the extra dot or name the field.`,
    );
  }
  return path;
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** Whether a segment can be a position in an array. */
export function isIndex(segment: string): boolean {
  const first = segment.charCodeAt(0);
  return first >= 48 && first <= 57 && indexPattern.test(segment);
}

/** A field of a document. What an object inherits (`constructor`) is no field. */
export function fieldOf(document: Document, name: string): unknown {
  const value = document[name];
  return typeof value === "function" ? undefined : value;
}

/** Whether `outer` is `inner` itself or one of the containers around it. */
export function isPrefix(outer: readonly string[], inner: readonly string[]): boolean {
  return outer.length <= inner.length && outer.every((segment, at) => segment === inner[at]);
}
