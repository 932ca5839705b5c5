/**
 * Makes the `_id` of a document that has none: a UUIDv7 string, ordered by time, so that inserts
 * append.
 */
import { createRequire } from "node:module";

let generate: (() => string) | undefined;

/** A new `_id`. The library is loaded with the first one: a process that only reads does without. */
export function newId(): string {
  generate ??= (createRequire(import.meta.url)("uuid") as typeof import("uuid")).v7;
  return generate();
}
