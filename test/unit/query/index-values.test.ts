import assert from "node:assert/strict";
import { test } from "node:test";
import { indexedValues, ParallelArrays } from "../../../src/query/index-values.js";
import { EMPTY_ARRAY, MISSING } from "../../../src/storage/index-entries.js";
import type { Document } from "../../../src/values/document.js";

function rowsOf(document: Document, ...paths: string[]): readonly (readonly unknown[])[] {
  return indexedValues(
    document,
    paths.map((path) => path.split(".")),
  ).rows;
}

test("a document without arrays has one row", () => {
  assert.deepEqual(rowsOf({ a: 1, b: { c: 2 } }, "a", "b.c"), [[1, 2]]);
  assert.deepEqual(rowsOf({ b: { c: 2 } }, "b"), [[{ c: 2 }]]);
  assert.deepEqual(rowsOf({ a: null }, "a", "b", "a.b"), [[null, MISSING, MISSING]]);
  assert.deepEqual(rowsOf({ a: undefined } as Document, "a"), [[MISSING]]);
  assert.deepEqual(rowsOf({ a: "text" }, "a.length", "constructor"), [[MISSING, MISSING]]);
});

test("an array has a row for each element; an array inside of it is one value", () => {
  assert.deepEqual(rowsOf({ a: [1, [2, 3], { b: 4 }] }, "a"), [[1], [[2, 3]], [{ b: 4 }]]);
  assert.deepEqual(rowsOf({ a: [], b: 1 }, "a", "b"), [[EMPTY_ARRAY, 1]]);
  assert.deepEqual(rowsOf({ a: [1, 2], b: 5 }, "b", "a"), [
    [5, 1],
    [5, 2],
  ]);
});

test("fields of one array go element by element", () => {
  const document = { a: [{ b: 1, c: 2 }, { b: 3 }, 4, { b: [5, 6], c: 7 }] };
  assert.deepEqual(rowsOf(document, "a.b", "a.c"), [
    [1, 2],
    [3, MISSING],
    [MISSING, MISSING],
    [5, 7],
    [6, 7],
  ]);
  assert.deepEqual(rowsOf({ a: [{ b: 1 }, [2]] }, "a", "a.b"), [
    [{ b: 1 }, 1],
    [[2], MISSING],
  ]);
  assert.deepEqual(
    rowsOf(
      {
        a: [
          {
            b: [
              { x: 1, y: 2 },
              { x: 3, y: 4 },
            ],
          },
        ],
      },
      "a.b.x",
      "a.b.y",
    ),
    [
      [1, 2],
      [3, 4],
    ],
  );
  assert.deepEqual(rowsOf({ a: [] }, "a.b", "a"), [[MISSING, EMPTY_ARRAY]]);
});

test("a path may name a position, and then also a field of that name", () => {
  const sorted = (document: Document, ...paths: string[]) =>
    rowsOf(document, ...paths)
      .map((row) => JSON.stringify(row))
      .sort();
  assert.deepEqual(sorted({ a: ["x", "y"] }, "a.1"), ['["y"]']);
  assert.deepEqual(sorted({ a: { 0: "x" } }, "a.0"), ['["x"]']);
  assert.deepEqual(sorted({ a: [{ 0: "field" }] }, "a.0"), ['["field"]', '[{"0":"field"}]']);
  assert.deepEqual(sorted({ a: [[1, 2], 3] }, "a.0"), ["[1]", "[2]"]);
  assert.deepEqual(sorted({ a: ["x", "y"], b: 1 }, "b", "a.0"), ['[1,"x"]']);
});

test("the fields that met an array are told", () => {
  const multikey = (document: Document, ...paths: string[]) =>
    indexedValues(
      document,
      paths.map((path) => path.split(".")),
    ).multikey;
  assert.deepEqual(multikey({ a: 1, b: 2 }, "a", "b"), []);
  assert.deepEqual(multikey({ a: 1, b: [] }, "a", "b"), [1]);
  assert.deepEqual(multikey({ a: [{ b: 1 }], c: 1 }, "a.b", "c", "a.d"), [0, 2]);
  assert.deepEqual(multikey({ a: [1] }, "a.0"), [0]);
});

test("arrays that are not one and the same are refused, wherever they lie", () => {
  const refused: [Document, string[], [number, number]][] = [
    [{ a: [1], b: [2] }, ["a", "b"], [0, 1]],
    [{ a: [1], b: [], c: 1 }, ["c", "b", "a"], [1, 2]],
    [{ a: { b: [1], c: [2] } }, ["a.b", "a.c"], [0, 1]],
    [{ a: [{ b: [1], c: [2] }] }, ["a.b", "a.c"], [0, 1]],
    [{ a: [[1, 2, 3]], b: [1] }, ["a.0", "b"], [0, 1]],
  ];
  for (const [document, paths, fields] of refused) {
    assert.throws(
      () => rowsOf(document, ...paths),
      (error) =>
        error instanceof ParallelArrays && assert.deepEqual(error.fields, fields) === undefined,
    );
  }
});
