import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../../src/cbor/codec.js";
import { documentBytesMax } from "../../../src/limits.js";
import {
  decodeDocument,
  documentId,
  encodeDocument,
  idKeyOfDocument,
  validateDocumentBytes,
} from "../../../src/storage/document.js";
import { idKey } from "../../../src/storage/key.js";
import { toStorable } from "../../../src/values/validate.js";
import { anyDocument } from "../values/arbitrary-values.js";

test("whatever is storable is valid, and keyed by its _id", () => {
  fc.assert(
    fc.property(anyDocument, (document) => {
      const stored = toStorable(document);
      const bytes = encodeDocument(stored);
      assert.equal(validateDocumentBytes(bytes), bytes.length);
      assert.deepEqual(encodeDocument(decodeDocument(bytes)), bytes);
      assert.deepEqual(idKeyOfDocument(bytes), idKey(stored._id));
      assert.deepEqual(encode(documentId(bytes)), encode(stored._id));
    }),
  );
});

test("_id leads also where JavaScript puts other names in front", () => {
  const bytes = encodeDocument({ 7: "a", 10: "b", _id: 1, c: 2 });
  assert.equal(documentId(bytes), 1);
  assert.deepEqual(decodeDocument(bytes), { 7: "a", 10: "b", _id: 1, c: 2 });
});

test("a document in the middle of other bytes is validated in place", () => {
  const document = encodeDocument({ _id: 1, a: "b" });
  const bytes = Buffer.concat([Buffer.from([0xff]), document, Buffer.from([0xff])]);
  assert.equal(validateDocumentBytes(bytes, 1), document.length + 1);
});

/** Encodes entries as a map, in this order and with names that may repeat. */
function mapOf(...entries: [name: unknown, value: unknown][]): Uint8Array {
  const items = entries.flat().map((item) => Buffer.from(encode(item)));
  return Buffer.concat([Buffer.from([0xa0 | entries.length]), ...items]);
}

const refused: [name: string, bytes: Uint8Array, code: unknown][] = [
  ["no bytes", new Uint8Array(0), "PROTOCOL"],
  ["no map", encode([1]), "PROTOCOL"],
  ["no field", encode({}), "PROTOCOL"],
  ["no _id", encode({ a: 1 }), "PROTOCOL"],
  ["_id not first", encode({ a: 1, _id: 1 }), "PROTOCOL"],
  ["two _id", mapOf(["_id", 1], ["a", 1], ["_id", 2]), "PROTOCOL"],
  ["undefined", mapOf(["_id", 1], ["a", undefined]), "PROTOCOL"],
  ["an undefined _id", mapOf(["_id", undefined]), "PROTOCOL"],
  ["an array as _id", encode({ _id: [] }), 53],
  ["a regex as _id", encode({ _id: /a/ }), 53],
  ["a $ name in _id", encode({ _id: { a: { $b: 1 } } }), 52],
  ["an _id that is not UTF-8", Buffer.from("a1635f696461ff", "hex"), "PROTOCOL"],
  ["an _id with text that is not UTF-8", Buffer.from("a1635f6964a1616161ff", "hex"), "PROTOCOL"],
  ["too many bytes", encode({ _id: 1, a: "x".repeat(documentBytesMax) }), 10334],
];

for (const [name, bytes, code] of refused) {
  test(`bytes with ${name} are refused`, () => {
    assert.throws(() => validateDocumentBytes(bytes), { name: "LioranError", code });
  });
}

test("a document over 16 MiB is not encoded", () => {
  const fits = { _id: 1, a: "x".repeat(documentBytesMax - 13) };
  const bytes = encodeDocument(fits);
  assert.equal(bytes.length, documentBytesMax);
  assert.equal(validateDocumentBytes(bytes), bytes.length);
  assert.throws(() => encodeDocument({ ...fits, b: 1 }), { code: 10334 });
});

test("names of the prototype are plain fields", () => {
  const document = { _id: 1, constructor: { prototype: { polluted: true } }, toString: "x" };
  assert.deepEqual(decodeDocument(encodeDocument(document)), document);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  // Past the validation, the decoder itself refuses the one name that could do harm.
  const hostile = mapOf(["_id", 1], ["__proto__", { polluted: true }]);
  assert.throws(() => decode(hostile), { code: "CORRUPTED" });
});

test("the fast key of an _id equals the general one", () => {
  for (const _id of ["abc", "", "a\0b", "é", 0, 23, 24, 70_000, 2 ** 31, -1, 1.5, 5n, null, true]) {
    assert.deepEqual(idKeyOfDocument(encodeDocument({ _id })), idKey(_id));
  }
  assert.throws(() => idKeyOfDocument(encodeDocument({ _id: "x".repeat(3000) })), { code: 17280 });
});

test("a damaged document is told by its bytes, not by a TypeError somewhere else", () => {
  const whole = encodeDocument({ _id: 1, a: [1, { b: "text" }], when: new Date(0), is: /a/ });
  const damaged: [what: string, bytes: Uint8Array][] = [
    ["null", Buffer.of(0xf6)],
    ["an array", Buffer.of(0x80)],
    ["its end is missing", whole.subarray(0, whole.length - 1)],
    ["bytes behind it", Buffer.concat([whole, Buffer.of(0)])],
    ["the start of a bignum of 8 MB", Buffer.from([0xa1, 0x61, 0x61, 0xc2, 0x5a, 0, 0x80, 0, 0])],
    [
      "a prototype",
      Buffer.concat([Buffer.of(0xa1, 0x69), Buffer.from("__proto__"), Buffer.of(0xa0)]),
    ],
    [
      "a million arrays in each other",
      Buffer.concat([Buffer.of(0xa1, 0x61, 0x61), Buffer.alloc(1e6, 0x81)]),
    ],
  ];
  for (const [what, bytes] of damaged) {
    assert.throws(() => decodeDocument(bytes), { code: "CORRUPTED" }, what);
  }
});
