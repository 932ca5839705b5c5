import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LioranManager } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function closingSuite(subject: Subject): void {
  /** Another manager of the same root, that a test may close. */
  const another = () => {
    const ipc = subject.mode.canWrite ? "client" : "readonly";
    return new LioranManager({ rootPath: subject.manager.rootPath, ipc });
  };

  subject.test("a closed manager rejects everything with CLOSED", async () => {
    const many = await subject.numbered(600);
    const manager = another();
    const database = await manager.db("conformance");
    const collection = database.collection(many.collectionName);
    const cursor = collection.find().batchSize(10);
    await cursor.next();
    await manager.close();
    const calls = {
      db: () => manager.db("conformance"),
      listDatabases: () => manager.listDatabases(),
      dropDatabase: () => manager.dropDatabase("conformance"),
      find: () => collection.find().toArray(),
      findOne: () => collection.findOne({ _id: 1 }),
      findOneByField: () => collection.findOne({ n: 1 }),
      countDocuments: () => collection.countDocuments(),
      distinct: () => collection.distinct("n"),
      insertOne: () => collection.insertOne({}),
      bulkWrite: () => collection.bulkWrite([{ deleteOne: { filter: {} } }]),
      listCollections: () => database.listCollections().toArray(),
      stats: () => database.stats(),
      ping: () => database.command({ ping: 1 }),
      getMore: () => cursor.toArray(),
    };
    for (const call of Object.values(calls)) await rejection(call, { code: "CLOSED" });
    await cursor.close();
    assert.equal(await many.countDocuments(), 600);
    const { role, openCursors, pendingOperations } = await manager.status();
    assert.deepEqual([role, openCursors, pendingOperations], ["closed", 0, 0]);
  });

  subject.test("close waits for what is under way, and may be called again", async () => {
    const many = await subject.numbered(600);
    const manager = another();
    const collection = (await manager.db("conformance")).collection(many.collectionName);
    const counts = Promise.all(
      Array.from({ length: 10 }, () => collection.countDocuments({ n: { $gte: 0 } })),
    );
    const inserts = subject.mode.canWrite
      ? Promise.all(Array.from({ length: 50 }, () => collection.insertOne({})))
      : Promise.resolve([]);
    const closings = [manager.close(), manager.close()];
    const ended = await Promise.all([counts, inserts]);
    await Promise.all(closings);
    await manager.close();
    assert.ok(ended[0].every((count) => count >= 600));
    assert.equal(await many.countDocuments(), 600 + ended[1].length);
  });

  subject.test("close ends streams that are being inserted: what was read is stored", async () => {
    if (!subject.mode.canWrite) return;
    const collection = await subject.collection();
    const manager = another();
    const inserting = (await manager.db("conformance")).collection(collection.collectionName);
    let given = 0;
    let ended = 0;
    async function* endless() {
      try {
        for (;;) {
          given += 1;
          yield { from: "endless" };
          await nextTurn();
        }
      } finally {
        ended += 1;
      }
    }
    const silent = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          ended += 1;
          return new Promise<never>(() => {});
        },
      }),
    };
    const streams = [inserting.insertMany(endless()), inserting.insertMany(silent)].map((stream) =>
      rejection(() => stream, { code: "CLOSED" }),
    );
    while ((await collection.countDocuments()) === 0) await nextTurn();
    await manager.close();
    const [ofEndless, ofSilent] = await Promise.all(streams);
    const stored = await collection.countDocuments();
    assert.ok(stored > 0 && stored <= given, `${stored} of ${given}`);
    assert.equal(ofEndless!.result!.insertedCount, stored);
    assert.equal(ofSilent!.result!.insertedCount, 0);
    // The generator ends with the document that it is about to give.
    while (ended < 2) await nextTurn();
    await rejection(() => inserting.insertMany(endless()), { code: "CLOSED" });
  });

  subject.test("a manager disposes of itself at the end of its block", async () => {
    let seen: LioranManager;
    {
      await using manager = another();
      seen = manager;
      await (await manager.db("conformance")).command({ ping: 1 });
    }
    await rejection(() => seen.db("conformance"), { code: "CLOSED" });
  });
}
