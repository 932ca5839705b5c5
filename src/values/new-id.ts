/**
 * Makes the `_id` of a document that has none: a UUIDv7 string, ordered by time, so that inserts
 * append. The library is loaded with the first one: a process that only reads does without.
 */
import { invariant } from "../invariant.js";

let generate: (() => string) | undefined;

/** Whether {@link newId} can be called. */
export function canMakeIds(): boolean {
  return generate !== undefined;
}

/** Loads what {@link newId} needs. */
export async function loadIds(): Promise<void> {
  generate ??= (await import("uuid")).v7;
}

/** A new `_id`. */
export function newId(): string {
  invariant(generate, "ids are loaded before the first one is made");
  return generate();
}
