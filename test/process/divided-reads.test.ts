/** Reads that are divided over threads give what one thread gives, in one state of the data, and can be stopped. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Collection, type Document, LioranManager } from "@liorandb/core";
import fc from "fast-check";
import { temporaryRoot } from "../support/temporary-root.js";
import { compiledTests, Site } from "./site.js";

const documents = 34_000;
const movingWriter = `${compiledTests}/process/children/moving-writer.js`;

describe("divided reads", () => {
  const root = temporaryRoot();
  let managers: LioranManager[];
  let divided: Collection;
  let single: Collection;

  before(async () => {
    managers = [2, 1].map((cores) => new LioranManager({ rootPath: root.rootPath, cores }));
    [divided, single] = (await Promise.all(
      managers.map(async (manager) => (await manager.db("app")).collection("items")),
    )) as [Collection, Collection];
    await divided.insertMany(Array.from({ length: documents }, (_, n) => documentOf(n)));
  });
  after(async () => {
    await Promise.all(managers.map((manager) => manager.close()));
    root.remove();
  });

  test("explain says over how many threads", async () => {
    const scan = await divided.find({ n: { $gte: 0 } }).explain();
    assert.deepEqual([scan.place, scan.threads], ["pool", 2]);
    const plan = await divided.aggregate([{ $group: { _id: "$group" } }]).explain("queryPlanner");
    assert.equal(plan.threads, 2);
    for (const light of [
      divided.find({ _id: "id-7" }),
      divided.find({ n: { $gte: 0 } }).limit(3),
      divided.aggregate([{ $limit: 3 }]),
    ]) {
      assert.equal((await light.explain()).threads, 1);
    }
    const one = await single.find({ n: { $gte: 0 } }).explain();
    assert.deepEqual([one.place, one.threads], ["pool", 1]);
  });

  const filters = fc.constantFrom<Document>(
    {},
    { n: { $gte: documents - 50 } },
    { n: { $mod: [97, 3] } },
    { group: { $in: [1, 5] }, text: /7$/ },
    { $expr: { $gt: ["$n", "$half"] } },
    { _id: { $gte: "id-3" } },
    { nothing: { $exists: true } },
  );
  const sorts = fc.constantFrom<Document | undefined>(
    undefined,
    { _id: -1 },
    { group: 1 },
    { group: -1, n: 1 },
    { tags: 1 },
  );
  const count = fc.constantFrom(0, 1, 20, 101, 3_000, documents - 5);

  test("find gives all documents, also backwards", async () => {
    for (const direction of [1, -1] as const) {
      const all = await divided
        .find()
        .sort({ _id: direction })
        .project({ _id: 1 })
        .batchSize(5_000)
        .toArray();
      const ids = all.map(({ _id }) => _id as unknown as string);
      assert.equal(ids.length, documents);
      assert.ok(
        ids.every(
          (id, at) => at === 0 || (direction === 1 ? id > ids[at - 1]! : id < ids[at - 1]!),
        ),
      );
    }
  });

  test("find gives the same documents in the same order", async () => {
    const queries = fc.record({
      filter: filters,
      sort: sorts,
      skip: count,
      limit: fc.constantFrom(1, 20, 101, 1_500),
      batchSize: fc.constantFrom(undefined, 37, 500),
      projection: fc.constantFrom(undefined, { n: 1 }, { text: 0 }),
      hint: fc.constantFrom(undefined, undefined, { $natural: -1 }),
    });
    await same(queries, 20, (collection, { filter, ...options }) =>
      collection.find(filter, given(options)).toArray(),
    );
  });

  test("countDocuments gives the same number", async () => {
    const queries = fc.record({ filter: filters, skip: count, limit: fc.integer({ min: 1 }) });
    await same(queries, 15, (collection, { filter, ...options }) =>
      collection.countDocuments(filter, options),
    );
  });

  test("aggregate gives the same results", async () => {
    const group = fc.constantFrom<Document>(
      { _id: "$group", n: { $sum: 1 }, total: { $sum: "$n" }, mean: { $avg: "$n" } },
      { _id: { $mod: ["$n", 7] }, least: { $min: "$text" }, most: { $max: "$half" } },
      { _id: null, counted: { $count: {} }, none: { $min: "$nothing" } },
      { _id: "$tags", n: { $sum: "$n" } },
      { _id: { $mod: ["$mixed", 3] }, total: { $sum: "$mixed" }, mean: { $avg: "$mixed" } },
      { _id: "$group", all: { $addToSet: { $mod: ["$n", 3] } } },
    );
    const stage = fc.oneof(
      filters.map(($match) => ({ $match })),
      fc.constantFrom<Document>(
        { $unwind: "$tags" },
        { $set: { n: { $add: ["$n", 1] }, at: "$$NOW" } },
        { $project: { n: 1, group: 1, tags: 1 } },
      ),
    );
    const end = fc.oneof(
      group.map(($group) => [{ $group }]),
      group.map(($group) => [{ $group }, { $sort: { _id: 1 } }, { $limit: 3 }]),
      fc.constantFrom<Document[]>(
        [{ $count: "n" }],
        [{ $sortByCount: "$group" }],
        [{ $sort: { group: 1, n: -1 } }, { $limit: 30 }, { $project: { n: 1 } }],
        [{ $match: { n: { $mod: [37, 3] } } }, { $project: { n: 1 } }],
        [{ $group: { _id: "$group", n: { $sum: 1 } } }, { $facet: { a: [{ $count: "n" }] } }],
      ),
    );
    const pipelines = fc
      .tuple(fc.array(stage, { maxLength: 3 }), end)
      .map(([stages, last]) => [...stages, ...last]);
    await same(pipelines, 15, async (collection, pipeline) => {
      const results = await collection.aggregate(pipeline).toArray();
      for (const result of results) delete result.at;
      return results;
    });
  });

  test("what is wrong with a document is an error, and later reads go on", async () => {
    const wrong = [{ $project: { n: { $add: ["$text", 1] } } }];
    const [one, other] = await Promise.all(
      [divided, single].map((each) => each.aggregate(wrong).toArray().catch(String)),
    );
    assert.match(String(one), /\$add/);
    assert.equal(one, other);
    assert.equal(await divided.countDocuments({ n: { $gte: 0 } }), documents);
  });

  test("a result that is too large is an error, as on one thread", async () => {
    const text = { $concat: ["$text", "x".repeat(9_000_000), "x".repeat(9_000_000)] };
    const huge = [{ $match: { n: 7 } }, { $set: { text } }, { $sort: { n: 1 } }];
    for (const collection of [divided, single]) {
      await assert.rejects(collection.aggregate(huge).toArray(), { code: 10_334 });
    }
  });

  test("a signal and a time limit end all threads of a read", async () => {
    const endless = [{ $match: { $expr: { $eq: [-1, { $reduce: loop } as Document] } } }];
    const controller = new AbortController();
    const reading = divided.aggregate(endless, { signal: controller.signal }).toArray();
    setImmediate(() => controller.abort(new RangeError("enough")));
    await assert.rejects(reading, RangeError);
    await assert.rejects(divided.aggregate(endless, { maxTimeMS: 20 }).toArray(), { code: 50 });
    // Both threads are free again: nothing else would let this end.
    assert.equal(await divided.countDocuments({ n: { $gte: 0 } }), documents);
  });

  test("a cursor that is left in the middle frees its threads", async () => {
    for (let round = 0; round < 3; round += 1) {
      for await (const _ of divided.find({ n: { $gte: 0 } })) break;
    }
    const cursor = divided.find({ n: { $gte: 0 } }).batchSize(10);
    await cursor.next();
    assert.equal(await divided.countDocuments({ n: { $gte: 0 } }), documents);
    assert.equal((await cursor.toArray()).length, documents - 1);
  });

  test("reads that have enough before their threads have ended leave no thread busy", async () => {
    for (let limit = 300; limit < 9_000; limit += 300) {
      const found = await divided
        .find({ $expr: { $gte: ["$n", 0] } })
        .limit(limit)
        .toArray();
      assert.equal(found.length, limit);
    }
    assert.equal(await divided.countDocuments({ n: { $gte: 0 } }), documents);
  });

  test("many reads at once share the threads", async () => {
    const counts = await Promise.all(
      Array.from({ length: 12 }, (_, n) => divided.countDocuments({ n: { $lt: n * 1_000 } })),
    );
    assert.deepEqual(
      counts,
      counts.map((_, n) => n * 1_000),
    );
  });

  /** Runs the same read on both managers. */
  async function same<T>(
    reads: fc.Arbitrary<T>,
    numRuns: number,
    read: (collection: Collection, given: T) => Promise<unknown>,
  ): Promise<void> {
    const property = fc.asyncProperty(reads, async (one) => {
      assert.deepEqual(await read(divided, one), await read(single, one));
    });
    const seed = Number(process.env.LIORAN_TEST_SEED ?? Date.now() % 2 ** 31);
    console.log(`seed ${seed}`);
    await fc.assert(property, { numRuns, seed, endOnFailure: true });
  }
});

test("all threads of a read see the same commit, also when commits follow each other closely", async (t) => {
  const site = new Site(t);
  const manager = new LioranManager({ rootPath: site.rootPath, cores: 2 });
  t.after(() => manager.close());
  const accounts = (await manager.db("app")).collection("accounts");
  await accounts.insertMany(
    Array.from({ length: documents }, (_, _id) => ({ _id, balance: 100 })) as never[],
  );
  // Moves amounts between accounts, each time in one commit, until it is told to stop.
  const writer = site.start("writer", movingWriter, { args: [site.rootPath, String(documents)] });
  await writer.until("first move", () => writer.messages[0]);
  const total = [{ $group: { _id: null, total: { $sum: "$balance" }, n: { $sum: 1 } } }];
  assert.equal((await accounts.aggregate(total).explain("queryPlanner")).threads, 2);
  for (let round = 0; round < 40; round += 1) {
    const [{ total: sum, n }] = (await accounts.aggregate(total).toArray()) as [Document];
    assert.deepEqual([sum, n], [100 * documents, documents]);
  }
  writer.send("stop");
  const last = await writer.until("number of moves", () => writer.messages[1]);
  assert.ok((last as { moves: number }).moves > 0);
  await writer.exit();
});

const loop = {
  input: { $range: [0, 1_000_000] },
  initialValue: 0,
  in: { $add: ["$$value", "$$this"] },
};

function documentOf(n: number): Document {
  const scattered = (n * 7_919) % documents;
  return {
    _id: n % 3 === 0 ? `id-${scattered}` : `other-${scattered}`,
    n,
    half: n / 2,
    mixed: n % 2 === 0 ? n : BigInt(n),
    group: scattered % 11,
    text: `text ${scattered}`,
    tags: [`t${n % 3}`, `t${n % 5}`],
  };
}

/** Without what is undefined. */
function given(options: Document): Document {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
