import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { documentDepthMax } from "../../../src/limits.js";
import type { Document } from "../../../src/values/document.js";
import { checkArgument, toStorable } from "../../../src/values/validate.js";
import { anyDocument } from "./arbitrary-values.js";

function nested(levels: number): Document {
  let value: Document = { leaf: 1 };
  for (let i = 1; i < levels; i++) value = { a: value };
  return value;
}

function selfContaining(): Document {
  const value: Document = { list: [] };
  (value.list as unknown[]).push({ value });
  return value;
}

const rejected: [name: string, document: Document, code: unknown, message: RegExp][] = [
  ["a function", { a: { b: [0, { c() {} }] } }, 2, /^a\.b\.1\.c: functions/],
  ["a symbol", { a: Symbol("x") }, 2, /^a: symbols/],
  ["a symbol as a name", { a: { [Symbol("x")]: 1 } }, 2, /^a: .*symbols/],
  ["an instance", { a: new (class Point {})() }, 2, /^a: an instance of Point/],
  ["a Map", { a: [new Map()] }, 2, /^a\.0: an instance of Map/],
  ["another typed array", { a: new Uint16Array(1) }, 2, /^a: an instance of Uint16Array/],
  ["__proto__", JSON.parse('{"a":{"__proto__":1}}'), 2, /^a\.__proto__: /],
  ["an empty name", { a: { "": 1 } }, 2, /^a: .*empty/],
  ["NUL in a name", { "a\0b": 1 }, 2, /NUL/],
  ["a lone surrogate", { a: "\ud800" }, 2, /^a: .*lone surrogate/],
  ["a lone surrogate in a name", { "\udc00": 1 }, 2, /lone surrogate/],
  ["an invalid date", { a: new Date(NaN) }, 2, /^a: .*invalid/],
  ["a bigint above int64", { a: 2n ** 63n }, 2, /^a: .*64 bits/],
  ["a bigint below int64", { a: -(2n ** 63n) - 1n }, 2, /^a: .*64 bits/],
  ["a cycle", selfContaining(), 2, /contains itself/],
  ["too deep", nested(documentDepthMax + 1), 2, /limited to 100 levels/],
  ["an array as _id", { _id: [1] }, 53, /^_id: an array/],
  ["a regex as _id", { _id: /a/ }, 53, /^_id: a regular expression/],
  ["undefined as _id", { _id: undefined }, 53, /^_id: undefined/],
  ["a $ name inside _id", { _id: { a: [{ $b: 1 }] } }, 52, /^_id\.a\.0\.\$b/],
  ["an array", [] as unknown as Document, 2, /must be a plain object/],
  ["null", null as unknown as Document, 2, /must be a plain object, not null/],
];

for (const [name, document, code, message] of rejected) {
  test(`a document with ${name} is rejected with its path`, () => {
    assert.throws(() => toStorable(document), { name: "LioranError", code, message });
  });
}

test("a document that is fit to be stored is returned itself", () => {
  const document = { _id: 1, a: { b: [1n, "x", null, new Date(0), /a/, Buffer.alloc(1)] }, $c: 1 };
  assert.equal(toStorable(document), document);
  const notANumber = { _id: 1, a: NaN, b: [NaN, -0, { c: NaN }] };
  assert.equal(toStorable(notANumber), notANumber);
  const deepest = nested(documentDepthMax);
  assert.equal(toStorable(deepest), deepest);
});

test("undefined properties are dropped, undefined elements become null", () => {
  const document = { _id: 1, a: undefined, b: { c: undefined, d: [1, undefined] } };
  assert.deepEqual(toStorable(document), { _id: 1, b: { d: [1, null] } });
  assert.ok("a" in document, "the caller's object stays as it was");
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
  assert.deepEqual(toStorable({ a: [1, , 2] }), { a: [1, null, 2] });
});

test("_id moves to the front", () => {
  assert.deepEqual(Object.keys(toStorable({ a: 1, _id: 2 })), ["_id", "a"]);
});

test("values of another realm become values of this one", () => {
  const foreign = runInNewContext(
    "({ date: new Date(5), regex: /a/i, bytes: new Uint8Array([1]), list: [1] })",
  ) as Document;
  assert.deepEqual(
    { ...toStorable(foreign) },
    {
      date: new Date(5),
      regex: /a/i,
      bytes: new Uint8Array([1]),
      list: [1],
    },
  );
});

test("a replacement has no top-level $ names, a document to insert may", () => {
  assert.throws(() => toStorable({ a: 1, $set: {} }, { replacement: true }), { code: 52 });
  assert.deepEqual(toStorable({ a: { $b: 1 } }, { replacement: true }), { a: { $b: 1 } });
  assert.deepEqual(toStorable({ $a: 1, "b.c": 2 }), { $a: 1, "b.c": 2 });
});

test("a proxy that makes members up is no plain value", () => {
  const proxy = new Proxy({}, { get: () => 1, ownKeys: () => ["a"] });
  for (const check of [
    () => toStorable({ a: proxy }),
    () => checkArgument({ a: proxy }, "filter"),
  ]) {
    assert.throws(check, { code: 2, message: /no plain value/ });
  }
  const honest = new Proxy({ n: 1 }, {});
  assert.deepEqual(toStorable({ _id: 1, a: honest }), { _id: 1, a: { n: 1 } });
});

test("shared objects that unfold without bound are given up", () => {
  let value: unknown = "x";
  for (let i = 0; i < 60; i++) value = [value, value, value, value];
  assert.throws(() => toStorable({ value }), { code: 10334 });
});

test("arguments are checked with the same rules and named", () => {
  const filter = { age: { $gt: 1 }, name: /a/, gone: undefined };
  assert.deepEqual(checkArgument(filter, "filter"), { age: { $gt: 1 }, name: /a/ });
  assert.equal(checkArgument(undefined, "filter"), undefined);
  assert.throws(() => checkArgument({ age: { $gt: () => 1 } }, "filter"), {
    code: 2,
    message: "filter.age.$gt: functions cannot be sent or stored.",
  });
  const deep = nested(documentDepthMax + 8);
  assert.equal(checkArgument(deep, "filter"), deep);
  assert.throws(() => checkArgument({ a: deep }, "filter"), { code: 2 });
});

test("toStorable changes nothing but the place of _id in whatever is storable", () => {
  fc.assert(
    fc.property(anyDocument, (document) => {
      const stored = toStorable(document);
      assert.deepEqual(stored, document);
      // A name such as "7" stands before _id whatever is done: such a document is copied each time.
      const isFit = !("_id" in stored) || Object.keys(stored)[0] === "_id";
      if (isFit) assert.equal(toStorable(stored), stored, "what is fit to be stored is no copy");
    }),
  );
});
