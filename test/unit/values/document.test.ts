import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { isPlainObject, isSubdocument } from "../../../src/values/document.js";

test("an object literal is a plain object, in every realm", () => {
  for (const value of [{}, Object.create(null), runInNewContext("({ a: 1 })")]) {
    assert.equal(isPlainObject(value), true);
  }
});

test("arrays, instances and scalars are no plain objects", () => {
  const foreign = runInNewContext("[[], new Date(), /a/, new Map()]") as unknown[];
  class Point {}
  for (const value of [null, 1, "a", [], new Date(), /a/, new Map(), new Point(), ...foreign]) {
    assert.equal(isPlainObject(value), false);
  }
});

test("values with an order of their own are no sub-documents", () => {
  for (const value of [null, [], new Date(), /a/, new Uint8Array(1), 1, undefined]) {
    assert.equal(isSubdocument(value), false);
  }
  assert.equal(isSubdocument({}), true);
});
