import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileUpdate } from "../../../src/query/update.js";
import { encodeDocument } from "../../../src/storage/document.js";
import type { Document } from "../../../src/values/document.js";
import { toStorable } from "../../../src/values/validate.js";
import { anyValue } from "../values/arbitrary-values.js";

const names = fc.constantFrom(..."a b count at größe a b count at größe 7 x.y".split(" "));
const scalars = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(0, 23, 24, 255, 256, 2 ** 32, -1, -25, NaN),
  fc.date({ noInvalidDate: true }),
);
const documents = fc
  .tuple(
    fc.oneof(fc.integer(), fc.string()),
    fc.dictionary(names, fc.oneof(fc.integer(), scalars, anyValue), { minKeys: 3, maxKeys: 8 }),
  )
  .map(([_id, fields]): Document => ({ _id, ...fields }));
const wide = fc.integer({ min: 20, max: 300 }).map((count): Document => {
  const fields = Array.from({ length: count }, (_, at) => [`f${at}`, at]);
  return { _id: 1, ...Object.fromEntries(fields) };
});
const amounts = fc.oneof(fc.integer(), fc.double());
const increased = fc.dictionary(names, amounts, { minKeys: 1, maxKeys: 2 });
const given = fc.dictionary(names, fc.oneof(scalars, scalars, scalars, anyValue), {
  minKeys: 1,
  maxKeys: 2,
});
const updates = fc.oneof(
  fc.record({ $inc: increased }),
  fc.record({ $set: given }),
  fc.record({ $inc: increased, $set: given }),
  fc.record({ $set: given, $unset: fc.dictionary(names, fc.constant(""), { maxKeys: 1 }) }),
);

test("an update of the bytes gives what one of the decoded document gives", () => {
  let done = 0;
  fc.assert(
    fc.property(fc.oneof(documents, documents, wide), updates, (before, update) => {
      const document = toStorable(before);
      const stored = encodeDocument(document);
      let compiled: ReturnType<typeof compileUpdate>;
      try {
        compiled = compileUpdate(update as Document);
      } catch {
        return;
      }
      const copy = Buffer.from(stored);
      const after = compiled.onBytes?.apply(stored);
      assert.ok(copy.equals(stored), "the stored document stays as it is");
      if (!after) return;
      done += 1;
      const expected = compiled.apply(document);
      assert.equal(after !== stored, expected.modified);
      const bytes = encodeDocument(toStorable(expected.document));
      assert.equal(Buffer.from(after).toString("hex"), bytes.toString("hex"));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(done > 250, `only ${done} of the updates were made on bytes`);
});

function onBytes(update: Document, document: Document): Uint8Array | undefined {
  return compileUpdate(update).onBytes?.apply(encodeDocument(document));
}

test("what is usual is done on bytes", () => {
  const document = { _id: 1, count: 5, name: "x", at: new Date(0) };
  for (const update of [
    { $inc: { count: 1 } },
    { $set: { name: "another" } },
    { $inc: { count: 300 }, $set: { at: new Date(5) } },
    { $inc: { visits: 1 } },
    { $set: { name: "x" } },
  ]) {
    assert.ok(onBytes(update, document), JSON.stringify(update));
  }
});

test("what is not plain to see is left to the decoded document", () => {
  const document = { _id: 1, count: 5n, list: [1], name: "x" };
  for (const update of [
    { $inc: { count: 1 } },
    { $inc: { name: 1 } },
    { $set: { "list.0": 2 } },
    { $set: { list: [2] } },
    { $set: { 7: 1 } },
    { $set: { a: 1, b: 2 } },
    { $set: { at: new Date(NaN) } },
    { $set: { "a\0b": 1 } },
    { $inc: { a: 1n } },
    { $set: { name: "x".repeat(2_000) } },
    { $mul: { a: 2 } },
  ]) {
    assert.equal(onBytes(update as Document, document), undefined, Object.keys(update).join());
  }
});

test("bytes that are damaged are left to the decoder", () => {
  const stored = encodeDocument({ _id: 1, count: 5, name: "x" });
  const update = compileUpdate({ $inc: { count: 1 } }).onBytes!;
  assert.ok(update.apply(stored));
  assert.equal(update.apply(Buffer.concat([stored, Buffer.from([0])])), undefined);
  assert.equal(update.apply(stored.subarray(0, stored.length - 1)), undefined);
  assert.equal(update.apply(Buffer.from([0x80])), undefined);
  const twice = Buffer.concat([Buffer.from([0xa4]), stored.subarray(1), stored.subarray(6, 13)]);
  assert.equal(stored.subarray(6, 13).toString("latin1"), "ecount\x05");
  assert.equal(update.apply(twice), undefined);
});
