import assert from "node:assert/strict";
import { test } from "node:test";
import { compileIndex } from "../../../src/query/index-keys.js";
import type { IndexEntry } from "../../../src/storage/catalog.js";
import { isOpaqueEntry } from "../../../src/storage/index-entries.js";
import { encodeKey } from "../../../src/storage/key.js";
import type { Document } from "../../../src/values/document.js";
import { indexOver } from "./plan/index-over.js";

const entriesOf = (index: IndexEntry, document: Document) =>
  compileIndex(index).entriesOf(document, encodeKey(document._id ?? null));
const count = (index: IndexEntry, document: Document) => entriesOf(index, document).entries.length;

test("equal values of one document are one entry", () => {
  const index = indexOver({ a: 1 });
  assert.equal(count(index, { _id: 1, a: [1, 1, 1n, 1.0, 2] }), 2);
  assert.equal(count(index, { _id: 1, a: [[], [], null] }), 2);
  assert.equal(count(index, { _id: 1 }), 1);
});

test("a sparse index leaves out what has none of its fields", () => {
  const index = indexOver({ a: 1, "b.c": -1 }, { sparse: true });
  assert.equal(count(index, { _id: 1 }), 0);
  assert.equal(count(index, { _id: 1, b: 5 }), 0);
  assert.equal(count(index, { _id: 1, b: [] }), 0);
  assert.equal(count(index, { _id: 1, a: null }), 1);
  assert.equal(count(index, { _id: 1, b: { c: null } }), 1);
  assert.equal(count(index, { _id: 1, b: [{ c: 1 }, 2] }), 2);
});

test("a partial index leaves out what its filter does not match", () => {
  const index = indexOver({ a: 1 }, { partialFilter: { b: { $gt: 5 } } });
  assert.equal(count(index, { _id: 1, a: 1 }), 0);
  assert.equal(count(index, { _id: 1, a: 1, b: 5 }), 0);
  assert.equal(count(index, { _id: 1, a: 1, b: [1, 6] }), 1);
});

test("an entry is opaque when its values, or its _id, cannot be read back", () => {
  const index = indexOver({ a: 1, b: -1 });
  const isOpaque = (document: Document) =>
    isOpaqueEntry(entriesOf(index, document).entries[0]!.value);
  assert.equal(isOpaque({ _id: 1, a: "x", b: null }), false);
  assert.equal(isOpaque({ _id: 1, a: "x" }), true);
  assert.equal(isOpaque({ _id: 1, a: 1n, b: 1 }), true);
  assert.equal(isOpaque({ _id: 1n, a: 1, b: 1 }), true);
  assert.equal(isOpaque({ _id: 1, a: { x: 1 }, b: 1 }), true);
  assert.equal(isOpaque({ _id: 1, a: [[], 1], b: 1 }), true);
  // One of two equal elements is enough.
  const [entry] = entriesOf(indexOver({ a: 1 }), { _id: "x".repeat(300), a: [1n, 1] }).entries;
  assert.equal(isOpaqueEntry(entry!.value), true);
});

test("arrays and cut values are told", () => {
  const index = indexOver({ a: 1, b: 1 });
  assert.deepEqual(entriesOf(index, { _id: 1, a: 1, b: [1] }).multikey, [1]);
  assert.equal(entriesOf(index, { _id: 1, a: 1, b: 1 }).isCut, false);
  assert.equal(entriesOf(index, { _id: 1, a: 1, b: "x".repeat(3_000) }).isCut, true);
  assert.equal(entriesOf(index, { _id: "x".repeat(300), a: 1 }).isCut, true);
});

test("two arrays are refused by code, naming both paths", () => {
  assert.throws(() => entriesOf(indexOver({ a: 1, "b.c": 1 }), { a: [1], b: [{ c: 1 }] }), {
    code: 171,
    message: /\[b\.c\] \[a\]/,
  });
});

test("keyValue shows the values of one entry", () => {
  const index = compileIndex(indexOver({ a: 1, "b.c": 1, d: -1 }));
  const document = { _id: 1, a: "x", b: [{ c: 1 }, { c: [] }] };
  const idKey = encodeKey(1);
  const shown = index
    .entriesOf(document, idKey)
    .entries.map(({ key }) => index.keyValue(document, key, idKey));
  assert.deepEqual(shown, [
    { a: "x", "b.c": 1, d: null },
    { a: "x", "b.c": [], d: null },
  ]);
});
