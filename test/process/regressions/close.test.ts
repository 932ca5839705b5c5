/** close() in the middle of calls that take several operations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Collection, LioranManager } from "../../../src/index.js";
import { insertChunkDocumentsMax } from "../../../src/limits.js";
import { temporaryRoot } from "../../support/temporary-root.js";

interface Thing {
  _id: number;
  padding: string;
}

/** Several operations for each of the calls below. */
const count = insertChunkDocumentsMax + 3_000;
const documents = Array.from({ length: count }, (_, _id) => ({ _id, padding: "p".repeat(300) }));

/** Each gives how many documents it has handled. */
const calls: Record<string, (things: Collection<Thing>) => Promise<number>> = {
  insertMany: async (things) => (await things.insertMany(documents)).insertedCount,
  bulkWrite: async (things) => {
    const models = documents.map((document) => ({ insertOne: { document } }));
    return (await things.bulkWrite(models)).insertedCount;
  },
  toArray: async (things) => (await things.find({}).batchSize(1_000).toArray()).length,
};

const modes = {
  "a primary": [{}],
  "a client that reads through the primary": [{}, { ipc: "client", reads: "primary" }],
} as const;

for (const [mode, options] of Object.entries(modes)) {
  for (const [name, call] of Object.entries(calls)) {
    test(`close() of ${mode} waits for the whole ${name} that has begun`, async () => {
      using root = temporaryRoot();
      const { rootPath } = root;
      const managers: LioranManager[] = [];
      const open = async () => {
        for (const one of options) managers.push(new LioranManager({ rootPath, ...one }));
        return (await managers.at(-1)!.db("app")).collection<Thing>("things");
      };
      const closeAll = async () => {
        for (const manager of managers.splice(0).reverse()) await manager.close();
      };
      for (const turns of [0, 2]) {
        const things = await open();
        await things.deleteMany({});
        if (name === "toArray") await things.insertMany(documents);
        const handled = call(things);
        for (let n = 0; n < turns; n += 1) await nextTurn();
        const closing = closeAll();
        assert.equal(await handled, count, `${turns} turns before close()`);
        await closing;
      }
      assert.equal(await (await open()).countDocuments({}), count);
      await closeAll();
    });
  }
}
