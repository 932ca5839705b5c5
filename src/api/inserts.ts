/** Inserts: gives documents their `_id`, encodes them, and sends them. */
import type { InsertOperation } from "../dispatch/operation.js";
import { failureDetails, LioranError } from "../errors.js";
import type { Execute } from "../runtime/runtime.js";
import { encodeDocument } from "../storage/document.js";
import { type Document, isPlainObject } from "../values/document.js";
import { newId } from "../values/new-id.js";
import { toStorable } from "../values/validate.js";
import { kindOf } from "./arguments.js";

/** A document ready to be sent. */
export interface EncodedDocument {
  id: unknown;
  bytes: Uint8Array;
}

/**
 * Encodes a document for insertion. As in the official driver, a missing `_id` is also set on the
 * caller's object.
 *
 * @throws what contract.md calls an unacceptable value, naming the path
 */
export function encodeForInsert(document: unknown, what: string): EncodedDocument {
  const storable = storableForInsert(document, what);
  return { id: storable._id, bytes: encodeDocument(storable) };
}

/** What {@link encodeForInsert} encodes. */
export function storableForInsert(document: unknown, what: string): Document {
  if (!isPlainObject(document)) {
    throw new LioranError("BAD_VALUE", `${what} must be an object, not ${kindOf(document)}.`);
  }
  return toStorable(withId(document), { what });
}

function withId(document: Document): Document {
  if (Object.hasOwn(document, "_id")) return document;
  const _id = newId();
  // `_id` is stored first; on the caller's object it comes last.
  if (Object.isExtensible(document)) document._id = _id;
  return { _id, ...document };
}

/** Where and how documents are inserted. */
export type InsertTarget = Pick<
  InsertOperation,
  "db" | "collection" | "durability" | "ordered" | "bypassValidation" | "mustExist"
>;

/**
 * Inserts one document. What is wrong with it is thrown at once, not as a rejection.
 *
 * @returns its `_id`
 * @throws the failure as that of one document, not of a bulk write
 */
export function insertSingle(
  execute: Execute,
  target: Omit<InsertTarget, "mustExist">,
  document: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { id, bytes } = encodeForInsert(document, "document");
  const { db, collection, durability, ordered, bypassValidation } = target;
  const operation: InsertOperation = {
    kind: "insert",
    db,
    collection,
    durability,
    ordered,
    count: 1,
    documents: bytes,
  };
  if (bypassValidation) operation.bypassValidation = true;
  return execute<"insert">(operation, signal).then(
    () => id,
    (error: unknown) => {
      if (!(error instanceof LioranError) || !error.writeErrors) throw error;
      throw error.with(failureDetails(error));
    },
  );
}

/** What was sent has left by then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
