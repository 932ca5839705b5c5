import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

/** Enough for writes to search for their documents on the pool. */
const size = 5_000;

export function largeWritesSuite(subject: Subject): void {
  subject.test("updateMany finds and changes documents by any field", async () => {
    const collection = await subject.numbered(size);
    const filter = { n: { $mod: [5, 0] } };
    const { matchedCount, modifiedCount } = await collection.updateMany(filter, {
      $set: { fifth: true },
    });
    assert.deepEqual([matchedCount, modifiedCount], [size / 5, size / 5]);
    assert.equal(await collection.countDocuments({ fifth: true }), size / 5);
    assert.equal(await collection.countDocuments({ ...filter, fifth: true }), size / 5);
  });

  subject.test("updateMany on a large collection takes effect as a whole", async () => {
    const collection = await subject.numbered(size);
    await collection.updateOne({ n: size - 1 }, { $set: { x: "text" } });
    await rejection(() => collection.updateMany({ n: { $gt: 1 } }, { $inc: { x: 1 } }), {
      code: 14,
    });
    assert.equal(await collection.countDocuments({ x: { $exists: true } }), 1);
  });

  subject.test("deleteMany and deleteOne find documents by any field", async () => {
    const collection = await subject.numbered(size);
    assert.equal(
      (await collection.deleteMany({ n: { $gte: 1_000, $lt: 4_000 } })).deletedCount,
      3_000,
    );
    assert.equal((await collection.deleteOne({ n: 999 })).deletedCount, 1);
    assert.equal(await collection.countDocuments(), 1_999);
    assert.equal(await collection.countDocuments({ n: { $gte: 999, $lt: 4_000 } }), 0);
  });

  subject.test("findOneAndUpdate finds the first by a sort that no key gives", async () => {
    const collection = await subject.numbered(size);
    const options = { sort: { n: -1 }, returnDocument: "after" } as const;
    const found = await collection.findOneAndUpdate(
      { n: { $lt: 4_000 } },
      { $set: { n: 0 } },
      options,
    );
    assert.deepEqual(found, { _id: 3_999, n: 0 });
    assert.deepEqual(
      await collection.findOneAndDelete({ n: { $lt: 4_000 } }, { sort: { n: -1 } }),
      {
        _id: 3_998,
        n: 3_998,
      },
    );
    assert.deepEqual(await collection.findOneAndReplace({ n: 17 }, { r: 1 }), { _id: 17, n: 17 });
  });

  subject.test("upserts by any field insert once, then update", async () => {
    const collection = await subject.numbered(size);
    const upsert = () =>
      collection.updateOne({ key: "k" }, { $inc: { times: 1 } }, { upsert: true });
    assert.equal((await upsert()).upsertedCount, 1);
    assert.equal((await upsert()).modifiedCount, 1);
    await Promise.all([upsert(), upsert(), upsert()]);
    assert.equal((await collection.findOne({ key: "k" }))!.times, 5);
    assert.equal(await collection.countDocuments({ key: "k" }), 1);
  });

  subject.test(
    "an insertMany that is cut into several operations reports by position",
    async () => {
      const collection = await subject.seeded([{ _id: 5_500 }]);
      const documents = Array.from({ length: 12_000 }, (_, _id) => ({ _id }));
      const ordered = await rejection(() => collection.insertMany(documents), { code: 11000 });
      assert.equal(ordered.result!.insertedCount, 5_500);
      assert.deepEqual(
        ordered.writeErrors!.map(({ index }) => index),
        [5_500],
      );
      assert.equal(await collection.countDocuments(), 5_501);
      const unordered = await rejection(
        () => collection.insertMany(documents, { ordered: false }),
        { code: 11000 },
      );
      assert.equal(unordered.result!.insertedCount, 12_000 - 5_501);
      assert.equal(unordered.writeErrors!.length, 5_501);
      assert.equal(unordered.writeErrors!.at(-1)!.index, 5_500);
      assert.equal(await collection.countDocuments(), 12_000);
    },
  );

  subject.test("a large bulkWrite keeps its order and positions", async () => {
    const collection = await subject.collection();
    const operations = Array.from({ length: 6_000 }, (_, n) =>
      n % 2 === 0
        ? { insertOne: { document: { _id: n, text: "x".repeat(600) } } }
        : { updateOne: { filter: { _id: n - 1 }, update: { $set: { seen: true } } } },
    );
    const result = await collection.bulkWrite(operations);
    assert.deepEqual(
      [result.insertedCount, result.matchedCount, result.modifiedCount],
      [3_000, 3_000, 3_000],
    );
    assert.equal(Object.keys(result.insertedIds).length, 3_000);
    assert.equal(result.insertedIds[5_998], 5_998);
    assert.equal(await collection.countDocuments({ seen: true }), 3_000);
  });

  subject.test("dropping a large collection leaves nothing in a new one of that name", async () => {
    const collection = await subject.numbered(size);
    await collection.drop();
    await collection.insertOne({ _id: 1, fresh: true });
    for (let n = 0; n < 5; n += 1) await collection.insertOne({ fresh: true });
    assert.equal(await collection.countDocuments({ fresh: true }), 6);
    assert.equal((await collection.find().toArray()).length, 6);
  });
}
