import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function bulkWriteSuite(subject: Subject): void {
  subject.test("bulkWrite runs every kind of operation in order", async () => {
    const collection = await subject.numbered(5);
    const result = await collection.bulkWrite([
      { insertOne: { document: { _id: "a" } } },
      { updateOne: { filter: { _id: "a" }, update: { $set: { n: 100 } } } },
      { updateMany: { filter: { n: { $lt: 2 } }, update: { $inc: { n: 50 } } } },
      { replaceOne: { filter: { _id: 2 }, replacement: { r: 1 } } },
      { deleteOne: { filter: { _id: 3 } } },
      { deleteMany: { filter: { n: { $gte: 50, $lt: 52 } } } },
      { updateOne: { filter: { _id: "u" }, update: { $set: { n: 1 } }, upsert: true } },
      { replaceOne: { filter: { _id: null }, replacement: { n: 2 }, upsert: true } },
      { updateOne: { filter: { _id: 4 }, update: [{ $set: { p: "$n" } }] } },
    ]);
    assert.deepEqual(result, {
      insertedCount: 1,
      matchedCount: 5,
      modifiedCount: 5,
      deletedCount: 3,
      upsertedCount: 2,
      insertedIds: { 0: "a" },
      upsertedIds: { 6: "u", 7: null },
    });
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: null, n: 2 },
      { _id: 2, r: 1 },
      { _id: 4, n: 4, p: 4 },
      { _id: "a", n: 100 },
      { _id: "u", n: 1 },
    ]);
  });

  subject.test("an ordered bulkWrite stops at the first failure", async () => {
    const collection = await subject.numbered(2);
    const error = await rejection(
      () =>
        collection.bulkWrite([
          { insertOne: { document: { _id: 10 } } },
          { updateOne: { filter: { _id: 0 }, update: { $set: { n: 9 } } } },
          { insertOne: { document: { _id: 1 } } },
          { deleteMany: { filter: {} } },
        ]),
      { code: 11000 },
    );
    assert.deepEqual(error.result, {
      insertedCount: 1,
      matchedCount: 1,
      modifiedCount: 1,
      deletedCount: 0,
      upsertedCount: 0,
      insertedIds: { 0: 10 },
      upsertedIds: {},
    });
    assert.equal(error.writeErrors?.length, 1);
    const [{ errmsg, ...failed }] = error.writeErrors;
    assert.deepEqual(failed, {
      index: 2,
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 },
    });
    assert.equal(typeof errmsg, "string");
    assert.equal(await collection.countDocuments(), 3);
  });

  subject.test(
    "an unordered bulkWrite goes on, and a failed operation leaves no trace",
    async () => {
      const collection = await subject.seeded([
        { _id: 1, n: 1 },
        { _id: 2, n: "text" },
      ]);
      const error = await rejection(
        () =>
          collection.bulkWrite(
            [
              { updateMany: { filter: {}, update: { $inc: { n: 1 } } } },
              { insertOne: { document: { _id: 1 } } },
              { updateOne: { filter: { _id: 1 }, update: { $set: { _id: 3 } } } },
              { updateOne: { filter: { _id: 5 }, update: { $set: { n: 5 } }, upsert: true } },
              { deleteOne: { filter: { _id: 2 } } },
            ],
            { ordered: false },
          ),
        { code: 14 },
      );
      assert.deepEqual(
        error.writeErrors?.map(({ index, code }) => [index, code]),
        [
          [0, 14],
          [1, 11000],
          [2, 66],
        ],
      );
      assert.deepEqual(error.result, {
        insertedCount: 0,
        matchedCount: 0,
        modifiedCount: 0,
        deletedCount: 1,
        upsertedCount: 1,
        insertedIds: {},
        upsertedIds: { 3: 5 },
      });
      assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
        { _id: 1, n: 1 },
        { _id: 5, n: 5 },
      ]);
    },
  );

  subject.test(
    "operations that are malformed are refused by position, before any runs",
    async () => {
      const collection = await subject.collection();
      const good = { insertOne: { document: {} } };
      const refused: [unknown, string][] = [
        [{}, "operations.1"],
        [{ insertMany: {} }, "operations.1"],
        [{ insertOne: {}, deleteOne: {} }, "operations.1"],
        [{ deleteOne: 3 }, "operations.1.deleteOne"],
        [{ insertOne: { document: 3 } }, "operations.1.insertOne.document"],
        [{ updateOne: { filter: {}, update: { a: 1 } } }, "operations.1.updateOne"],
        [{ replaceOne: { filter: 3, replacement: {} } }, "operations.1.replaceOne"],
      ];
      for (const [wrong, path] of refused) {
        const operations = [good, wrong] as (typeof good)[];
        await rejection(() => collection.bulkWrite(operations), { code: 2, names: [path] });
      }
      const extra = [{ deleteOne: { filter: {}, collation: {} } }] as never[];
      await rejection(() => collection.bulkWrite(extra), {
        code: "INVALID_OPTION",
        names: ['"collation"'],
      });
      await rejection(() => collection.bulkWrite([]), { code: 2 });
      await rejection(() => collection.insertMany([]), { code: 2 });
      assert.equal(await collection.countDocuments(), 0);
    },
  );
}
