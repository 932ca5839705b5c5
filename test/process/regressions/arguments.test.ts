/** Filters that are not what the caller thinks, and cursors in unusual hands. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Document, type Filter, LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const root = temporaryRoot();
const manager = new LioranManager({ rootPath: root.rootPath });
after(async () => {
  await manager.close();
  root.remove();
});

async function filled(name: string) {
  const things = (await manager.db("app")).collection<Document>(name);
  await things.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: null }, { _id: 3 }]);
  return things;
}

const nullOrMissing: Filter<Document>[] = [
  { a: undefined },
  { a: { $eq: undefined } },
  { a: { $in: [undefined] } },
  { $and: [{ a: undefined }] },
  { $or: [{ a: undefined }, { a: 7 }] },
];

test("a path to sort by that has no text is refused", async () => {
  const things = await filled("sorts");
  for (const path of [[Symbol("a"), 1], { toString: 1 }, Symbol("b")]) {
    const sort = [[path, 1]] as never;
    await assert.rejects(things.findOneAndDelete({}, { sort }), { code: 2 });
    await assert.rejects(async () => things.find({}, { sort }).toArray(), { code: 2 });
  }
});

test("a source that throws what has no text fails with the reason all the same", async () => {
  const things = await filled("sources");
  const source = (function* () {
    yield { _id: 4 };
    throw Object.create(null);
  })();
  await assert.rejects(things.insertMany(source), { code: "SOURCE_FAILED" });
});

test("undefined in the filter of a read matches null or missing, never everything", async () => {
  const things = await filled("reads");
  for (const filter of nullOrMissing) {
    const found = await things.find(filter).sort({ _id: 1 }).toArray();
    assert.deepEqual(
      found.map(({ _id }) => _id),
      [2, 3],
    );
    assert.equal(await things.countDocuments(filter), 2);
    assert.notEqual((await things.findOne(filter))?._id, 1);
  }
  assert.equal(await things.findOne({ _id: undefined }), null);
  assert.equal(await things.countDocuments({ _id: undefined, a: 1 }), 0);
});

test("undefined in the filter of a write matches null or missing, never everything", async () => {
  for (const [n, filter] of nullOrMissing.entries()) {
    const things = await filled(`writes${n}`);
    const { matchedCount } = await things.updateMany(filter, { $set: { touched: true } });
    assert.equal(matchedCount, 2);
    assert.equal((await things.findOneAndUpdate(filter, { $set: { b: 1 } }))?._id === 1, false);
    await things.bulkWrite([{ updateMany: { filter, update: { $set: { c: 1 } } } }]);
    assert.equal((await things.deleteMany(filter)).deletedCount, 2);
    assert.deepEqual(await things.find({}).toArray(), [{ _id: 1, a: 1 }]);
    assert.equal((await things.deleteOne({ _id: undefined })).deletedCount, 0);
    assert.equal((await things.deleteMany({ _id: undefined })).deletedCount, 0);
  }
});

test("null as the filter of a write is refused and changes nothing", async () => {
  const things = await filled("refused");
  const none = null as unknown as Filter<Document>;
  const $set = { touched: true };
  const writes: Record<string, () => Promise<unknown>> = {
    updateOne: () => things.updateOne(none, { $set }),
    updateMany: () => things.updateMany(none, { $set }),
    replaceOne: () => things.replaceOne(none, { touched: true }),
    deleteOne: () => things.deleteOne(none),
    deleteMany: () => things.deleteMany(none),
    findOneAndUpdate: () => things.findOneAndUpdate(none, { $set }),
    findOneAndReplace: () => things.findOneAndReplace(none, { touched: true }),
    findOneAndDelete: () => things.findOneAndDelete(none),
    "bulkWrite: updateOne": () =>
      things.bulkWrite([{ updateOne: { filter: none, update: { $set } } }]),
    "bulkWrite: replaceOne": () =>
      things.bulkWrite([{ replaceOne: { filter: none, replacement: { touched: true } } }]),
    "bulkWrite: deleteMany": () => things.bulkWrite([{ deleteMany: { filter: none } }]),
  };
  for (const [name, write] of Object.entries(writes)) {
    await assert.rejects(async () => write(), { name: "LioranError", code: 2 }, name);
  }
  assert.equal(await things.countDocuments({}), 3);
  assert.equal(await things.countDocuments({ touched: true }), 0);
});

test("awaiting a find cursor twice gives the same array", async () => {
  const things = await filled("awaited");
  const cursor = things.find({}).sort({ _id: 1 });
  const [first, second] = await Promise.all([cursor, cursor]);
  const third = await cursor;
  assert.equal(first.length, 3);
  assert.equal(second, first);
  assert.equal(third, first);
  cursor.rewind();
  assert.deepEqual(await cursor, first);
});

test("a cursor is closed when map() throws in toArray()", async () => {
  const things = (await manager.db("app")).collection("mapped");
  await things.insertMany(Array.from({ length: 500 }, (_, _id) => ({ _id })));
  const cursor = things
    .find({})
    .batchSize(2)
    .map(({ _id }) => {
      if (_id === 3) throw new RangeError("not this one");
      return _id;
    });
  await assert.rejects(cursor.toArray(), RangeError);
  assert.equal(cursor.closed, true);
  assert.equal((await manager.status()).openCursors, 0);
});
