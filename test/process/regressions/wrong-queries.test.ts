import assert from "node:assert/strict";
import { test } from "node:test";
import { type Document, LioranManager } from "@liorandb/core";
import { Site } from "../site.js";

test("what is wrong with a query of a large collection is said while all threads are taken", async (t) => {
  const site = new Site(t);
  await using manager = new LioranManager({ rootPath: site.rootPath, cores: 1 });
  const things = (await manager.db("app")).collection<Document>("things");
  await things.insertMany(Array.from({ length: 2_000 }, (_, _id) => ({ _id, n: 0 })));

  const stop = new AbortController();
  const { signal } = stop;
  const reduce = { input: { $range: [0, 1_000_000] }, initialValue: 0, in: "$$this" };
  const endless = things.aggregate([{ $set: { x: { $reduce: reduce } } }], { signal }).toArray();
  let isOver = false;
  const ended = endless.finally(() => {
    isOver = true;
  });
  ended.catch(() => {});

  const filter = { n: { $foo: 1 } };
  // Red is the code of the time limit.
  const limit = { maxTimeMS: 5_000 };
  const projection = { n: 1, _id: 1, pad: 0 } as const;
  const wrong: Record<string, () => Promise<unknown>> = {
    find: () => things.find(filter, limit).toArray(),
    countDocuments: () => things.countDocuments(filter, limit),
    distinct: () => things.distinct("n", filter, limit),
    projection: () => things.find({ n: 1 }, { ...limit, projection }).toArray(),
    "projection with a sort": () =>
      things.find({}, { ...limit, projection, sort: { n: 1 } }).toArray(),
  };
  for (const [name, run] of Object.entries(wrong)) {
    await assert.rejects(run, { code: 2 }, name);
  }
  assert.equal(isOver, false, "the query that takes the thread ended by itself");
  // The right ones do need the thread.
  await assert.rejects(things.countDocuments({ n: 1 }, { maxTimeMS: 100 }), {
    code: 50,
  });
  stop.abort();
  await assert.rejects(ended, { name: "AbortError" });
});
