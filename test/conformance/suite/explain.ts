import assert from "node:assert/strict";
import type { Collection, Document, FindCursor } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

/** The stages of a plan from the outermost one on. */
function stagesOf(plan: Document): string[] {
  const stages: string[] = [];
  for (let stage: Document | undefined = plan; stage; stage = stage.inputStage as Document) {
    stages.push(stage.stage as string);
  }
  return stages;
}

/** The stage of that name. */
function stageOf(plan: Document, name: string): Document {
  for (let stage: Document | undefined = plan; stage; stage = stage.inputStage as Document) {
    if (stage.stage === name) return stage;
  }
  assert.fail(`${name} is none of ${stagesOf(plan)}`);
}

export function explainSuite(subject: Subject): void {
  /** Documents `{ _id: n, n, tens, tags }` with indexes over n, over tens and n, and over tags. */
  async function indexed(): Promise<Collection> {
    const documents = Array.from({ length: 40 }, (_, n) => ({
      _id: n,
      n,
      tens: Math.floor(n / 10),
      tags: [n, n + 1],
      free: n % 3,
    }));
    const collection = await subject.seeded(documents);
    const writable = await subject.writable(collection);
    await writable.createIndexes([
      { key: { n: 1 } },
      { key: { tens: 1, n: -1 } },
      { key: { tags: 1 } },
    ]);
    return collection;
  }

  async function winning(cursor: FindCursor<Document>): Promise<Document> {
    return (await cursor.explain("queryPlanner")).queryPlanner.winningPlan;
  }

  subject.test("explain names the stages as MongoDB does", async () => {
    const collection = await indexed();
    const plans: [cursor: FindCursor<Document>, stages: string[]][] = [
      [collection.find(), ["COLLSCAN"]],
      [collection.find({ free: 1 }), ["COLLSCAN"]],
      [collection.find({ free: 1 }).sort({ free: 1 }), ["SORT", "COLLSCAN"]],
      [collection.find({ free: 1 }).skip(1).limit(2), ["LIMIT", "SKIP", "COLLSCAN"]],
      [collection.find({ n: 3 }), ["FETCH", "IXSCAN"]],
      [collection.find({ n: 3, free: 1 }), ["FETCH", "IXSCAN"]],
      [
        collection
          .find({ n: { $gt: 3 } })
          .sort({ n: -1 })
          .limit(5),
        ["LIMIT", "FETCH", "IXSCAN"],
      ],
      [collection.find({ tens: 1 }).sort({ n: -1 }), ["FETCH", "IXSCAN"]],
      [collection.find({ n: { $gt: 3 } }).sort({ free: 1 }), ["SORT", "FETCH", "IXSCAN"]],
      [collection.find().sort({ tens: -1, n: 1 }), ["FETCH", "IXSCAN"]],
      [collection.find({ _id: 3 }), ["IDHACK"]],
      [collection.find({ _id: { $in: [3, 4] } }), ["FETCH", "IXSCAN"]],
      [collection.find({ _id: { $gt: 3 } }), ["CLUSTERED_IXSCAN"]],
      [collection.find({ $or: [{ n: 1 }, { tags: 7 }] }), ["FETCH", "OR"]],
      [collection.find({ $or: [{ n: 1 }, { free: 7 }] }), ["COLLSCAN"]],
      [collection.find({ _id: { $gt: 4, $lt: 3 } }), ["EOF"]],
      [collection.find({ n: 3 }).project({ n: 1, _id: 0 }), ["PROJECTION_COVERED", "IXSCAN"]],
      [collection.find({ n: 3 }).project({ free: 1 }), ["PROJECTION_SIMPLE", "FETCH", "IXSCAN"]],
      [collection.find({ free: 3 }).project({ "a.b": 1 }), ["PROJECTION_DEFAULT", "COLLSCAN"]],
      // Arrays are not put together from entries.
      [collection.find({ tags: 3 }).project({ tags: 1 }), ["PROJECTION_SIMPLE", "FETCH", "IXSCAN"]],
    ];
    for (const [cursor, stages] of plans) assert.deepEqual(stagesOf(await winning(cursor)), stages);
  });

  subject.test("explain shows the index, its bounds and its direction", async () => {
    const collection = await indexed();
    const plan = await winning(collection.find({ tens: 2, n: { $gte: 23 } }).sort({ n: 1 }));
    const scan = stageOf(plan, "IXSCAN");
    assert.equal(scan.indexName, "tens_1_n_-1");
    assert.deepEqual(scan.keyPattern, { tens: 1, n: -1 });
    assert.equal(scan.direction, "backward");
    assert.equal(scan.isMultiKey, false);
    assert.deepEqual((scan.indexBounds as Document).tens, ["[2, 2]"]);
    assert.deepEqual((scan.indexBounds as Document).n, ["[23, inf.0]"]);
    const tags = stageOf(await winning(collection.find({ tags: { $in: [1, 5] } })), "IXSCAN");
    assert.equal(tags.isMultiKey, true);
    assert.deepEqual(tags.multiKeyPaths, { tags: ["tags"] });
    assert.deepEqual(tags.indexBounds, { tags: ["[1, 1]", "[5, 5]"] });
    const or = stageOf(await winning(collection.find({ $or: [{ n: 1 }, { tags: 7 }] })), "OR");
    assert.deepEqual(
      (or.inputStages as Document[]).map(({ indexName }) => indexName),
      ["n_1", "tags_1"],
    );
  });

  subject.test("executionStats counts keys, documents and results", async () => {
    const collection = await indexed();
    const stats = async (cursor: FindCursor<Document>) => {
      const { executionStats } = await cursor.explain("executionStats");
      const { totalKeysExamined, totalDocsExamined, nReturned } = executionStats!;
      return [totalKeysExamined, totalDocsExamined, nReturned];
    };
    assert.deepEqual(await stats(collection.find({ n: { $gte: 30 } })), [10, 10, 10]);
    assert.deepEqual(await stats(collection.find({ n: { $gte: 30 }, free: 0 })), [10, 10, 4]);
    assert.deepEqual(await stats(collection.find().sort({ n: -1 }).limit(3)), [3, 3, 3]);
    assert.deepEqual(await stats(collection.find().sort({ n: 1 }).skip(2).limit(3)), [5, 5, 3]);
    assert.deepEqual(await stats(collection.find({ free: 5 })), [0, 40, 0]);
    // Neighbouring documents have an element in common: two keys for one document.
    assert.deepEqual(await stats(collection.find({ tags: { $in: [5, 6] } })), [4, 3, 3]);
    const covered = collection.find({ tens: 1 }).project({ n: 1, _id: 1 });
    assert.deepEqual(await stats(covered), [10, 0, 10]);
    assert.deepEqual(await stats(collection.find({ _id: 7 })), [1, 1, 1]);
    assert.deepEqual(await stats(collection.find({ _id: 99 })), [1, 0, 0]);
  });

  subject.test(
    "explain says what the command was and runs as a whole without statistics",
    async () => {
      const collection = await indexed();
      const explanation = await collection.find({ n: 1 }).limit(1).explain("queryPlanner");
      assert.equal(explanation.ok, 1);
      assert.equal(explanation.explainVersion, "1");
      assert.equal(explanation.executionStats, undefined);
      const { namespace, parsedQuery, rejectedPlans } = explanation.queryPlanner;
      assert.equal(namespace, `conformance.${collection.collectionName}`);
      assert.deepEqual(parsedQuery, { n: 1 });
      assert.deepEqual(rejectedPlans, []);
      assert.equal(explanation.command.find, collection.collectionName);
      assert.equal(explanation.command.limit, 1);
      const both = await collection.find({ n: 1, tags: 1 }).explain();
      assert.equal(both.queryPlanner.rejectedPlans.length, 1);
      const full = await collection.find({ n: 1 }).explain("allPlansExecution" as never);
      assert.equal(full.executionStats!.executionSuccess, true);
      assert.equal(typeof full.executionStats!.executionTimeMillis, "number");
    },
  );

  subject.test("explain tells where a query ran", async () => {
    const few = await subject.numbered(10);
    const many = await subject.numbered(2_000);
    const place = async (cursor: FindCursor<Document>) => (await cursor.explain()).place;
    const { forwardsReads } = subject.mode;
    assert.equal(await place(few.find({ n: { $gt: 5 } })), forwardsReads ? "owner" : "inline");
    assert.equal(await place(many.find({ n: { $gt: 5 } })), forwardsReads ? "owner" : "pool");
    assert.equal(await place(many.find({ _id: 5 })), forwardsReads ? "owner" : "inline");
  });

  subject.test("a collection that does not exist is explained too", async () => {
    const nowhere = (await subject.manager.db("nowhere")).collection("things");
    for (const collection of [await subject.collection(), nowhere]) {
      const { queryPlanner } = await collection.find({ a: 1 }).explain("queryPlanner");
      assert.deepEqual(queryPlanner.winningPlan, { stage: "EOF" });
    }
  });

  subject.test(
    "an aggregation shows the plan of its front and the stages that remain",
    async () => {
      const collection = await indexed();
      const group = { $group: { _id: "$tens", count: { $sum: 1 } } };
      const cursor = collection.aggregate([{ $match: { n: { $gt: 35 } } }, group]);
      const { queryPlanner, stages, executionStats } = await cursor.explain();
      assert.deepEqual(stages, [group]);
      const { stage, inputStage } = queryPlanner.winningPlan;
      assert.deepEqual([stage, (inputStage as Document).indexName], ["FETCH", "n_1"]);
      const { nReturned, totalKeysExamined, totalDocsExamined } = executionStats!;
      assert.deepEqual(
        { nReturned, totalKeysExamined, totalDocsExamined },
        {
          nReturned: 1,
          totalKeysExamined: 4,
          totalDocsExamined: 4,
        },
      );
      const onIndex = collection.aggregate([{ $match: { n: { $gt: 35 } } }, { $count: "all" }]);
      const counted = await onIndex.explain();
      assert.equal(counted.queryPlanner.winningPlan.stage, "IXSCAN");
      assert.equal(counted.executionStats!.totalDocsExamined, 0);
      const output = collection.aggregate([{ $out: "explained_output" }]);
      assert.equal(
        (await output.explain("queryPlanner")).queryPlanner.winningPlan.stage,
        "COLLSCAN",
      );
      assert.equal(
        await (await subject.database()).collection("explained_output").countDocuments(),
        0,
      );
    },
  );

  subject.test("a hint decides, and one that names no index is refused", async () => {
    const collection = await indexed();
    const find = () => collection.find({ n: { $gt: 35 }, tens: 3 });
    const hints: [hint: string | Document, index: string | undefined][] = [
      ["n_1", "n_1"],
      [{ n: 1 }, "n_1"],
      [{ tens: 1, n: -1 }, "tens_1_n_-1"],
      ["tags_1", "tags_1"],
      ["_id_", undefined],
      [{ _id: 1 }, undefined],
      [{ $natural: 1 }, undefined],
      [{ $natural: -1 }, undefined],
    ];
    const expected = [36, 37, 38, 39];
    for (const [hint, index] of hints) {
      const plan = await winning(find().hint(hint));
      assert.equal((plan.inputStage as Document | undefined)?.indexName, index);
      const ids = (await find().hint(hint).toArray()).map(({ _id }) => _id as number);
      assert.deepEqual(ids.sort(), expected);
      assert.equal(await collection.countDocuments({ n: { $gt: 35 } }, { hint }), 4);
      assert.equal((await collection.findOne({ n: 36 }, { hint }))!._id, 36);
      assert.deepEqual(await collection.distinct("tens", { n: { $gt: 35 } }, { hint }), [3]);
    }
    const backwards = await collection.find().hint({ $natural: -1 }).limit(2).toArray();
    assert.deepEqual(
      backwards.map(({ _id }) => _id),
      [39, 38],
    );
    for (const hint of ["nobody", { nobody: 1 }, { n: -1 }, { n: 1, tens: 1 }]) {
      const wrong = { code: 2, names: ["hint"] } as const;
      await rejection(() => find().hint(hint).toArray(), wrong);
      await rejection(() => find().hint(hint).explain(), wrong);
      await rejection(() => collection.countDocuments({ n: 1 }, { hint }), wrong);
      await rejection(() => collection.distinct("n", {}, { hint }), wrong);
    }
    await rejection(() => find().hint(3 as never), { code: 2 });
    await rejection(() => find().explain("everything" as never), { code: 2 });
    await rejection(() => collection.find({ n: { $gtt: 1 } }).explain("queryPlanner"), {
      code: 2,
      names: ["$gtt"],
    });
  });

  subject.test("documents are read only where what an entry holds matches", async () => {
    const collection = await indexed();
    const { executionStats, queryPlanner } = await collection
      .find({ tens: { $gte: 1 }, n: { $mod: [10, 3] }, free: { $gte: 0 } })
      .hint("tens_1_n_-1")
      .explain();
    assert.equal(executionStats!.nReturned, 3);
    assert.equal(executionStats!.totalKeysExamined, 30);
    assert.equal(executionStats!.totalDocsExamined, 3);
    assert.deepEqual(stageOf(queryPlanner.winningPlan, "IXSCAN").filter, { n: { $mod: [10, 3] } });
  });

  subject.test("$expr with $eq, and what a sparse index has, are found by indexes", async () => {
    const collection = await subject.seeded(
      Array.from({ length: 20 }, (_, n) => ({ _id: n, n, ...(n % 5 === 0 && { rare: n }) })),
    );
    const writable = await subject.writable(collection);
    await writable.createIndexes([{ key: { n: 1 } }, { key: { rare: 1 }, sparse: true }]);
    for (const [filter, found] of [
      [{ $expr: { $eq: ["$n", 7] } }, 1],
      [{ $and: [{ $expr: { $eq: [7n, "$n"] } }] }, 1],
      [{ rare: { $exists: true } }, 4],
      [{ rare: { $ne: null } }, 4],
    ] as const) {
      const { executionStats } = await collection.find(filter as Document).explain();
      assert.equal(executionStats!.nReturned, found);
      assert.equal(executionStats!.totalDocsExamined, found);
    }
  });
}
