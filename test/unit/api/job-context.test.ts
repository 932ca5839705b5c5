import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchWrites } from "../../../src/api/job-context.js";

test("writes are collected for each collection in their order, and none after the end", () => {
  const writes = new BatchWrites();
  const a = writes.collection("a");
  a.insertMany([{ _id: 1 }, { _id: 2 }]);
  writes.collection("b").deleteMany({ x: 1 });
  writes.collection("a").updateOne({ _id: 1 }, { $set: { x: 1 } }, { upsert: true });
  a.replaceOne({ _id: 1 }, { y: 1 });
  a.updateMany({}, [{ $set: { z: 1 } }]);
  a.deleteOne({ _id: 1 });
  assert.deepEqual(
    writes.seal().map(({ collection, models }) => [collection, models.map(({ op }) => op)]),
    [
      ["a", ["insert", "insert", "update", "update", "update", "delete"]],
      ["b", ["delete"]],
    ],
  );
  assert.throws(() => a.insertOne({}), { code: "JOB_BATCH", message: /the batch is over/ });
});

test("what cannot be written is refused where it is written", () => {
  const writes = new BatchWrites();
  const things = writes.collection("things");
  assert.throws(() => things.insertOne({ f: () => 1 } as never), {
    code: 2,
    message: /context\.collection\("things"\)\.insertOne/,
  });
  assert.throws(() => things.updateOne({}, { $set: {} }, { collation: {} } as never), {
    code: "INVALID_OPTION",
  });
  assert.throws(() => things.deleteMany(undefined as never), { code: 2 });
  assert.throws(() => writes.collection("system.jobs"), { code: 73 });
});
