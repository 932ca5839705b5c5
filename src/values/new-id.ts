/**
 * Makes the `_id` of a document that has none: a UUIDv7 string, ordered by time, so that inserts
 * append.
 */
import { lateRequire } from "../late-loading.js";

let generate: (() => string) | undefined;

/** A new `_id`. The library is loaded with the first one: a process that only reads does without. */
export function newId(): string {
  generate ??= (lateRequire(import.meta.url)("uuid") as typeof import("uuid")).v7;
  return generate();
}
