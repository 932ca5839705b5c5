import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileIndex } from "../../../src/query/index-keys.js";
import { decodeDocument, encodeDocument } from "../../../src/storage/document.js";
import { encodeKey } from "../../../src/storage/key.js";
import type { Document } from "../../../src/values/document.js";
import { toStorable } from "../../../src/values/validate.js";
import { anyValue } from "../values/arbitrary-values.js";
import { indexOver } from "./plan/index-over.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const scalars = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom("", "a\0b", "x".repeat(700), "x".repeat(2_000), 0, NaN, 2 ** 53),
);
const values = fc.oneof({ weight: 6, arbitrary: scalars }, { weight: 1, arbitrary: anyValue });
const ids = fc.oneof(fc.integer(), fc.string(), fc.constantFrom(1n, "y".repeat(900), new Date(5)));
const documents = fc
  .tuple(ids, fc.dictionary(fc.constantFrom("a", "b", "c", "größe"), values))
  .map(([_id, fields]): Document => ({ _id, ...fields }));
const keys = fc.uniqueArray(
  fc.tuple(fc.constantFrom("a", "b", "größe", "c.d"), fc.constantFrom(1, -1)),
  { minLength: 1, maxLength: 3, selector: ([path]) => path },
);

test("an entry of the bytes is the only entry of the decoded document", () => {
  let made = 0;
  fc.assert(
    fc.property(keys, fc.boolean(), documents, (key, sparse, given) => {
      const index = compileIndex(indexOver(Object.fromEntries(key), { sparse }));
      const stored = encodeDocument(toStorable(given));
      // As it is read again: -0 is stored as 0.
      const document = decodeDocument(stored);
      const idKey = encodeKey(document._id);
      const plain = index.plainEntry?.(stored, idKey);
      if (!plain) return;
      made += 1;
      const { entries, multikey, isCut } = index.entriesOf(document, idKey);
      assert.deepEqual(
        [entries.map((entry) => [hex(entry.key), hex(entry.value)]), multikey, isCut],
        [[[hex(plain.key), hex(plain.value)]], [], false],
      );
    }),
    { numRuns: 6_000 },
  );
  assert.ok(made > 500, `only ${made} entries were made of bytes`);
});

test("what is usual is made of bytes, and what is not plain is not", () => {
  const entryOf = (key: Record<string, 1 | -1>, document: Document, options = {}) =>
    compileIndex(indexOver(key, options)).plainEntry?.(
      encodeDocument(document),
      encodeKey(document._id),
    );
  const document = { _id: "x", a: "text", b: 5, at: new Date(5), list: [1], big: 5n, é: "é" };
  assert.ok(entryOf({ a: 1 }, document));
  assert.ok(entryOf({ b: -1, a: 1 }, document));
  assert.ok(entryOf({ at: 1 }, document, { unique: true }));
  assert.ok(entryOf({ a: 1 }, document, { sparse: true }));
  for (const path of ["missing", "list", "big", "é", "a.b", "_id"]) {
    assert.equal(entryOf({ [path]: 1 }, document), undefined, path);
  }
  assert.equal(entryOf({ a: 1 }, document, { partialFilter: { b: 5 } }), undefined);
  assert.equal(entryOf({ a: 1 }, { ...document, _id: 5n }), undefined);
});
