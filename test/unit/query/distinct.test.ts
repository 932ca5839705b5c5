import assert from "node:assert/strict";
import { test } from "node:test";
import { distinctCollector } from "../../../src/query/distinct.js";
import type { Document } from "../../../src/values/document.js";

function distinct(path: string, ...documents: Document[]): unknown[] {
  const collector = distinctCollector(path);
  for (const document of documents) collector.add(document);
  return collector.values();
}

test("arrays count by their elements, missing fields not at all", () => {
  assert.deepEqual(distinct("a", { a: 1 }, { a: [2, 1, [3]] }, {}, { a: null }, { a: [] }), [
    1,
    2,
    [3],
    null,
  ]);
  assert.deepEqual(
    distinct("a.b", { a: [{ b: 1 }, { b: [2, 3] }, 5] }, { a: { b: 1 } }),
    [1, 2, 3],
  );
  assert.deepEqual(distinct("a.0", { a: [7, 8] }, { a: { 0: 9 } }), [7, 9]);
  assert.deepEqual(distinct("constructor", {}), []);
});

test("values are distinct by value, in the order they were first seen", () => {
  const a = [
    1,
    1n,
    -0,
    0,
    "1",
    new Date(1),
    new Date(1),
    Uint8Array.of(1),
    Buffer.of(1),
    { b: 1 },
    { b: 1n },
    { c: 1 },
  ];
  assert.deepEqual(distinct("a", { a }), [
    1,
    -0,
    "1",
    new Date(1),
    Uint8Array.of(1),
    { b: 1 },
    { c: 1 },
  ]);
  assert.deepEqual(distinct("a", { a: [2n ** 60n, 2 ** 60, 2n ** 60n + 1n] }), [
    2n ** 60n,
    2n ** 60n + 1n,
  ]);
});

test("a path through __proto__ is refused", () => {
  assert.throws(() => distinctCollector("a.__proto__"), { code: 2 });
});
