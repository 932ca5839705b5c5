/**
 * What a document is, and which JavaScript objects count as one. The values inside are described in
 * `compare.ts` (their order) and `validate.ts` (what is accepted).
 */

/** A document, a sub-document, a filter or an update: field names to values. */
export type Document = Record<string, unknown>;

/**
 * Whether a value is an object literal: no class instance, no array. Objects of another realm
 * (`node:vm`, a test runner's sandbox) count too; they are told by a prototype that ends the chain.
 */
export function isPlainObject(value: unknown): value is Document {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, "isPrototypeOf") &&
    !Array.isArray(value)
  );
}

/** Whether a value is an object that the value order treats as a sub-document. */
export function isSubdocument(value: unknown): value is Document {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof RegExp)
  );
}
