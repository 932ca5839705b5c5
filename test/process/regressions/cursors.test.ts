/** Cursors that outlive a primary, and many cursors that nobody reads on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { withDeadline } from "../../support/deadline.js";
import { temporaryRoot } from "../../support/temporary-root.js";

interface Numbered {
  _id: number;
  of: string;
}

const padding = "p".repeat(300);
const numbered = (of: string, count: number) =>
  Array.from({ length: count }, (_, _id) => ({ _id, of, padding }));

test("a cursor read through the primary never gives another query's documents after a takeover", async () => {
  using root = temporaryRoot();
  const { rootPath } = root;
  await using first = new LioranManager({ rootPath });
  const firstDb = await first.db("app");
  await firstDb.collection<Numbered>("x").insertMany(numbered("x", 2_000));
  await firstDb.collection<Numbered>("y").insertMany(numbered("y", 2_000));
  await using second = new LioranManager({ rootPath, reads: "primary" });
  const db = await second.db("app");
  const before = db.collection<Numbered>("x").find({}).batchSize(2);
  for (const _id of [0, 1]) assert.equal((await before.next())?._id, _id);

  const found = once(second, "primary-found");
  await first.close();
  await withDeadline(found, () => "the takeover");
  assert.equal(second.isPrimary(), true);

  // The new primary numbers its cursors from the beginning: this one gets the number of `before`.
  const after = db.collection<Numbered>("y").find({}).batchSize(2);
  assert.equal((await after.next())?._id, 0);
  await assert.rejects(before.next(), { code: 43, retryable: true });
  assert.equal(before.closed, true);
  const rest = await after.toArray();
  assert.equal(rest.length, 1_999);
  assert.ok(rest.every(({ of, _id }, at) => of === "y" && _id === at + 1));
});

test("64 open cursors on one pool thread keep neither searching writes nor other queries waiting", async () => {
  using root = temporaryRoot();
  const { rootPath } = root;
  await using primary = new LioranManager({ rootPath, cores: 1 });
  const things = (await primary.db("app")).collection<{ _id: number; k: number; z?: number }>("x");
  await things.insertMany(Array.from({ length: 3_000 }, (_, _id) => ({ _id, k: _id, padding })));
  await using client = new LioranManager({ rootPath, cores: 1, reads: "primary" });
  const seen = (await client.db("app")).collection<{ _id: number; k: number }>("x");
  const cursors = Array.from({ length: 64 }, () => seen.find({}).batchSize(2));
  await Promise.all(cursors.map((cursor) => cursor.next()));

  const work = Promise.all([
    things.updateMany({ k: { $gt: 5 } }, { $set: { z: 1 } }),
    seen.find({ k: { $gt: 1 } }).next(),
    seen.countDocuments({ k: { $gt: 1 } }),
  ]);
  const [updated, one, count] = await withDeadline(work, () => "work beside 64 open cursors");
  assert.equal(updated.modifiedCount, 2_994);
  assert.equal(one?._id, 2);
  assert.equal(count, 2_998);

  // They still give the rest of what they began with.
  for (const cursor of [cursors[0], cursors[63]]) {
    const rest = await cursor.toArray();
    assert.equal(rest.length, 2_999);
    assert.ok(rest.every((document) => !("z" in document)));
  }
});

test("findOne of a document that fills a batch leaves no cursor open", async () => {
  using root = temporaryRoot();
  const { rootPath } = root;
  await using primary = new LioranManager({ rootPath, cores: 1 });
  const large = { _id: 1, a: 1, text: "t".repeat(2 * 2 ** 20) };
  await (await primary.db("app")).collection("x").insertOne(large);
  await using client = new LioranManager({ rootPath, cores: 1, reads: "primary" });
  for (const manager of [primary, client]) {
    const things = (await manager.db("app")).collection("x");
    for (let times = 0; times < 3; times += 1) {
      assert.deepEqual(await things.findOne({ a: 1 }), large);
    }
    assert.equal((await manager.status()).openCursors, 0);
  }
});
