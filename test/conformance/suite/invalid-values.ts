import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

class Money {
  readonly cents = 1;
}

/** A document with `levels` levels of nesting, itself included. */
function nested(levels: number): Document {
  let document: Document = {};
  for (let level = 1; level < levels; level += 1) document = { a: document };
  return document;
}

function cyclic(): Document {
  const document: Document = { name: "x" };
  document.self = { again: document };
  return document;
}

const unacceptable: [what: string, document: () => Document, path: string][] = [
  ["a function", () => ({ a: { run: () => 1 } }), "a.run"],
  ["a symbol", () => ({ a: [1, Symbol("s")] }), "a.1"],
  ["a class instance", () => ({ a: { price: new Money() } }), "a.price"],
  ["a Map", () => ({ a: new Map() }), "a"],
  ["an invalid date", () => ({ a: { at: new Date(Number.NaN) } }), "a.at"],
  ["a bigint beyond 64 bits", () => ({ a: 2n ** 63n }), "a"],
  ["a lone surrogate", () => ({ a: { text: "\ud800" } }), "a.text"],
  ["an empty field name", () => ({ a: { "": 1 } }), "a"],
  ["a key named __proto__", () => JSON.parse('{"a":{"__proto__":1}}'), "a.__proto__"],
  ["a name with NUL", () => ({ a: { "x\0": 1 } }), "a.x"],
  ["a cycle", cyclic, "self"],
];

export function invalidValuesSuite(subject: Subject): void {
  for (const [what, document, path] of unacceptable) {
    subject.test(`${what} is refused with its path`, async () => {
      const collection = await subject.seeded([{ _id: 1 }]);
      const expected = { code: 2, names: [path] } as const;
      await rejection(() => collection.insertOne(document()), expected);
      await rejection(() => collection.replaceOne({}, document()), expected);
      await rejection(() => collection.updateOne({}, { $set: { inner: document() } }), expected);
      await rejection(() => collection.findOneAndReplace({}, document()), expected);
      const operations = [{ insertOne: { document: document() } }];
      await rejection(() => collection.bulkWrite(operations), expected);
      assert.deepEqual(await collection.find().toArray(), [{ _id: 1 }]);
    });
  }

  subject.test("100 levels of nesting are stored, 101 are refused", async () => {
    const collection = await subject.collection();
    const deepest = { _id: 1, ...nested(100) };
    await collection.insertOne(deepest);
    assert.deepEqual(await collection.findOne({ _id: 1 }), deepest);
    await rejection(() => collection.insertOne(nested(101)), { code: 2, names: ["a.a", "100"] });
  });

  subject.test("an update may not nest a document too deeply either", async () => {
    const collection = await subject.seeded([{ _id: 1, b: { c: 1 } }]);
    await rejection(() => collection.updateOne({ _id: 1 }, { $set: { "b.c": nested(99) } }), {
      code: 2,
    });
    assert.deepEqual(await collection.findOne({ _id: 1 }), { _id: 1, b: { c: 1 } });
  });

  subject.test("a document over 16 MiB is refused, by insert and by growth", async () => {
    const collection = await subject.collection();
    const mebibyte = 1024 * 1024;
    await rejection(() => collection.insertOne({ text: "x".repeat(16 * mebibyte) }), {
      code: 10334,
    });
    await collection.insertOne({ _id: 1, bytes: Buffer.alloc(9 * mebibyte) });
    const growth = { $set: { more: Buffer.alloc(8 * mebibyte) } };
    await rejection(() => collection.updateOne({ _id: 1 }, growth), { code: 10334 });
    const { bytes, more } = (await collection.findOne({ _id: 1 }))!;
    assert.equal((bytes as Uint8Array).length, 9 * mebibyte);
    assert.equal(more, undefined);
  });

  subject.test("an _id may be no array, RegExp or undefined, and hold no $ names", async () => {
    const collection = await subject.collection();
    for (const _id of [[1], /x/, undefined]) {
      await rejection(() => collection.insertOne({ _id }), { code: 53, names: ["_id"] });
    }
    await rejection(() => collection.insertOne({ _id: { a: { $b: 1 } } }), {
      code: 52,
      names: ["_id.a.$b"],
    });
    await rejection(() => collection.insertOne({ _id: "x".repeat(2_000) }), { code: 17280 });
    assert.equal(await collection.countDocuments(), 0);
  });

  subject.test("undefined properties are dropped, undefined elements become null", async () => {
    const collection = await subject.collection();
    await collection.insertOne({ _id: 1, a: undefined, b: { c: undefined }, d: [undefined, 1] });
    assert.deepEqual(await collection.findOne(), { _id: 1, b: {}, d: [null, 1] });
  });

  subject.test("bad values in filters are refused with their path", async () => {
    const collection = await subject.collection();
    const expected = { code: 2, names: ["filter", "a.run"] } as const;
    const filter = { a: { run: () => 1 } };
    await rejection(() => collection.find(filter).toArray(), expected);
    await rejection(() => collection.countDocuments(filter), expected);
    await rejection(() => collection.deleteMany(filter), expected);
    await rejection(() => collection.updateMany(filter, { $set: { b: 1 } }), expected);
  });
}
