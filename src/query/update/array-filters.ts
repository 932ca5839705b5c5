/** `arrayFilters`: which array elements `$[name]` stands for. */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { compileFilter, type Matcher } from "../filter.js";

/** A compiled array filter for each identifier. */
export type ArrayFilters = ReadonlyMap<string, Matcher>;

/**
 * @throws LioranError BAD_VALUE for a filter that is none or has a bad identifier; FAILED_TO_PARSE
 *   for filters over no or several identifiers, or two filters over one
 */
export function compileArrayFilters(filters: Document[] | undefined): ArrayFilters {
  const compiled = new Map<string, Matcher>();
  if (filters === undefined || filters === null) return compiled;
  if (!Array.isArray(filters)) {
    throw new LioranError("BAD_VALUE", "arrayFilters must be an array of filters.");
  }
  for (const filter of filters) {
    if (!isPlainObject(filter)) {
      throw new LioranError("BAD_VALUE", "Every entry of arrayFilters must be an object.");
    }
    const identifiers = new Set<string>();
    collectIdentifiers(filter, identifiers);
    const [identifier] = identifiers;
    if (identifier === undefined || identifiers.size > 1) {
      throw new LioranError(
        "FAILED_TO_PARSE",
        `Each array filter must name exactly one identifier, not ${identifiers.size}.`,
      );
    }
    checkIdentifier(identifier);
    if (compiled.has(identifier)) {
      throw new LioranError(
        "FAILED_TO_PARSE",
        `Found multiple array filters with the same top-level field name ${identifier}.`,
      );
    }
    compiled.set(identifier, compileFilter(filter));
  }
  return compiled;
}

function collectIdentifiers(filter: Document, identifiers: Set<string>): void {
  for (const [name, condition] of Object.entries(filter)) {
    if (!name.startsWith("$")) identifiers.add(name.split(".")[0]!);
    else if (Array.isArray(condition)) {
      for (const branch of condition) {
        if (isPlainObject(branch)) collectIdentifiers(branch, identifiers);
      }
    }
  }
}

function checkIdentifier(identifier: string): void {
  if (/^[a-z][a-zA-Z0-9]*$/.test(identifier)) return;
  throw new LioranError(
    "BAD_VALUE",
    `The array filter identifier "${identifier}" must begin with a lowercase letter and have ` +
      "letters and digits only.",
  );
}
