/** Reads of jobs: through cursors, batch by batch, so that no snapshot lasts. */
import { readSequence } from "../cbor/read-item.js";
import type { CursorResult, FindOperation } from "../dispatch/operation.js";
import { batchDocumentsMax } from "../limits.js";
import type { Execute } from "../runtime/runtime.js";
import { encodeDocument } from "../storage/document.js";
import type { Document } from "../values/document.js";
import type { BatchRange } from "./messages.js";

/** Documents of a batch, in the order of `_id`. */
export interface RangeDocuments {
  /** Encoded, one after the other. */
  parts: Uint8Array[];
  count: number;
  /** The range that they are all the matching documents of: it may end before the one asked for. */
  upTo: unknown;
}

/** The documents of a small result. @param isHeavy it takes long to find them */
export async function allDocuments(
  execute: Execute,
  operation: FindOperation,
  isHeavy = false,
): Promise<Document[]> {
  const documents: Document[] = [];
  for await (const batch of batchesOf(execute, operation, isHeavy)) {
    documents.push(...("documents" in batch ? batch.documents : decoded(batch.bytes)));
  }
  return documents;
}

/** Reads a part of a collection, and ends at a document when there are enough bytes. */
export async function readRange(
  execute: Execute,
  { db, collection, filter }: Pick<FindOperation, "db" | "collection" | "filter">,
  range: BatchRange,
  bytesMax: number,
): Promise<RangeDocuments> {
  const parts: Uint8Array[] = [];
  let [count, bytes] = [0, 0];
  const operation: FindOperation = { kind: "find", db, collection, filter, idRange: { ...range } };
  for await (const batch of batchesOf(execute, operation, true)) {
    const part =
      "documents" in batch ? Buffer.concat(batch.documents.map(encodeDocument)) : batch.bytes;
    parts.push(part);
    count += "documents" in batch ? batch.documents.length : batch.count;
    bytes += part.length;
    if (bytes >= bytesMax) return { parts, count, upTo: lastId(part) };
  }
  return { parts, count, upTo: range.upTo };
}

async function* batchesOf(
  execute: Execute,
  operation: FindOperation,
  isHeavy: boolean,
): AsyncGenerator<CursorResult["batch"], void, void> {
  // A batch of a cursor ends at its bytes anyway.
  const batchSize = batchDocumentsMax;
  let result = await execute<"find">({ ...operation, batchSize }, undefined, { isHeavy });
  try {
    for (;;) {
      yield result.batch;
      if (result.cursor === 0) return;
      const { cursor } = result;
      result = await execute<"getMore">({ kind: "getMore", cursor, batchSize });
    }
  } finally {
    if (result.cursor !== 0) {
      const cursors = [result.cursor];
      await execute<"killCursors">({ kind: "killCursors", cursors }).catch(() => {});
    }
  }
}

/** The documents of {@link readRange}. */
export function decodeParts(parts: readonly Uint8Array[]): Document[] {
  return parts.flatMap(decoded);
}

function decoded(bytes: Uint8Array): Document[] {
  return readSequence(bytes) as Document[];
}

/** `_id` of the last of several encoded documents. */
function lastId(part: Uint8Array): unknown {
  return decoded(part).at(-1)?._id;
}
