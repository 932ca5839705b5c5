import assert from "node:assert/strict";
import { test } from "node:test";
import { type InsertChunk, InsertChunks } from "../../../src/api/insert-chunks.js";
import { readSequence } from "../../../src/cbor/read-item.js";
import { LioranError } from "../../../src/errors.js";
import {
  documentBytesMax,
  insertChunkBytesMax,
  insertChunkDocumentsMax,
} from "../../../src/limits.js";

const pageText = "x".repeat(1024 * 1024);

test("documents follow each other in chunks of at most so many", () => {
  const count = insertChunkDocumentsMax + 3;
  const documents = Array.from({ length: count }, (_, _id) => ({ _id, n: _id % 7 }));
  const inserted = gathered(documents);
  assert.ok(inserted.hasNext);
  const chunks = allOf(inserted);
  assert.ok(!inserted.hasNext);
  assert.deepEqual(
    chunks.map(({ from, count }) => [from, count]),
    [
      [0, insertChunkDocumentsMax],
      [insertChunkDocumentsMax, 3],
    ],
  );
  assert.deepEqual(
    chunks.flatMap(({ bytes }) => readSequence(bytes)),
    documents,
  );
  assert.deepEqual(
    inserted.ids,
    documents.map(({ _id }) => _id),
  );
});

test("a chunk ends at its bytes, but has one document at least", () => {
  const large = { _id: "large", text: pageText.repeat(3) };
  const documents = [{ _id: 1, text: pageText }, { _id: 2, text: pageText }, large, { _id: 3 }];
  const chunks = allOf(gathered(documents));
  assert.deepEqual(
    chunks.map(({ count }) => count),
    [1, 1, 1, 1],
  );
  for (const { bytes, count } of chunks) {
    assert.ok(count === 1 || bytes.length <= insertChunkBytesMax);
  }
  assert.deepEqual(
    chunks.flatMap(({ bytes }) => readSequence(bytes)),
    documents,
  );
});

test("a document that cannot be stored is named, and the others are as they were", () => {
  const inserted = gathered([{ _id: 1 }]);
  assert.throws(
    () => inserted.add({ _id: 2, at: () => 1 }, "documents.1"),
    (error) => error instanceof LioranError && error.message.includes("documents.1"),
  );
  inserted.add({ _id: 3 }, "documents.2");
  assert.deepEqual(
    allOf(inserted).flatMap(({ bytes }) => readSequence(bytes)),
    [{ _id: 1 }, { _id: 3 }],
  );
});

test("one that is too large is refused before any is encoded, whatever makes it so", () => {
  const inserted = gathered([{ _id: 1 }]);
  const text = "x".repeat(documentBytesMax);
  const many = new Array(documentBytesMax / 4).fill(12_345_678);
  const wide = "\u4e2d".repeat(documentBytesMax / 3);
  const values = [
    text,
    wide,
    new Uint8Array(documentBytesMax),
    new RegExp(text),
    { [text]: 1 },
    many,
  ];
  for (const value of values) {
    assert.throws(
      () => inserted.add({ _id: 2, value }, "documents.1"),
      (error) => error instanceof LioranError && error.code === 10334,
    );
  }
  assert.deepEqual(
    allOf(inserted).map(({ count }) => count),
    [1],
  );
});

function allOf(chunks: InsertChunks): InsertChunk[] {
  const all: InsertChunk[] = [];
  for (let chunk = chunks.next(); chunk; chunk = chunks.next()) all.push(chunk);
  return all;
}

function gathered(documents: readonly object[]): InsertChunks {
  const chunks = new InsertChunks();
  for (const [at, document] of documents.entries()) chunks.add(document, `documents.${at}`);
  return chunks;
}
