import assert from "node:assert/strict";
import { test } from "node:test";
import { compileIndex } from "../../../../src/query/index-keys.js";
import { readShape } from "../../../../src/query/plan/conditions.js";
import { covers, includedPaths } from "../../../../src/query/plan/covering.js";
import { compileEntryReader } from "../../../../src/query/plan/entry-document.js";
import { scanOf } from "../../../../src/query/plan/index-bounds.js";
import { isOpaqueEntry } from "../../../../src/storage/index-entries.js";
import { encodeKey } from "../../../../src/storage/key.js";
import type { Document } from "../../../../src/values/document.js";
import { indexOver } from "./index-over.js";

const index = indexOver({ a: 1, "b.c": -1 });

function isCovered(
  projection: Document | undefined,
  residual?: Document,
  sort?: [string, 1 | -1][],
) {
  const scan = scanOf(index, readShape({ a: 1 }).conditions);
  return covers(scan, projection && includedPaths(projection), residual, sort);
}

test("a query is covered when the index has every field that it looks at", () => {
  assert.equal(isCovered({ a: 1 }), true);
  assert.equal(isCovered({ _id: 0, a: true, "b.c": 1 }), true);
  assert.equal(isCovered({ a: 1 }, { "b.c": { $gt: 1 }, _id: 2 }), true);
  assert.equal(isCovered({ _id: 1 }, undefined, [["b.c", 1]]), true);
});

test("a query that needs more than the index has is not covered", () => {
  assert.equal(isCovered(undefined), false);
  assert.equal(isCovered({}), false);
  assert.equal(isCovered({ b: 1 }), false);
  assert.equal(isCovered({ z: 1 }), false);
  assert.equal(isCovered({ a: 0 }), false);
  assert.equal(isCovered({ a: { $slice: 1 } }), false);
  assert.equal(isCovered({ a: 1, twice: { $add: ["$a", "$a"] } }), false);
  assert.equal(isCovered({ a: 1 }, { z: 1 }), false);
  assert.equal(isCovered({ a: 1 }, { $expr: { $eq: ["$z", 1] } }), false);
  assert.equal(isCovered({ a: 1 }, undefined, [["z", 1]]), false);
});

test("arrays and values that were cut are not put together from entries", () => {
  for (const more of [{ multikey: [0] }, { cut: true }]) {
    const scan = scanOf(indexOver({ a: 1 }, more), []);
    assert.equal(covers(scan, ["a"], undefined, undefined), false);
  }
});

test("an entry gives back the part of its document that it holds", () => {
  const read = compileEntryReader(indexOver({ a: -1, "b.c": 1, "b.d": -1 }));
  const parts: Document[] = [
    { _id: 1, a: "x\0y", b: { c: 1.5, d: null } },
    { _id: "é", a: new Date(-5), b: { c: true, d: Number.NaN } },
    { _id: null, a: "", b: { c: "😀", d: -1e300 } },
  ];
  for (const part of parts) {
    const document = { ...part, z: [1], b: { ...(part.b as Document), z: 1 } };
    const { entriesOf } = compileIndex(indexOver({ a: -1, "b.c": 1, "b.d": -1 }));
    const [entry] = entriesOf(document, encodeKey(part._id)).entries;
    assert.equal(isOpaqueEntry(entry!.value), false);
    assert.deepEqual(read(entry!.key, entry!.value), part);
  }
});
