/** Inserts: gives documents their `_id`, encodes them, and sends them. */
import type { InsertOperation } from "../dispatch/operation.js";
import { failureDetails, LioranError, type WriteError } from "../errors.js";
import type { Execute } from "../runtime/runtime.js";
import { encodeDocument } from "../storage/document.js";
import { type Document, isPlainObject } from "../values/document.js";
import { newId } from "../values/new-id.js";
import { toStorable } from "../values/validate.js";
import { kindOf } from "./arguments.js";
import type { InsertChunk, InsertChunks } from "./insert-chunks.js";

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

/** Inserts documents in as many operations as they are cut into, of which one is under way at a time. */
export async function insertChunks(
  execute: Execute,
  target: InsertTarget,
  chunks: InsertChunks,
  signal: AbortSignal | undefined,
): Promise<InsertOutcome> {
  const outcome: InsertOutcome = { insertedAt: [], writeErrors: [], first: undefined };
  let chunk = chunks.next();
  while (chunk) {
    const written = insertChunk(execute, target, chunk, outcome, signal);
    // In the next turn: this chunk leaves at the end of this one.
    const following = nextTurn().then(() => chunks.next());
    // Whether or not it comes to that: what is under way is waited for first.
    following.catch(() => {});
    await written;
    if (outcome.first && target.ordered) break;
    chunk = await following.catch((error: unknown) => {
      throw withSoFar(error, outcome);
    });
  }
  return outcome;
}

/** What was sent has left by then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function insertChunk(
  execute: Execute,
  target: InsertTarget,
  { bytes, count, from }: InsertChunk,
  outcome: InsertOutcome,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await execute<"insert">({ kind: "insert", ...target, count, documents: bytes }, signal);
    for (let at = 0; at < count; at += 1) outcome.insertedAt.push(from + at);
  } catch (error) {
    if (!(error instanceof LioranError) || !error.writeErrors) throw withSoFar(error, outcome);
    outcome.first ??= error;
    const { insertedAt } = error.result as { insertedAt: number[] };
    for (const at of insertedAt) outcome.insertedAt.push(from + at);
    for (const failed of error.writeErrors) {
      outcome.writeErrors.push({ ...failed, index: from + failed.index });
    }
  }
}

/** A failure of the way, not of a document: it still says what had been inserted before. */
function withSoFar(error: unknown, outcome: InsertOutcome): unknown {
  if (!(error instanceof LioranError) || outcome.insertedAt.length === 0) return error;
  return error.with({ result: { insertedAt: outcome.insertedAt } });
}
