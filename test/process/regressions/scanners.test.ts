/** Scanners of reads that are given up half-way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { RangeScanner } from "../../../src/storage/range-scanner.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("an aggregation with more results than fit into one batch leaves no scanner open", async (t) => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const things = (await manager.db("app")).collection("things");
  await things.insertMany(
    Array.from({ length: 100 }, (_, _id) => ({ _id, text: "t".repeat(1_000) })),
  );
  const open = new Set<RangeScanner>();
  const { next, close } = RangeScanner.prototype;
  t.mock.method(RangeScanner.prototype, "next", function (this: RangeScanner) {
    open.add(this);
    return next.call(this);
  });
  t.mock.method(RangeScanner.prototype, "close", function (this: RangeScanner) {
    open.delete(this);
    close.call(this);
  });
  const $concat = Array.from({ length: 50 }, () => "$text");
  // The first ones may take too long to get to the end of a batch.
  for (let n = 0; n < 20; n += 1) {
    const results = await things.aggregate([{ $project: { text: { $concat } } }]).toArray();
    assert.equal(results.length, 100);
  }
  assert.equal(open.size, 0);
});
