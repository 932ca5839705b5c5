/**
 * What an update operator is: it turns the value at a path into another one. The walk to the path is
 * `tree.ts`; the operators themselves are in the other files of this folder.
 */
import type { Document } from "../../values/document.js";
import type { MatchDetails } from "../traverse.js";

/** What an operator may need to know beyond the value. */
export interface UpdateScope {
  /** The document before the update. */
  readonly document: Document;
  /** Which array elements the filter matched. */
  readonly details: MatchDetails;
  readonly now: Date;
  /** Whether an upsert is inserting the document. */
  readonly insert: boolean;
}

/**
 * Gives the new value. `undefined` in means that the field is missing; `undefined` out removes it, or
 * leaves it missing. An operator that changes nothing returns the value itself.
 */
export type Operation = (value: unknown, scope: UpdateScope, path: string) => unknown;

/** Reads an operand once. `path` is as it was written. */
export type CompileOperation = (operand: unknown, path: string) => Operation;

/** How error messages name the document in question. */
export function describeDocument(scope: UpdateScope): string {
  const id = JSON.stringify(scope.document._id, (_name, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
  return `the document {_id: ${(id ?? "none").slice(0, 100)}}`;
}
