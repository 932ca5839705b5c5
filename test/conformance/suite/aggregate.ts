import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

/** Far more than is read on the calling thread. */
const many = 3_000;
const padding = "x".repeat(100);

export function aggregateSuite(subject: Subject): void {
  subject.test("aggregate: groups, sorts and projects", async () => {
    const collection = await subject.seeded([
      { _id: 1, item: "a", price: 10, quantity: 2 },
      { _id: 2, item: "b", price: 20, quantity: 1 },
      { _id: 3, item: "a", price: 5, quantity: 4n },
    ]);
    const results = await collection
      .aggregate([
        { $match: { price: { $gte: 5 } } },
        { $group: { _id: "$item", total: { $sum: { $multiply: ["$price", "$quantity"] } } } },
        { $sort: { total: -1 } },
        { $project: { _id: 0, item: "$_id", total: 1 } },
      ])
      .toArray();
    assert.deepEqual(results, [
      { total: 40n, item: "a" },
      { total: 20, item: "b" },
    ]);
  });

  subject.test("aggregate: the cursor builds pipelines, maps, clones and rewinds", async () => {
    const collection = await subject.numbered(20);
    const cursor = collection
      .aggregate()
      .match({ n: { $gte: 5 } })
      .sort({ n: -1 })
      .skip(1)
      .limit(3)
      .project({ _id: 0, n: 1 });
    const copy = cursor.clone().addFields({ m: { $add: ["$n", 1] } });
    assert.deepEqual(await cursor.toArray(), [{ n: 18 }, { n: 17 }, { n: 16 }]);
    cursor.rewind();
    assert.deepEqual(await cursor.next(), { n: 18 });
    await cursor.close();
    assert.throws(() => cursor.match({}), { code: 2 });
    assert.deepEqual(await copy.map(({ m }) => m).toArray(), [19, 18, 17]);
    const grouped = collection.aggregate().group({ _id: null, all: { $push: "$n" } });
    assert.equal(((await grouped.next())!.all as unknown[]).length, 20);
    const unwound = grouped.clone().unwind("$all").sort({ all: -1 }).limit(1);
    assert.deepEqual(await unwound.toArray(), [{ _id: null, all: 19 }]);
  });

  subject.test("aggregate: a collection or database that is not there is empty", async () => {
    const collection = await subject.collection();
    assert.deepEqual(await collection.aggregate([{ $group: { _id: "$a" } }]).toArray(), []);
    assert.deepEqual(await collection.aggregate([{ $facet: { a: [] } }]).toArray(), [{ a: [] }]);
    const nowhere = (await subject.manager.db("nowhere")).collection("things");
    assert.deepEqual(await nowhere.aggregate([{ $match: {} }]).toArray(), []);
    assert.deepEqual(await nowhere.aggregate([{ $facet: { a: [] } }]).toArray(), [{ a: [] }]);
  });

  subject.test("aggregate: a database has documents of its own", async () => {
    const database = await subject.database();
    const cursor = database.aggregate([{ $documents: [{ a: 1 }, { a: 2 }] }, { $match: { a: 2 } }]);
    assert.deepEqual(await cursor.toArray(), [{ a: 2 }]);
    await assert.rejects(database.aggregate([{ $match: {} }]).toArray(), { code: 9 });
  });

  subject.test("aggregate: looks into other collections, in one snapshot", async () => {
    const orders = await subject.seeded([
      { _id: 1, item: "a", n: 1 },
      { _id: 2, item: ["b", "c"], n: 5 },
      { _id: 3, n: 2 },
    ]);
    const stock = await subject.seeded([
      { _id: "a", sku: "a", left: 3 },
      { _id: "b", sku: "b", left: 4 },
      { _id: "c", sku: "c", left: 6 },
      { _id: "d", left: 7 },
    ]);
    const from = stock.collectionName;
    const joined = await orders
      .aggregate([
        { $lookup: { from, localField: "item", foreignField: "sku", as: "found" } },
        { $project: { ids: "$found._id" } },
      ])
      .toArray();
    assert.deepEqual(joined, [
      { _id: 1, ids: ["a"] },
      { _id: 2, ids: ["b", "c"] },
      { _id: 3, ids: ["d"] },
    ]);
    const enough = await orders
      .aggregate([
        {
          $lookup: {
            from,
            let: { wanted: "$n" },
            pipeline: [
              { $match: { $expr: { $gt: ["$left", "$$wanted"] } } },
              { $count: "shelves" },
            ],
            as: "enough",
          },
        },
        { $replaceWith: { $mergeObjects: [{ _id: "$_id" }, { $first: "$enough" }] } },
        { $unionWith: { coll: from, pipeline: [{ $match: { _id: "d" } }, { $unset: "left" }] } },
      ])
      .toArray();
    assert.deepEqual(enough, [
      { _id: 1, shelves: 4 },
      { _id: 2, shelves: 2 },
      { _id: 3, shelves: 4 },
      { _id: "d" },
    ]);
  });

  subject.test("aggregate: the front of a pipeline uses indexes, as a hint says", async () => {
    const collection = await subject.numbered(50);
    await (await subject.writable(collection)).createIndex({ n: -1 });
    const front = [{ $match: { n: { $gte: 10, $lt: 14 } } }, { $sort: { n: -1 } }, { $limit: 2 }];
    const counting = [...front, { $group: { _id: null, all: { $push: "$n" } } }];
    for (const hint of [undefined, "n_-1", { n: -1 }, { $natural: 1 }]) {
      const options = hint === undefined ? {} : { hint };
      assert.deepEqual(await collection.aggregate(counting, options).toArray(), [
        { _id: null, all: [13, 12] },
      ]);
    }
    await assert.rejects(collection.aggregate(counting, { hint: "nothing" }).toArray(), {
      code: 2,
    });
    const self = {
      from: collection.collectionName,
      localField: "n",
      foreignField: "n",
      as: "same",
    };
    const joined = await collection.aggregate([...front, { $lookup: self }]).toArray();
    assert.deepEqual(joined[1], { _id: 12, n: 12, same: [{ _id: 12, n: 12 }] });
  });

  subject.test("aggregate: variables of let", async () => {
    const collection = await subject.numbered(10);
    const results = await collection
      .aggregate([{ $match: { $expr: { $lt: ["$n", "$$most"] } } }, { $set: { x: "$$most" } }], {
        let: { most: 2 },
      })
      .toArray();
    assert.deepEqual(results, [
      { _id: 0, n: 0, x: 2 },
      { _id: 1, n: 1, x: 2 },
    ]);
    const unknown = collection.aggregate([{ $set: { x: "$$nobody" } }]);
    await assert.rejects(unknown.toArray(), { code: 17276 });
  });

  subject.test("aggregate: large collections, with flow control", async () => {
    const collection = await subject.seeded(
      Array.from({ length: many }, (_, n) => ({ _id: n, group: n % 7, n, padding })),
    );
    const groups = await collection
      .aggregate([
        { $group: { _id: "$group", count: { $sum: 1 }, sum: { $sum: "$n" }, max: { $max: "$n" } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    assert.equal(groups.length, 7);
    assert.equal(
      groups.reduce((sum, { count }) => sum + (count as number), 0),
      many,
    );
    assert.deepEqual(groups[0], { _id: 0, count: 429, sum: 642_642, max: 2_996 });
    let next = 0;
    for await (const { n, m } of collection.aggregate([{ $set: { m: "$n" } }], {
      batchSize: 100,
    })) {
      assert.equal(n, next);
      assert.equal(m, next);
      next += 1;
    }
    assert.equal(next, many);
    const early = collection.aggregate([{ $set: { m: "$n" } }], { batchSize: 10 });
    for await (const _ of early) break;
    assert.equal(early.closed, true);
  });

  subject.test("aggregate: results that share parts are copies of their own", async () => {
    const collection = await subject.seeded([{ _id: 1, list: [1, 2], part: { x: 1 } }]);
    const [a, b] = await collection.aggregate([{ $unwind: "$list" }]).toArray();
    (a!.part as Document).x = 2;
    assert.deepEqual(b!.part, { x: 1 });
  });

  subject.test("aggregate: an abort signal and maxTimeMS stop it", async () => {
    const collection = await subject.numbered(many);
    const endless = [
      { $lookup: { from: collection.collectionName, let: { n: "$n" }, pipeline: slow, as: "x" } },
      { $group: { _id: null, n: { $sum: { $size: "$x" } } } },
    ];
    await assert.rejects(collection.aggregate(endless, { maxTimeMS: 20 }).toArray(), { code: 50 });
    const controller = new AbortController();
    const aborted = collection.aggregate(endless, { signal: controller.signal }).toArray();
    setImmediate(() => controller.abort(new Error("no longer wanted")));
    await assert.rejects(aborted, /no longer wanted/);
  });

  subject.test(
    "aggregate: a stage that holds too much fails with 292 and names itself",
    async () => {
      const text = "y".repeat(100_000);
      const collection = await subject.seeded(
        Array.from({ length: 40 }, (_, n) => ({ _id: n, text, list: Array.from({ length: 40 }) })),
      );
      const pipeline = [{ $unwind: "$list" }, { $group: { _id: null, all: { $push: "$text" } } }];
      await assert.rejects(collection.aggregate(pipeline, { allowDiskUse: true }).toArray(), {
        code: 292,
        message: /\$group/,
      });
      const sorted = [{ $unwind: "$list" }, { $set: { t: "$text" } }, { $sort: { t: 1 } }];
      await assert.rejects(collection.aggregate(sorted).toArray(), {
        code: 292,
        message: /\$sort/,
      });
    },
  );

  const wrong: [name: string, pipeline: unknown, code: number][] = [
    ["no array", {}, 2],
    ["no objects", ["$match"], 2],
    ["an unknown stage", [{ $nonsense: {} }], 40324],
    ["two stages in one", [{ $match: {}, $limit: 1 }], 9],
    ["an unknown operator of a filter", [{ $match: { a: { $foo: 1 } } }], 2],
    ["an unknown expression", [{ $set: { a: { $foo: 1 } } }], 9],
    ["an unknown accumulator", [{ $group: { _id: 1, a: { $foo: 1 } } }], 9],
    ["a group without _id", [{ $group: { a: { $sum: 1 } } }], 9],
    ["a limit of 0", [{ $limit: 0 }], 2],
    ["a stage that cannot run here", [{ $geoNear: {} }], 115],
    ["code", [{ $set: { a: { $function: {} } } }], 115],
    ["$out in the middle", [{ $out: "x" }, { $match: {} }], 9],
    ["$merge inside", [{ $facet: { a: [{ $merge: "x" }] } }], 9],
  ];
  for (const [name, pipeline, code] of wrong) {
    subject.test(`aggregate: ${name} is refused, also on an empty collection`, async () => {
      const collection = await subject.collection();
      await assert.rejects(async () => collection.aggregate(pipeline as Document[]).toArray(), {
        code,
      });
    });
  }

  subject.test("aggregate: an option that is not supported is refused", async () => {
    const collection = await subject.collection();
    const options = { bypassDocumentValidation: true } as object;
    assert.throws(() => collection.aggregate([], options), { code: "INVALID_OPTION" });
  });
}

/** Reads everything for each document. */
const slow = [{ $match: { $expr: { $ne: ["$n", "$$n"] } } }, { $group: { _id: "$n" } }];
