/**
 * Inserts: gives documents their `_id`, encodes them, and cuts large inserts into operations that do
 * not hold up anybody else.
 */
import type { InsertOperation } from "../dispatch/operation.js";
import { failureDetails, LioranError, type WriteError } from "../errors.js";
import { insertChunkBytesMax, insertChunkDocumentsMax } from "../limits.js";
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
  if (!isPlainObject(document)) {
    throw new LioranError("BAD_VALUE", `${what} must be an object, not ${kindOf(document)}.`);
  }
  const storable = toStorable(withId(document), { what });
  return { id: storable._id, bytes: encodeDocument(storable) };
}

function withId(document: Document): Document {
  if (Object.hasOwn(document, "_id")) return document;
  const _id = newId();
  // `_id` is stored first; on the caller's object it comes last.
  if (Object.isExtensible(document)) document._id = _id;
  return { _id, ...document };
}

/** What an insert of many documents achieved. */
export interface InsertOutcome {
  /** Positions that were inserted. */
  insertedAt: number[];
  writeErrors: WriteError[];
  /** The error of the first document that failed. */
  first: LioranError | undefined;
}

/** Where and how documents are inserted. */
export type InsertTarget = Pick<
  InsertOperation,
  "db" | "collection" | "durability" | "ordered" | "bypassValidation" | "mustExist"
>;

/**
 * Inserts one document.
 *
 * @returns its `_id`
 * @throws the failure as that of one document, not of a bulk write
 */
export async function insertSingle(
  execute: Execute,
  target: InsertTarget,
  document: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const { id, bytes } = encodeForInsert(document, "document");
  try {
    await execute<"insert">({ kind: "insert", ...target, count: 1, documents: bytes }, signal);
  } catch (error) {
    if (!(error instanceof LioranError) || !error.writeErrors) throw error;
    throw error.with(failureDetails(error));
  }
  return id;
}

/** Inserts encoded documents in as many operations as it takes. */
export async function insertEncoded(
  execute: Execute,
  target: InsertTarget,
  documents: readonly EncodedDocument[],
  signal: AbortSignal | undefined,
): Promise<InsertOutcome> {
  const outcome: InsertOutcome = { insertedAt: [], writeErrors: [], first: undefined };
  let from = 0;
  while (from < documents.length) {
    const to = chunkEnd(documents, from);
    await insertChunk(execute, target, documents.slice(from, to), from, outcome, signal);
    if (outcome.first && target.ordered) break;
    from = to;
  }
  return outcome;
}

async function insertChunk(
  execute: Execute,
  target: InsertTarget,
  documents: readonly EncodedDocument[],
  offset: number,
  outcome: InsertOutcome,
  signal: AbortSignal | undefined,
): Promise<void> {
  const operation: InsertOperation = {
    kind: "insert",
    ...target,
    count: documents.length,
    documents: concatenated(documents),
  };
  try {
    await execute<"insert">(operation, signal);
    for (let at = 0; at < documents.length; at += 1) outcome.insertedAt.push(offset + at);
  } catch (error) {
    if (!(error instanceof LioranError) || !error.writeErrors) throw withSoFar(error, outcome);
    outcome.first ??= error;
    const { insertedAt } = error.result as { insertedAt: number[] };
    for (const at of insertedAt) outcome.insertedAt.push(offset + at);
    for (const failed of error.writeErrors) {
      outcome.writeErrors.push({ ...failed, index: offset + failed.index });
    }
  }
}

/** A failure of the way, not of a document: it still says what had been inserted before. */
function withSoFar(error: unknown, outcome: InsertOutcome): unknown {
  if (!(error instanceof LioranError) || outcome.insertedAt.length === 0) return error;
  return error.with({ result: { insertedAt: outcome.insertedAt } });
}

function chunkEnd(documents: readonly EncodedDocument[], from: number): number {
  let bytes = 0;
  let to = from;
  while (to < documents.length && to - from < insertChunkDocumentsMax) {
    bytes += documents[to].bytes.length;
    if (to > from && bytes > insertChunkBytesMax) break;
    to += 1;
  }
  return to;
}

function concatenated(documents: readonly EncodedDocument[]): Uint8Array {
  if (documents.length === 1) return documents[0].bytes;
  return Buffer.concat(documents.map(({ bytes }) => bytes));
}
