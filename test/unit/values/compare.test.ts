import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareStrings, compareValues, equalValues } from "../../../src/values/compare.js";
import { anyString, anyValue } from "./arbitrary-values.js";

/** Each row sorts before the next one; the values of a row are equal. */
const ascending: unknown[][] = [
  [null, undefined],
  [NaN],
  [-Infinity],
  [-(2 ** 63), -(2n ** 63n)],
  [-(2n ** 63n) + 1n],
  [-1, -1n],
  [0, -0, 0n],
  [5e-324],
  [1, 1n],
  [2 ** 53, 2n ** 53n],
  [2n ** 53n + 1n],
  [Infinity],
  [""],
  ["a"],
  ["a\0"],
  ["aa"],
  ["b"],
  ["\ue000"],
  ["\uffff"],
  ["😀"],
  [{}],
  [{ a: null }],
  [{ a: 1 }, { a: 1n }],
  [{ a: 1, b: 1 }],
  [{ a: 2 }],
  [{ b: 1 }],
  [{ a: "x" }],
  [[]],
  [[1]],
  [[1, 2]],
  [[2]],
  [["a"]],
  [new Uint8Array([])],
  [new Uint8Array([2]), Buffer.from([2])],
  [new Uint8Array([1, 1])],
  [false],
  [true],
  [new Date(-1)],
  [new Date(0)],
  [/a/],
  [/a/i],
  [/b/],
];

test("values sort in MongoDB's order across and within types", () => {
  ascending.forEach((rowA, i) => {
    ascending.forEach((rowB, j) => {
      for (const a of rowA) {
        for (const b of rowB) {
          assert.equal(Math.sign(compareValues(a, b)), Math.sign(i - j), `rows ${i} and ${j}`);
          assert.equal(equalValues(a, b), i === j, `rows ${i} and ${j}`);
        }
      }
    });
  });
});

test("the order is total: antisymmetric and transitive", () => {
  fc.assert(
    fc.property(anyValue, anyValue, anyValue, (a, b, c) => {
      const sorted = [a, b, c].sort(compareValues);
      assert.equal(Math.sign(compareValues(a, b)), -Math.sign(compareValues(b, a)) + 0);
      assert.equal(compareValues(a, a), 0);
      assert.ok(compareValues(sorted[0], sorted[1]) <= 0);
      assert.ok(compareValues(sorted[1], sorted[2]) <= 0);
      assert.ok(compareValues(sorted[0], sorted[2]) <= 0);
    }),
  );
});

test("strings sort by their UTF-8 bytes", () => {
  fc.assert(
    fc.property(anyString, anyString, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareStrings(a, b)), bytes);
    }),
  );
});
