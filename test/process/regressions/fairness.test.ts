/** Reads that are answered at once, one after the other without end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Collection, LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

interface Thing {
  _id: number;
  n: number;
}

const reads: Record<string, (things: Collection<Thing>) => Promise<unknown>> = {
  "findOne by _id": (things) => things.findOne({ _id: 1 }),
  findOne: (things) => things.findOne({ n: 1 }),
  toArray: (things) => things.find({ n: 1 }).toArray(),
  next: (things) => things.find({ n: 1 }).next(),
  hasNext: (things) => things.find({ n: 1 }).hasNext(),
  "for await": async (things) => {
    for await (const { n } of things.find({ n: 1 })) assert.equal(n, 1);
  },
  countDocuments: (things) => things.countDocuments({ n: 1 }),
  distinct: (things) => things.distinct("n", { n: 1 }),
  aggregate: (things) => things.aggregate([{ $match: { n: 1 } }]).toArray(),
};
/** Far more than are answered in one turn. */
const most = 50_000;

test("a loop of reads leaves timers and sockets their turns", async (t) => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const things = (await manager.db("app")).collection<Thing>("things");
  await things.insertMany([
    { _id: 1, n: 1 },
    { _id: 2, n: 2 },
  ]);
  await things.createIndex({ n: 1 });
  for (const [name, read] of Object.entries(reads)) {
    await t.test(name, async () => {
      let isOthersTurn = false;
      setTimeout(() => {
        isOthersTurn = true;
      }, 0);
      let count = 0;
      for (; !isOthersTurn && count < most; count += 1) await read(things);
      assert.ok(isOthersTurn, `${count} reads in one turn`);
    });
  }
});
