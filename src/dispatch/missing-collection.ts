import { LioranError } from "../errors.js";

/** What is said where an operation needs a collection that exists. */
export function noCollection(db: string, collection: string): LioranError {
  return new LioranError("NAMESPACE_NOT_FOUND", `ns not found: there is no "${db}.${collection}".`);
}
