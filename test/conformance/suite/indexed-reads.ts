import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

const at = (ms: number) => new Date(ms);

/** Every kind of value, in places that indexes look at. */
const documents: Document[] = [
  { _id: 1, a: 1, b: "x", c: { d: 1 } },
  { _id: 2, a: 2n, b: "xy", c: { d: null } },
  { _id: 3, a: [1, 5, 9], b: "y", c: [{ d: 1, e: 2 }, { d: 3 }] },
  { _id: 4, a: [], b: null, c: [] },
  { _id: 5, b: "xa\0b", c: [1, { d: 7, e: 8 }] },
  { _id: 6, a: null, b: at(5), c: { d: [1, 2], e: 3 } },
  { _id: 7, a: [[1, 2], 3], b: true, c: "text" },
  { _id: 8, a: Number.NaN, b: at(50), c: { d: { deep: 1 } } },
  { _id: 9, a: "x".repeat(3_000), b: Buffer.from("b"), c: null },
  { _id: 10, a: { z: 1 }, b: "é", c: [[{ d: 9 }]] },
  { _id: 11, a: -0, b: /x/, c: { d: 2 ** 60 } },
];

const filters: Document[] = [
  {},
  { a: 1 },
  { a: { $in: [1, 2, "x".repeat(3_000)] } },
  { a: null },
  { a: { $exists: true } },
  { a: { $exists: false } },
  { a: [] },
  { a: [1, 2] },
  { a: { $gt: 0, $lt: 4 } },
  { a: { $elemMatch: { $gt: 4, $lt: 6 } } },
  { a: { $gte: "x" } },
  { a: { $ne: 1 } },
  { a: { $nin: [1, null] } },
  { a: { $size: 2 } },
  { a: { $all: [1, 9] } },
  { a: { $type: "number" } },
  { a: Number.NaN },
  { a: { z: 1 } },
  { b: /^x/ },
  { b: { $regex: "^xa?$" } },
  { b: { $gte: "x", $lt: "y" } },
  { b: { $lt: at(50) } },
  { b: { $not: { $gt: "x" } } },
  { "c.d": 1 },
  { "c.d": null },
  { "c.d": { $gt: 2 } },
  { "c.d": 1, "c.e": 2 },
  { c: { $elemMatch: { d: { $gt: 2 }, e: { $gt: 7 } } } },
  { a: 1, b: "x" },
  { $or: [{ a: 1 }, { b: /^x/ }, { "c.d": 7 }] },
  { $and: [{ a: { $gt: 0 } }, { a: { $lt: 3 } }] },
  { $nor: [{ a: 1 }, { b: "xy" }] },
];

const indexKeys: Record<string, 1 | -1>[] = [
  { a: 1 },
  { a: -1, b: 1 },
  { b: 1, a: 1 },
  { "c.d": -1 },
  { "c.d": 1, "c.e": -1 },
  { c: 1 },
];

export function indexedReadsSuite(subject: Subject): void {
  subject.test("results are the same with and without an index", async () => {
    const plain = await subject.seeded(documents);
    const collection = await subject.seeded(documents);
    const writable = await subject.writable(collection);
    await writable.createIndexes(indexKeys.map((key) => ({ key })));
    const hints = [undefined, ...indexKeys];
    for (const filter of filters) {
      const expected = await plain.find(filter).toArray();
      for (const hint of hints) {
        const options = hint ? { hint } : {};
        const found = await collection.find(filter, options).toArray();
        found.sort((one, other) => (one._id as number) - (other._id as number));
        assert.deepEqual(found, expected);
        assert.equal(await collection.countDocuments(filter, options), expected.length);
      }
    }
    for (const path of ["a", "b", "c", "c.d"]) {
      for (const direction of [1, -1] as const) {
        const keys = async (one: typeof plain) =>
          (await one.find({}, { sort: { [path]: direction, _id: 1 } })).map(({ _id }) => _id);
        assert.deepEqual(await keys(collection), await keys(plain), `${path} ${direction}`);
      }
    }
  });

  subject.test("a query answered by the index alone gives what the documents would", async () => {
    const collection = await subject.seeded([
      { _id: 1, a: "x", b: { c: 1, d: 2 }, e: at(1) },
      { _id: 2, a: "xy", b: { c: 2.5 }, e: at(2) },
      { _id: 3, a: "z", b: { c: 1n }, e: at(3) },
      { _id: 4, a: "x\0", b: {}, e: at(4) },
      { _id: 5n, a: "xé", b: { c: null }, e: at(5) },
    ]);
    await (await subject.writable(collection)).createIndex({ a: -1, "b.c": 1, e: -1 });
    const options = { projection: { a: 1, "b.c": 1, e: 1 }, sort: { a: -1 } } as const;
    const covered = await collection.find({ a: /^x/ }, options).toArray();
    assert.deepEqual(covered, [
      { _id: 5n, a: "xé", b: { c: null }, e: at(5) },
      { _id: 2, a: "xy", b: { c: 2.5 }, e: at(2) },
      { _id: 4, a: "x\0", b: {}, e: at(4) },
      { _id: 1, a: "x", b: { c: 1 }, e: at(1) },
    ]);
    assert.deepEqual(await collection.find({ a: "z" }, options).toArray(), [
      { _id: 3, a: "z", b: { c: 1n }, e: at(3) },
    ]);
  });

  subject.test("readers list the indexes that the writer has made", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1 }]);
    const writable = await subject.writable(collection);
    await writable.createIndex({ a: 1 }, { name: "mine" });
    assert.deepEqual(await collection.indexes(), [
      { v: 2, key: { _id: 1 }, name: "_id_" },
      { v: 2, key: { a: 1 }, name: "mine" },
    ]);
    assert.equal(await collection.indexExists("mine"), true);
    assert.deepEqual(await collection.find({ a: 1 }).hint("mine").toArray(), [{ _id: 1, a: 1 }]);
    await writable.dropIndex("mine");
    assert.equal(await collection.indexExists("mine"), false);
  });
}
