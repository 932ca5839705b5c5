/**
 * The documents of a large insert, cut into operations that do not hold up anybody else. All are checked before the
 * first operation is sent; each is encoded when it is its turn, which is while the one before is written.
 */
import { documentBytesMax, insertChunkBytesMax, insertChunkDocumentsMax } from "../limits.js";
import { encodeDocument, encodeDocumentTransient } from "../storage/document.js";
import type { Document } from "../values/document.js";
import { storableBytesMost } from "../values/validate.js";
import { storableForInsert } from "./inserts.js";

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

  /** Encodes the documents that come next; undefined after the last one. */
  next(): InsertChunk | undefined {
    const documents = this.#documents;
    const from = this.#done;
    const end = Math.min(documents.length, from + insertChunkDocumentsMax);
    let target = Buffer.allocUnsafeSlow(this.#capacity);
    let used = 0;
    // A buffer of its own for every document would be garbage by the hundred thousand.
    for (; this.#done < end; this.#done += 1) {
      const bytes = encodeDocumentTransient(documents[this.#done]!);
      const needed = used + bytes.length;
      if (used > 0 && needed > insertChunkBytesMax) break;
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
