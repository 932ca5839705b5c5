/** What is said of a time limit that was reached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a query that its pool thread stops names the time limit that was given, not what was left of it", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath, cores: 1 });
  const things = (await manager.db("app")).collection("things");
  await things.insertMany(Array.from({ length: 5_000 }, (_, n) => ({ n })));
  // Starting the thread takes a part of the time, and the join far more than all of it.
  const pipeline = [
    {
      $lookup: {
        from: "things",
        let: { n: "$n" },
        pipeline: [{ $match: { $expr: { $gt: ["$n", "$$n"] } } }, { $count: "count" }],
        as: "above",
      },
    },
  ];
  const error = await things
    .aggregate(pipeline, { maxTimeMS: 600 })
    .toArray()
    .catch((reason: unknown) => reason as { code: number; message: string });
  assert.deepEqual("code" in error && error.code, 50);
  assert.match((error as { message: string }).message, / of 600 ms/);
});
