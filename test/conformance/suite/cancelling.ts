import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Collection } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection, thrownBy } from "./expectations.js";

/** A filter that takes far longer than any of the tests waits: it makes a long array for each document. */
const slow = { $expr: { $lt: [{ $size: { $range: [0, "$size"] } }, 0] } };
const slowDocuments = 5_000;
/** An expression that takes hours: a loop in a loop. */
const loop = {
  $reduce: {
    input: { $range: [0, 1_000_000] },
    initialValue: 0,
    in: {
      $max: { $map: { input: { $range: [0, 100_000] }, as: "one", in: { $add: ["$$one", 1] } } },
    },
  },
};

export function cancellingSuite(subject: Subject): void {
  let collection: Collection;
  const endless = async () => {
    collection ??= await subject.seeded(
      Array.from({ length: slowDocuments }, (_, _id) => ({
        _id,
        // The first documents are looked at on the calling thread, which nothing interrupts.
        size: _id < 300 ? 0 : 200_000,
      })),
    );
    return collection;
  };

  subject.test("maxTimeMS ends a long query with code 50", async () => {
    const long = await endless();
    const expected = { code: 50, names: ["maxTimeMS"] } as const;
    const error = await rejection(() => long.find(slow, { maxTimeMS: 20 }).toArray(), expected);
    assert.equal(error.retryable, false);
    await rejection(() => long.find(slow).maxTimeMS(20).next(), expected);
    await rejection(() => long.countDocuments(slow, { maxTimeMS: 20 }), expected);
    await rejection(() => long.distinct("size", slow, { maxTimeMS: 20 }), expected);
    await rejection(() => long.findOne(slow, { maxTimeMS: 20 }), expected);
    const pipelines = [[{ $match: slow }], [{ $set: { a: 1 } }, { $match: slow }]];
    for (const pipeline of pipelines) {
      await rejection(() => long.aggregate(pipeline, { maxTimeMS: 20 }).toArray(), expected);
    }
  });

  subject.test("maxTimeMS and a signal end a loop inside one expression", async () => {
    const one = await subject.seeded([{ _id: 1 }]);
    const expected = { code: 50, names: ["maxTimeMS"] } as const;
    const filter = { $expr: { $lt: [loop, 0] } };
    const projection = { n: loop };
    const limit = { maxTimeMS: 20 };
    await rejection(() => one.find(filter, limit).toArray(), expected);
    await rejection(() => one.find({}, { ...limit, projection }).toArray(), expected);
    await rejection(() => one.countDocuments(filter, limit), expected);
    await rejection(() => one.distinct("_id", filter, limit), expected);
    await rejection(() => one.find(filter, limit).explain(), expected);
    await rejection(() => one.aggregate([{ $set: { n: loop } }], limit).toArray(), expected);
    await rejection(
      () => one.aggregate([{ $group: { _id: null, n: { $max: loop } } }], limit).toArray(),
      expected,
    );
    const controller = new AbortController();
    const { signal } = controller;
    const ended = one.find(filter, { signal }).toArray();
    setImmediate(() => controller.abort("enough"));
    assert.equal(await thrownBy(() => ended), "enough");
  });

  if (subject.mode.canWrite) {
    subject.test("a write whose expression loops on and on ends, and changes nothing", async () => {
      const one = await subject.seeded([{ _id: 1, n: 1 }]);
      const expected = { code: 50, names: ["looped"] } as const;
      await rejection(() => one.updateOne({ _id: 1 }, [{ $set: { n: loop } }]), expected);
      await rejection(() => one.findOneAndUpdate({}, [{ $set: { n: loop } }]), expected);
      await rejection(() => one.updateOne({ _id: 2 }, [{ $set: { n: loop } }], { upsert: true }), {
        code: 50,
      });
      const filter = { _id: 1, $expr: { $lt: [loop, 0] } };
      await rejection(() => one.updateOne(filter, { $set: { n: 2 } }), expected);
      await rejection(() => one.deleteOne(filter), expected);
      await rejection(() => one.bulkWrite([{ deleteOne: { filter } }]), { code: 50 });
      const projection = { n: loop };
      await rejection(() => one.findOneAndUpdate({}, { $set: { n: 2 } }, { projection }), expected);
      assert.deepEqual(await one.find(), [{ _id: 1, n: 1 }]);
      const short = { $map: { input: { $range: [0, 10_000] }, in: 1 } };
      await one.updateOne({ _id: 1 }, [{ $set: { n: { $size: short } } }]);
      assert.deepEqual(await one.find(), [{ _id: 1, n: 10_000 }]);
    });

    subject.test(
      "maxTimeMS ends the search of a write with code 50, and nothing changes",
      async () => {
        const long = await endless();
        const limit = { maxTimeMS: 20 };
        const set = { $set: { changed: true } };
        const writes = {
          updateOne: () => long.updateOne(slow, set, { ...limit, upsert: true }),
          updateMany: () => long.updateMany(slow, set, limit),
          replaceOne: () => long.replaceOne(slow, { changed: true }, limit),
          deleteOne: () => long.deleteOne(slow, limit),
          deleteMany: () => long.deleteMany(slow, limit),
          findOneAndUpdate: () => long.findOneAndUpdate(slow, set, { ...limit, sort: { size: 1 } }),
          findOneAndDelete: () => long.findOneAndDelete(slow, limit),
        };
        for (const write of Object.values(writes)) {
          await rejection(write, { code: 50, names: ["maxTimeMS"] });
        }
        assert.equal(await long.countDocuments(), slowDocuments);
        assert.equal(await long.countDocuments({ changed: true }), 0);
      },
    );

    subject.test(
      "maxTimeMS ends a search in the transaction too, and spares fast writes",
      async () => {
        const few = await subject.seeded(
          Array.from({ length: 500 }, (_, _id) => ({ _id, size: _id < 300 ? 0 : 200_000 })),
        );
        await rejection(() => few.deleteMany(slow, { maxTimeMS: 20 }), { code: 50 });
        assert.equal(await few.countDocuments(), 500);
        // Whose time runs out while it waits for its turn.
        const [first, second] = await Promise.allSettled([
          few.deleteMany(slow, { maxTimeMS: 20 }),
          few.updateOne({ _id: 1 }, { $set: { isLate: true } }, { maxTimeMS: 1 }),
        ]);
        assert.deepEqual([first.status, second.status], ["rejected", "rejected"]);
        await rejection(() => Promise.reject((second as PromiseRejectedResult).reason), {
          code: 50,
        });
        assert.equal(await few.countDocuments({ isLate: true }), 0);
        const limit = { maxTimeMS: 60_000 };
        assert.equal((await few.updateMany({}, { $set: { a: 1 } }, limit)).modifiedCount, 500);
        assert.equal((await few.deleteMany({ size: 0 }, limit)).deletedCount, 300);
        assert.equal((await few.findOneAndDelete({ size: { $gt: 0 } }, limit))?._id, 300);
      },
    );
  }

  subject.test("maxTimeMS leaves a query alone that is fast enough", async () => {
    const small = await subject.numbered(10);
    assert.equal((await small.find({ n: { $gte: 0 } }, { maxTimeMS: 60_000 })).length, 10);
    assert.equal((await small.find({}, { maxTimeMS: 0 })).length, 10);
  });

  subject.test(
    "a signal that was aborted before rejects with its reason, and nothing runs",
    async () => {
      const small = await subject.numbered(10);
      const reason = new Error("changed my mind");
      const signal = AbortSignal.abort(reason);
      const calls = {
        find: () => small.find({}, { signal }).toArray(),
        findOne: () => small.findOne({ n: 1 }, { signal }),
        countDocuments: () => small.countDocuments({}, { signal }),
        distinct: () => small.distinct("n", {}, { signal }),
        estimatedDocumentCount: () => small.estimatedDocumentCount({ signal }),
        ...(subject.mode.canWrite && {
          insertOne: () => small.insertOne({}, { signal }),
          insertMany: () => small.insertMany([{}], { signal }),
          updateMany: () => small.updateMany({}, { $set: { n: 0 } }, { signal }),
          deleteMany: () => small.deleteMany({}, { signal }),
          findOneAndDelete: () => small.findOneAndDelete({}, { signal }),
          bulkWrite: () => small.bulkWrite([{ deleteMany: { filter: {} } }], { signal }),
          drop: () => small.drop({ signal }),
        }),
      };
      for (const [name, call] of Object.entries(calls)) {
        assert.equal(await thrownBy(call), reason, name);
      }
      assert.equal(await small.countDocuments({ n: { $gt: 0 } }), 9);
    },
  );

  subject.test(
    "aborting in the middle of a scan rejects with the reason and frees the pool",
    async () => {
      const long = await endless();
      // More than there are threads: a scan that went on would hold up the next one.
      for (let round = 0; round < 6; round += 1) {
        const controller = new AbortController();
        const { signal } = controller;
        const reason = { round };
        const scans = [
          long.find(slow, { signal }).toArray(),
          long.countDocuments(slow, { signal }),
          long.distinct("size", slow, { signal }),
          long.aggregate([{ $match: slow }], { signal }).toArray(),
        ].map((scan) => scan.catch((error: unknown) => error));
        await nextTurn();
        controller.abort(reason);
        for (const scan of scans) assert.equal(await scan, reason);
      }
      assert.equal(await long.countDocuments({ _id: { $gte: 0 }, size: 0 }), 300);
    },
  );

  subject.test("aborting between two batches ends the cursor", async () => {
    const many = await subject.numbered(2_000);
    const controller = new AbortController();
    const cursor = many.find({}, { signal: controller.signal }).batchSize(10);
    await cursor.next();
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(await thrownBy(() => cursor.toArray()), reason);
    assert.equal(cursor.closed, true);
  });

  subject.test("a signal that never fires changes nothing", async () => {
    const small = await subject.numbered(300);
    const { signal } = new AbortController();
    assert.equal((await small.find({ n: { $gte: 0 } }, { signal })).length, 300);
  });
}
