/** Writes that look for their documents on the pool, while other writes go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Collection, LioranManager } from "../../../src/index.js";
import { searchInTransactionDocumentsMax } from "../../../src/limits.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const commits = 10;
const documentsPerCommit = 400;
/** Costs some 0.1 ms for each document below: the search takes long enough to be overtaken. */
const slow = /^(a|b|ab)*c/;
const text = "ab".repeat(10);

interface Thing {
  _id: number;
  kind: string;
  text?: string;
  touched?: boolean;
}

const writes = {
  deleteMany: (things: Collection<Thing>) =>
    things.deleteMany({ kind: "old", text: { $not: slow } }),
  updateMany: (things: Collection<Thing>) =>
    things.updateMany({ kind: "old", text: { $not: slow } }, { $set: { touched: true } }),
};

for (const [name, write] of Object.entries(writes)) {
  test(`${name} with a search never changes a collection that was dropped and made again`, async () => {
    using root = temporaryRoot();
    await using manager = new LioranManager({ rootPath: root.rootPath });
    const db = await manager.db("app");
    const things = db.collection<Thing>("things");
    for (let headStart = 0; headStart < 3; headStart += 1) {
      for (let n = 0; n < commits; n += 1) {
        const from = n * documentsPerCommit;
        await things.insertMany(
          Array.from({ length: documentsPerCommit }, (_, at) => ({
            _id: from + at,
            kind: "old",
            text,
          })),
        );
      }
      // Starts the pool's thread, so that the search begins at once.
      await things.updateMany({ kind: "none" }, { $set: { touched: true } });

      const outcome = write(things);
      // The drop comes before, in and after the beginning of the search.
      for (let n = 0; n < headStart; n += 1) await db.command({ ping: 1 });
      await things.drop();
      // As many commits as the old collection has seen, with the same ids.
      for (let _id = 0; _id < commits; _id += 1) await things.insertOne({ _id, kind: "new" });
      await outcome;
      assert.deepEqual(
        await things.find({}).sort({ _id: 1 }).toArray(),
        Array.from({ length: commits }, (_, _id) => ({ _id, kind: "new" })),
        `with a head start of ${headStart}`,
      );
      await things.drop();
    }
  });
}

test("updateMany with upsert from four callers at once inserts one document", async () => {
  using root = temporaryRoot();
  const { rootPath } = root;
  await using primary = new LioranManager({ rootPath });
  await using client = new LioranManager({ rootPath, ipc: "client" });
  const collections = await Promise.all(
    [primary, client].map(async (manager) => (await manager.db("app")).collection("things")),
  );
  const [things] = collections;
  await things.insertMany(
    Array.from({ length: searchInTransactionDocumentsMax + 500 }, (_, k) => ({ k })),
  );
  await things.updateMany({ k: -1 }, { $set: { z: 1 } });
  for (const method of ["updateMany", "updateOne"] as const) {
    const callers = [...collections, ...collections];
    const results = await Promise.all(
      callers.map((one) => one[method]({ name: method }, { $inc: { n: 1 } }, { upsert: true })),
    );
    const found = await things.find({ name: method }).toArray();
    assert.deepEqual(
      found.map(({ n }) => n),
      [callers.length],
    );
    const upserts = results.filter(({ upsertedCount }) => upsertedCount === 1);
    assert.deepEqual(
      upserts.map(({ upsertedId }) => upsertedId),
      [found[0]._id],
    );
    assert.equal(
      results.reduce((sum, { matchedCount }) => sum + matchedCount, 0),
      callers.length - 1,
    );
  }
});
