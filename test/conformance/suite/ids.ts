import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

/** In MongoDB's comparison order. */
const ordered: unknown[] = [
  null,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  -(2n ** 63n),
  -1.5,
  -1,
  0,
  0.5,
  1n,
  2,
  2 ** 53,
  2n ** 53n + 1n,
  Number.POSITIVE_INFINITY,
  "",
  "A",
  "a",
  "aa",
  "é",
  "🙂",
  {},
  { a: 1 },
  { a: 1, b: 1 },
  { a: 2 },
  { b: 0 },
  Buffer.alloc(0),
  Buffer.from([255]),
  Buffer.from([1, 2]),
  false,
  true,
  new Date(-1),
  new Date(0),
  new Date(1),
];

export function idsSuite(subject: Subject): void {
  const everyType = () =>
    subject.seeded(
      ordered.map((_id, at) => ({ _id, at })).sort((a, b) => ((a.at * 7) % 31) - ((b.at * 7) % 31)),
    );
  const positions = (documents: Document[]) => documents.map(({ at }) => at);
  const every = ordered.map((_, at) => at);

  subject.test("an _id of every type is found by equality, $eq and $in", async () => {
    const collection = await everyType();
    for (const [at, _id] of ordered.entries()) {
      assert.deepEqual(positions([(await collection.findOne({ _id }))!]), [at]);
      assert.deepEqual(positions(await collection.find({ _id: { $eq: _id } })), [at]);
      assert.deepEqual(positions(await collection.find({ _id: { $in: [_id] } })), [at]);
      assert.equal(await collection.countDocuments({ _id }), 1);
    }
  });

  subject.test("a number and a bigint of the same value are the same _id", async () => {
    const collection = await everyType();
    assert.equal((await collection.findOne({ _id: 1 }))!.at, ordered.indexOf(1n));
    assert.equal((await collection.findOne({ _id: 2n }))!.at, ordered.indexOf(2));
    assert.equal((await collection.findOne({ _id: -0 }))!.at, ordered.indexOf(0));
  });

  subject.test("ids sort by type and value, both ways", async () => {
    const collection = await everyType();
    assert.deepEqual(positions(await collection.find().sort({ _id: 1 })), every);
    assert.deepEqual(positions(await collection.find().sort({ _id: -1 })), [...every].reverse());
    const middle = await collection.find().sort({ _id: -1 }).skip(3).limit(4);
    assert.deepEqual(positions(middle), [...every].reverse().slice(3, 7));
  });

  subject.test("ranges of _id stay within their type", async () => {
    const collection = await everyType();
    const within = async (condition: object) =>
      (await collection.find({ _id: condition }).sort({ _id: 1 })).map(({ _id }) => _id);
    const numbers = ordered.slice(2, 13);
    assert.deepEqual(await within({ $gt: -1 }), numbers.slice(numbers.indexOf(-1) + 1));
    assert.deepEqual(await within({ $gte: -1, $lt: 2 }), [-1, 0, 0.5, 1n]);
    assert.deepEqual(await within({ $lte: "a" }), ["", "A", "a"]);
    assert.deepEqual(await within({ $gt: "a" }), ["aa", "é", "🙂"]);
    assert.deepEqual(await within({ $gte: new Date(0) }), [new Date(0), new Date(1)]);
    assert.deepEqual(await within({ $lt: true }), [false]);
    assert.deepEqual(await within({ $gt: { a: 1 } }), [{ a: 1, b: 1 }, { a: 2 }, { b: 0 }]);
    assert.deepEqual(await within({ $gt: 2, $lt: 1 }), []);
    assert.deepEqual(await within({ $gte: null }), [null]);
  });

  subject.test("$in on _id gives each document once, in the order of the sort", async () => {
    const collection = await subject.numbered(20);
    const filter = { _id: { $in: [9, 3, 3n, 100, 3, "3"] } };
    const ids = (documents: { _id: unknown }[]) => documents.map(({ _id }) => _id);
    assert.deepEqual(ids(await collection.find(filter).sort({ _id: 1 })), [3, 9]);
    assert.deepEqual(ids(await collection.find(filter).sort({ _id: -1 })), [9, 3]);
    assert.deepEqual(ids(await collection.find({ _id: { $in: [] } })), []);
    const both = { _id: { $in: [1, 2, 3, 4], $gt: 2 }, n: { $ne: 4 } };
    assert.deepEqual(ids(await collection.find(both)), [3]);
  });

  subject.test("other conditions on _id, and $or over it, give the same as a scan", async () => {
    const collection = await subject.numbered(10);
    const ids = async (filter: Document) =>
      (await collection.find(filter).sort({ _id: 1 })).map(({ _id }) => _id);
    assert.deepEqual(await ids({ _id: { $nin: [0, 1, 2, 3, 4, 5, 6, 7] } }), [8, 9]);
    assert.deepEqual(await ids({ _id: { $ne: 3, $lt: 5 } }), [0, 1, 2, 4]);
    assert.deepEqual(await ids({ $or: [{ _id: 1 }, { n: 4 }] }), [1, 4]);
    assert.deepEqual(await ids({ $and: [{ _id: { $gte: 7 } }, { _id: { $lte: 8 } }] }), [7, 8]);
    assert.deepEqual(await ids({ _id: { $mod: [4, 1] } }), [1, 5, 9]);
    assert.deepEqual(await ids({ _id: { $exists: false } }), []);
    assert.deepEqual(await ids({ _id: { $not: { $gt: 1 } } }), [0, 1]);
  });

  subject.test("a string _id can be matched by a regular expression", async () => {
    const collection = await subject.seeded([{ _id: "user:1" }, { _id: "user:2" }, { _id: "x" }]);
    const found = await collection.find({ _id: /^user:/ as never }).sort({ _id: -1 });
    assert.deepEqual(found, [{ _id: "user:2" }, { _id: "user:1" }]);
  });
}
