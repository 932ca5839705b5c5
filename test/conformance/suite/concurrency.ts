import assert from "node:assert/strict";
import type { Subject } from "../mode.js";

export function concurrencySuite(subject: Subject): void {
  const times = <T>(count: number, run: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, n) => run(n)));

  subject.test("increments that run at once add up", async () => {
    const collection = await subject.numbered(1);
    const results = await times(300, () => collection.updateOne({ _id: 0 }, { $inc: { n: 1 } }));
    assert.ok(results.every(({ modifiedCount }) => modifiedCount === 1));
    assert.deepEqual(await collection.findOne({ _id: 0 }), { _id: 0, n: 300 });
  });

  subject.test("findOneAndUpdate hands out each number once", async () => {
    const collection = await subject.numbered(1);
    const numbers = await times(200, async () => {
      const options = { returnDocument: "after" } as const;
      return (await collection.findOneAndUpdate({ _id: 0 }, { $inc: { n: 1 } }, options))!.n;
    });
    assert.equal(new Set(numbers).size, 200);
    assert.deepEqual(
      numbers.map(Number).sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, n) => n + 1),
    );
  });

  subject.test("of inserts of one _id exactly one succeeds", async () => {
    const collection = await subject.collection();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => collection.insertOne({ _id: "one", n })),
    );
    const refused = outcomes.filter(({ status }) => status === "rejected");
    assert.equal(refused.length, 49);
    assert.ok(refused.every((one) => (one as PromiseRejectedResult).reason.code === 11000));
    const winner = outcomes.findIndex(({ status }) => status === "fulfilled");
    assert.deepEqual(await collection.findOne({ _id: "one" }), { _id: "one", n: winner });
  });

  subject.test("upserts of one _id that run at once insert one document", async () => {
    const collection = await subject.collection();
    const results = await times(50, () =>
      collection.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { upsert: true }),
    );
    assert.equal(results.filter(({ upsertedCount }) => upsertedCount === 1).length, 1);
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1, n: 50 }]);
  });

  subject.test("findOneAndDelete takes each job of a large queue once", async () => {
    const collection = await subject.numbered(1_200);
    const jobs = await times(100, () => collection.findOneAndDelete({ n: { $gte: 100 } }));
    assert.equal(new Set(jobs.map((job) => job!._id)).size, 100);
    assert.equal(await collection.countDocuments(), 1_100);
  });

  subject.test("a read that begins after an acknowledged write sees it", async () => {
    const collection = await subject.collection();
    await times(20, async (lane) => {
      for (let n = 0; n < 10; n += 1) {
        const _id = `${lane}-${n}`;
        await collection.insertOne({ _id, lane, n });
        assert.equal((await collection.findOne({ _id }))!.n, n);
        assert.equal(await collection.countDocuments({ lane }), n + 1);
      }
    });
  });

  subject.test("reads, writes and scans that run at once all succeed", async () => {
    const collection = await subject.numbered(2_000);
    await times(60, async (n) => {
      if (n % 3 === 0) await collection.updateMany({ n: { $lt: 50 } }, { $inc: { touched: 1 } });
      else if (n % 3 === 1) assert.equal((await collection.find({ n: { $gte: 0 } })).length, 2_000);
      else assert.equal((await collection.findOne({ _id: n }))!.n, n);
    });
    assert.equal(await collection.countDocuments({ touched: 20 }), 50);
  });
}
