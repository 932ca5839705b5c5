/** What others do while `$out` fills a collection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Database, LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

/** Begins an `$out` from `source` to `target`. @returns how it ends, once it can be seen to fill its collection */
async function beginOutput(db: Database): Promise<{ outcome: Promise<unknown> }> {
  const source = db.collection("source");
  await source.insertMany(Array.from({ length: 20_000 }, (_, _id) => ({ _id, n: _id })));
  let isOver = false;
  const outcome = source
    .aggregate([{ $out: "target" }])
    .toArray()
    .then(
      () => "done",
      (error: unknown) => error,
    )
    .finally(() => {
      isOver = true;
    });
  for (let isFilling = false; !isFilling && !isOver; await nextTurn()) {
    for (const { name } of await db.listCollections().toArray()) {
      if (!name.startsWith("tmp.")) continue;
      isFilling = (await db.collection(name).countDocuments()) > 0;
    }
  }
  assert.equal(isOver, false, "$out was over before it could be seen");
  return { outcome };
}

test("dropping the database in the middle of $out does not leave a part of the results", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const db = await manager.db("app");
  const { outcome } = await beginOutput(db);
  await db.dropDatabase();
  const error = (await outcome) as { code: number };
  assert.equal(error.code, 26, String(error));
  assert.deepEqual(await db.listCollections().toArray(), []);
});

const changes: Record<string, (db: Database) => Promise<unknown>> = {
  "an index that is created": (db) => db.collection("target").createIndex({ n: 1 }),
  "a validator that is set": (db) => db.command({ collMod: "target", validator: { n: 1 } }),
};
for (const [what, change] of Object.entries(changes)) {
  test(`${what} while $out fills the replacement of its collection is not lost`, async () => {
    using root = temporaryRoot();
    await using manager = new LioranManager({ rootPath: root.rootPath });
    const db = await manager.db("app");
    await db.collection("target").insertOne({ _id: "old" });
    const { outcome } = await beginOutput(db);
    await change(db);
    const error = (await outcome) as { code: number; retryable: boolean };
    assert.deepEqual([error.code, error.retryable], [112, true], String(error));
    assert.equal(await db.collection("target").countDocuments(), 1);
    const names = (await db.listCollections().toArray()).map(({ name }) => name);
    assert.deepEqual(names, ["source", "target"]);
  });
}

test("$out keeps indexes and validator, and the last of two to one target wins", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const db = await manager.db("app");
  await db.createCollection("target", {
    validator: { n: { $gte: 0 } },
    validationLevel: "moderate",
  });
  const target = db.collection("target");
  await target.createIndexes([
    { key: { n: 1 }, unique: true },
    { key: { tags: -1 }, partialFilterExpression: { n: { $gt: 5 } } },
  ]);
  await target.insertOne({ _id: "old", n: 0, tags: ["multikey"] });
  const indexes = await target.indexes();
  const source = db.collection("source");
  await source.insertMany(
    Array.from({ length: 3_000 }, (_, _id) => ({ _id, n: _id, tags: [_id] })),
  );
  const rest = (least: number) => [{ $match: { n: { $gte: least } } }, { $out: "target" }];
  await Promise.all([2_990, 0].map((least) => source.aggregate(rest(least)).toArray()));
  assert.ok([3_000, 10].includes(await target.countDocuments()));
  assert.deepEqual(await target.indexes(), indexes);
  await assert.rejects(target.insertOne({ n: -1 }), { code: 121 });
});
