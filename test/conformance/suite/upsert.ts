import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

const upsert = { upsert: true } as const;

export function upsertSuite(subject: Subject): void {
  const inserted = (upsertedId: unknown) => ({
    acknowledged: true,
    matchedCount: 0,
    modifiedCount: 0,
    upsertedCount: 1,
    upsertedId,
  });

  subject.test("an upsert takes the _id and the equalities of the filter", async () => {
    const collection = await subject.collection();
    const filter = { _id: "x", kind: "k", size: { $gt: 3 }, "a.b": { $eq: 1 } };
    const update = { $set: { n: 1 }, $setOnInsert: { fresh: true } };
    assert.deepEqual(await collection.updateOne(filter, update, upsert), inserted("x"));
    const expected = { _id: "x", kind: "k", a: { b: 1 }, n: 1, fresh: true };
    assert.deepEqual(await collection.findOne(), expected);
  });

  subject.test("an upsert that matches updates, without $setOnInsert", async () => {
    const collection = await subject.numbered(1);
    const update = { $set: { n: 7 }, $setOnInsert: { fresh: true } };
    const result = await collection.updateOne({ _id: 0 }, update, upsert);
    assert.deepEqual(result, {
      acknowledged: true,
      matchedCount: 1,
      modifiedCount: 1,
      upsertedCount: 0,
      upsertedId: null,
    });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, n: 7 }]);
  });

  subject.test("an upsert without an _id makes one", async () => {
    const collection = await subject.collection();
    const { upsertedId } = await collection.updateMany({ a: 1 }, { $inc: { n: 2 } }, upsert);
    assert.equal(typeof upsertedId, "string");
    assert.deepEqual(await collection.findOne(), { _id: upsertedId, a: 1, n: 2 });
  });

  subject.test("_id: null in the filter is an _id", async () => {
    const collection = await subject.collection();
    const result = await collection.updateOne({ _id: null }, { $set: { n: 1 } }, upsert);
    assert.deepEqual(result, inserted(null));
    assert.deepEqual(await collection.find().toArray(), [{ _id: null, n: 1 }]);
    const again = await collection.updateOne({ _id: null }, { $set: { n: 2 } }, upsert);
    assert.equal(again.matchedCount, 1);
    assert.equal(again.upsertedCount, 0);
  });

  subject.test("replaceOne upserts with the _id of the filter or of the replacement", async () => {
    const collection = await subject.collection();
    assert.deepEqual(await collection.replaceOne({ _id: 1, x: 1 }, { a: 1 }, upsert), inserted(1));
    assert.deepEqual(await collection.replaceOne({ y: 1 }, { _id: 2, b: 1 }, upsert), inserted(2));
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, a: 1 },
      { _id: 2, b: 1 },
    ]);
    const { upsertedId } = await collection.replaceOne({ y: 1 }, { c: 1 }, upsert);
    assert.deepEqual(await collection.findOne({ c: 1 }), { _id: upsertedId, c: 1 });
  });

  subject.test("a pipeline upserts", async () => {
    const collection = await subject.collection();
    const pipeline = [{ $set: { n: { $ifNull: ["$n", 10] } } }];
    assert.deepEqual(await collection.updateOne({ _id: 1 }, pipeline, upsert), inserted(1));
    assert.deepEqual(await collection.findOne(), { _id: 1, n: 10 });
  });

  subject.test("an upsert whose _id belongs to another document is 11000", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1 }]);
    const error = await rejection(
      () => collection.updateOne({ _id: 1, a: 2 }, { $set: { b: 1 } }, upsert),
      { code: 11000 },
    );
    assert.deepEqual(error.keyValue, { _id: 1 });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1, a: 1 }]);
  });

  subject.test("an upsert may not contradict the _id of its filter", async () => {
    const collection = await subject.collection();
    await rejection(() => collection.updateOne({ _id: 1 }, { $set: { _id: 2 } }, upsert), {
      code: 66,
    });
    await rejection(() => collection.replaceOne({ _id: 1 }, { _id: 2 }, upsert), { code: 66 });
    assert.equal(await collection.countDocuments(), 0);
  });
}
