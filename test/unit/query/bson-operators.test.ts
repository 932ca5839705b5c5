import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../../src/query/expression.js";
import type { Document } from "../../../src/values/document.js";

const evaluate = (expression: Document, document: Document = {}) =>
  compileExpression(expression)(document);

test("$binarySize counts bytes", () => {
  const size = (value: unknown) => evaluate({ $binarySize: "$value" }, { value });
  assert.equal(size(""), 0);
  assert.equal(size("a😀é"), 7);
  assert.equal(size(new Uint8Array(5)), 5);
  assert.equal(size(Buffer.from("abc")), 3);
  assert.equal(size(null), null);
  assert.equal(size(undefined), null);
  assert.equal(evaluate({ $binarySize: ["abc"] }), 3);
});

const sizes: [document: Document, bytes: number][] = [
  [{}, 5],
  // The examples of https://bsonspec.org/faq.html.
  [{ hello: "world" }, 22],
  [{ BSON: ["awesome", 5.05, 1986] }, 49],
  [{ a: 1 }, 12],
  [{ a: -(2 ** 31) }, 12],
  [{ a: 2 ** 31 }, 16],
  [{ a: 0.5 }, 16],
  [{ a: Number.NaN }, 16],
  [{ a: 1n }, 16],
  [{ a: new Date(0) }, 16],
  [{ a: true }, 9],
  [{ a: null }, 8],
  [{ a: "é" }, 15],
  [{ é: "" }, 14],
  [{ a: new Uint8Array(3) }, 16],
  [{ a: /é+/i }, 14],
  [{ a: {} }, 13],
  [{ a: { b: 1 } }, 20],
  [{ a: [] }, 13],
  [{ a: Array.from({ length: 11 }, () => null) }, 5 + 3 + 5 + 10 * 3 + 4],
];

test("$bsonSize is the size of a document as BSON", () => {
  for (const [document, bytes] of sizes) {
    assert.equal(evaluate({ $bsonSize: "$$ROOT" }, document), bytes, Object.keys(document)[0]);
  }
  assert.equal(evaluate({ $bsonSize: "$inner" }, { inner: { a: 1 } }), 12);
  assert.equal(evaluate({ $bsonSize: ["$inner"] }, { inner: null }), null);
  assert.equal(evaluate({ $bsonSize: "$gone" }), null);
});

test("what is missing takes no room in an object, and is null in an array", () => {
  assert.equal(evaluate({ $bsonSize: { a: "$gone", b: 1 } }), 12);
  assert.equal(evaluate({ $bsonSize: { a: ["$gone"] } }), 13 + 3);
  const hash = (value: unknown) => evaluate({ $toHashedIndexKey: value });
  assert.equal(hash({ a: "$gone" }), hash({}));
  assert.equal(hash({ a: ["$gone"] }), hash({ a: [null] }));
  assert.equal(hash("$gone"), hash(null));
});

/** Those of MongoDB's own tests, and of the manual. */
const hashes: [value: unknown, hash: bigint][] = [
  ["string to hash", 763543691661428748n],
  [42, -944302157085130861n],
  [42.123, -944302157085130861n],
  [42n, -944302157085130861n],
  [0, 4854801880128277513n],
  [0.456, 4854801880128277513n],
  [Number.NaN, 4854801880128277513n],
  [1.987, 5902408780260971510n],
  [-1.789, 1140205862565771219n],
  [-(2 ** 31), 6165898260261354870n],
  [2 ** 31 - 1, 1143184177162245883n],
  [Number.MAX_VALUE, 921523596458303250n],
  [Number.POSITIVE_INFINITY, 921523596458303250n],
  [2n ** 63n - 1n, 921523596458303250n],
  [-Number.MAX_VALUE, 4532067210535695462n],
  [-(2n ** 63n), 4532067210535695462n],
  // The first number beyond 64 bits is taken for the lowest one, as it always was.
  [2 ** 63, 4532067210535695462n],
  ["abc", 8478485326885698097n],
  ["", 2049396243249673340n],
  [{ a: "abc", b: 123n }, 4771603801758380216n],
  [{}, 7980500913326740417n],
  [["bar", "baz", "qux"], -2938911267422831539n],
  [[], 8849948234993459283n],
  [Uint8Array.of(0, 1, 2, 3, 4, 6), 7252465090394235301n],
  [true, 6405873908747105701n],
  [false, 6289544573401934092n],
  [new Date(0), -1178696894582842035n],
  [/mongodb/, -7275792090268217043n],
  [/.*/i, 7095855029187981886n],
];

test("$toHashedIndexKey gives the hashes that MongoDB gives", () => {
  for (const [value, hash] of hashes) {
    assert.equal(evaluate({ $toHashedIndexKey: "$value" }, { value }), hash, String(value));
  }
  assert.equal(evaluate({ $toHashedIndexKey: [["bar", "baz", "qux"]] }), -2938911267422831539n);
});

test("what these operators do not take is refused by name", () => {
  const wrong: [expression: Document, code: number, message: RegExp][] = [
    [{ $binarySize: 5 }, 2, /\$binarySize .*int/],
    [{ $binarySize: [["abc"]] }, 2, /\$binarySize .*array/],
    [{ $binarySize: ["a", "b"] }, 9, /\$binarySize/],
    [{ $bsonSize: [[{}]] }, 2, /\$bsonSize .*array/],
    [{ $bsonSize: "text" }, 2, /\$bsonSize .*string/],
    [{ $bsonSize: new Date(0) }, 2, /\$bsonSize .*date/],
    [{ $bsonSize: [] }, 9, /\$bsonSize/],
    [{ $toHashedIndexKey: [1, 2] }, 9, /\$toHashedIndexKey/],
  ];
  for (const [expression, code, message] of wrong) {
    assert.throws(() => evaluate(expression), { code, message }, JSON.stringify(expression));
  }
});
