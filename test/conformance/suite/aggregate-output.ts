import assert from "node:assert/strict";
import type { Collection, Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

export function aggregateOutputSuite(subject: Subject): void {
  const all = (collection: Collection) => collection.find().sort({ _id: 1 }).toArray();

  subject.test("$out replaces a collection, and leaves nothing else behind", async () => {
    const source = await subject.numbered(2_500);
    const target = await subject.seeded([{ _id: "old" }]);
    const pipeline = [{ $match: { n: { $gte: 100 } } }, { $project: { m: "$n" } }];
    const cursor = source.aggregate([...pipeline, { $out: target.collectionName }]);
    assert.deepEqual(await cursor.toArray(), []);
    assert.equal(await target.countDocuments(), 2_400);
    assert.deepEqual(await target.findOne({ _id: 100 }), { _id: 100, m: 100 });
    const names = await (await subject.database()).listCollections().toArray();
    assert.deepEqual(
      names.filter(({ name }) => name.startsWith("tmp.")),
      [],
    );
  });

  subject.test("$out makes collections, also empty ones and in other databases", async () => {
    const source = await subject.numbered(3);
    const name = subject.newName();
    const database = await subject.database();
    await source
      .aggregate([{ $match: { n: 7 } }])
      .out(name)
      .toArray();
    assert.equal((await database.listCollections({ name }).toArray()).length, 1);
    const other = (await subject.manager.db("conformance_out")).collection(name);
    await source.aggregate([{ $out: { db: "conformance_out", coll: name } }]).toArray();
    assert.equal(await other.countDocuments(), 3);
    await (await subject.manager.db("conformance_out")).dropDatabase();
  });

  subject.test("$out over its own source, and without _id", async () => {
    const source = await subject.numbered(5);
    await source.aggregate([{ $unset: "_id" }, { $out: source.collectionName }]).toArray();
    const documents = await source.find().toArray();
    assert.equal(documents.length, 5);
    assert.ok(documents.every(({ _id }) => typeof _id === "string"));
  });

  subject.test("$out that fails leaves the target as it was", async () => {
    const source = await subject.numbered(5);
    const target = await subject.seeded([{ _id: "old" }]);
    const pipeline = [{ $set: { _id: 1 } }, { $out: target.collectionName }];
    await assert.rejects(source.aggregate(pipeline).toArray(), { code: 11000 });
    assert.deepEqual(await all(target), [{ _id: "old" }]);
    const names = await (await subject.database()).listCollections().toArray();
    assert.ok(names.every(({ name }) => !name.startsWith("tmp.")));
  });

  const fresh: Document[] = [
    { _id: 1, b: 2 },
    { _id: 2, "x.y": 1, $z: 2 },
  ];
  const merges: [name: string, options: Document, after: Document[]][] = [
    [
      "merges by default",
      {},
      [
        { _id: 1, a: 1, b: 2 },
        { _id: 2, "x.y": 1, $z: 2 },
      ],
    ],
    ["replaces", { whenMatched: "replace", whenNotMatched: "discard" }, [{ _id: 1, b: 2 }]],
    [
      "keeps what exists",
      { whenMatched: "keepExisting" },
      [
        { _id: 1, a: 1 },
        { _id: 2, "x.y": 1, $z: 2 },
      ],
    ],
    ["discards what is new", { whenNotMatched: "discard" }, [{ _id: 1, a: 1, b: 2 }]],
    [
      "runs a pipeline on what exists",
      { whenMatched: [{ $set: { a: { $add: ["$a", "$$new.b"] }, n: "$$new" } }] },
      [
        { _id: 1, a: 3, n: { _id: 1, b: 2 } },
        { _id: 2, "x.y": 1, $z: 2 },
      ],
    ],
    [
      "runs a pipeline with variables",
      {
        let: { sum: { $add: ["$b", 10] } },
        whenMatched: [{ $set: { sum: "$$sum" } }],
        whenNotMatched: "discard",
      },
      [{ _id: 1, a: 1, sum: 12 }],
    ],
  ];
  for (const [name, options, after] of merges) {
    subject.test(`$merge ${name}`, async () => {
      const source = await subject.seeded(fresh);
      const target = await subject.seeded([{ _id: 1, a: 1 }]);
      const merge = { into: target.collectionName, ...options };
      assert.deepEqual(await source.aggregate([{ $merge: merge }]).toArray(), []);
      assert.deepEqual(await all(target), after);
    });
  }

  subject.test("$merge into a collection that is not there, and many documents", async () => {
    const source = await subject.numbered(2_500);
    const target = await subject.collection();
    const pipeline = [
      { $group: { _id: { $mod: ["$n", 1_500] }, n: { $sum: 1 } } },
      { $merge: target.collectionName },
    ];
    for (let run = 0; run < 2; run += 1) await source.aggregate(pipeline).toArray();
    assert.equal(await target.countDocuments(), 1_500);
    assert.equal(await target.countDocuments({ n: 2 }), 1_000);
  });

  subject.test("$out keeps the indexes of the target", async () => {
    const source = await subject.seeded([
      { _id: 1, k: 1 },
      { _id: 2, k: 2 },
    ]);
    const target = await subject.collection();
    await target.createIndex({ k: 1 }, { unique: true });
    const out = { $out: target.collectionName };
    await source.aggregate([out]).toArray();
    assert.equal(await target.indexExists("k_1"), true);
    await assert.rejects(source.aggregate([{ $set: { k: 1 } }, out]).toArray(), { code: 11000 });
    assert.equal(await target.countDocuments({ k: 2 }), 1);
  });

  subject.test("$merge by other fields, if a unique index says that they identify", async () => {
    const source = await subject.seeded([
      { _id: 1, k: "a", n: 1 },
      { _id: 2, k: "b", n: 2 },
    ]);
    const target = await subject.seeded([{ _id: 9, k: "a", m: 0 }]);
    await target.createIndex({ k: 1 }, { unique: true });
    const $merge = { into: target.collectionName, on: "k" };
    await source.aggregate([{ $unset: "_id" }, { $merge }]).toArray();
    const documents = await target.find({}, { sort: { k: 1 }, projection: { _id: 0 } }).toArray();
    assert.deepEqual(documents, [
      { k: "a", m: 0, n: 1 },
      { k: "b", n: 2 },
    ]);
    assert.deepEqual(await target.findOne({ k: "a" }), { _id: 9, k: "a", m: 0, n: 1 });
    const kept = { ...$merge, whenMatched: "keepExisting" };
    await source.aggregate([{ $set: { n: 5, _id: "$k" } }, { $merge: kept }]).toArray();
    assert.equal(await target.countDocuments({ n: 5 }), 0);
    await assert.rejects(source.aggregate([{ $merge }]).toArray(), { code: 66 });
    await assert.rejects(source.aggregate([{ $unset: "k" }, { $merge }]).toArray(), { code: 2 });
  });

  subject.test("$merge fails where it was told to", async () => {
    const source = await subject.numbered(3);
    const target = await subject.seeded([{ _id: 1 }]);
    const into = target.collectionName;
    const run = (merge: Document) => source.aggregate([{ $merge: { into, ...merge } }]).toArray();
    await assert.rejects(run({ whenNotMatched: "fail" }), { code: 13113 });
    await assert.rejects(run({ whenMatched: "fail" }), { code: 11000 });
    await assert.rejects(run({ on: "n" }), { code: 51183 });
    await assert.rejects(run({ whenMatched: "fail", whenNotMatched: "fail" }), { code: 9 });
    await assert.rejects(run({ whenMatched: "sometimes" }), { code: 9 });
    await assert.rejects(run({ into: "$bad" }), { code: 73 });
  });

  subject.test("an aborted $out leaves no temporary collection", async () => {
    const source = await subject.numbered(2_500);
    const controller = new AbortController();
    const target = subject.newName();
    const running = source
      .aggregate([{ $set: { x: 1 } }, { $out: target }], { signal: controller.signal })
      .toArray();
    setImmediate(() => controller.abort(new Error("enough")));
    await assert.rejects(running, /enough/);
    const names = await (await subject.database()).listCollections().toArray();
    assert.ok(names.every(({ name }) => name !== target && !name.startsWith("tmp.")));
  });
}
