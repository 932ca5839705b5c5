/**
 * The documents of a large insert, cut into operations that do not hold up anybody else. All are checked before the
 * first operation is sent; each is encoded when it is its turn, which is while the one before is written.
 */
import { LioranError, type WriteError } from "../errors.js";
import { documentBytesMax, insertChunkBytesMax, insertChunkDocumentsMax } from "../limits.js";
import type { Execute } from "../runtime/runtime.js";
import { encodeDocument, encodeDocumentTransient } from "../storage/document.js";
import type { Document } from "../values/document.js";
import { storableBytesMost } from "../values/validate.js";
import { type InsertTarget, nextTurn, storableForInsert } from "./inserts.js";

/** One operation's share of the documents. */
export interface InsertChunk {
  /** Encoded, one after the other. */
  bytes: Uint8Array;
  count: number;
  /** Position of the first one among all. */
  from: number;
}

const bytesFirst = 8 * 1024;

export class InsertChunks {
  /** `_id` of each document. */
  readonly ids: unknown[] = [];
  readonly #documents: Document[] = [];
  /** How many of them were given out. */
  #done = 0;
  /** How much memory the last chunk took, which the next one begins with. */
  #capacity = bytesFirst;
  /** The document that found no place in the last chunk, encoded. */
  #left: Buffer | undefined;

  /**
   * @param what names the document in messages
   * @throws what contract.md calls an unacceptable value, naming the path
   */
  add(document: unknown, what: string): void {
    const storable = storableForInsert(document, what);
    // Whether it is too large shows when it is encoded. That it is not shows before, nearly always.
    if (storableBytesMost > documentBytesMax) encodeDocument(storable);
    this.#documents.push(storable);
    this.ids.push(storable._id);
  }

  /** Whether there is a next chunk. */
  get hasNext(): boolean {
    return this.#done < this.#documents.length;
  }

  /** Encodes the documents that come next; undefined after the last one. */
  next(): InsertChunk | undefined {
    const documents = this.#documents;
    const from = this.#done;
    const end = Math.min(documents.length, from + insertChunkDocumentsMax);
    let target = Buffer.allocUnsafeSlow(this.#capacity);
    let used = 0;
    // A buffer of its own for every document would be garbage by the hundred thousand.
    for (; this.#done < end; this.#done += 1) {
      const bytes = this.#left ?? encodeDocumentTransient(documents[this.#done]!);
      const needed = used + bytes.length;
      if (used > 0 && needed > insertChunkBytesMax) {
        this.#left = Buffer.from(bytes);
        break;
      }
      this.#left = undefined;
      if (needed > target.length) target = grown(target, used, needed);
      target.set(bytes, used);
      used = needed;
    }
    this.#capacity = target.length;
    const count = this.#done - from;
    return count > 0 ? { bytes: target.subarray(0, used), count, from } : undefined;
  }
}

function grown(target: Buffer<ArrayBuffer>, used: number, least: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.max(least, 2 * target.length));
  larger.set(target.subarray(0, used));
  return larger;
}

/** What an insert of many documents achieved. */
export interface InsertOutcome {
  /** Positions that were inserted. */
  insertedAt: number[];
  writeErrors: WriteError[];
  /** The error of the first document that failed. */
  first: LioranError | undefined;
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
    let hasFailed = false;
    written.catch(() => {
      hasFailed = true;
    });
    // In the next turn: this chunk leaves at the end of this one.
    const following = chunks.hasNext
      ? nextTurn().then(() => (hasFailed ? undefined : chunks.next()))
      : undefined;
    // Whether or not it comes to that: what is under way is waited for first.
    following?.catch(() => {});
    await written;
    if (outcome.first && target.ordered) break;
    chunk = await following?.catch((error: unknown) => {
      throw withSoFar(error, outcome);
    });
  }
  return outcome;
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
