/** Values that cannot be made text in the usual way, where an error message shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a bigint inside a duplicate _id, or anything in a hint, was an INTERNAL error", async () => {
  using root = temporaryRoot();
  const manager = new LioranManager({ rootPath: root.rootPath, cores: 0 });
  const things = (await manager.db("app")).collection("things");
  await things.insertOne({ _id: { a: 1n } as never });
  await assert.rejects(things.insertOne({ _id: { a: 1n } as never }), (error: Error) => {
    assert.equal((error as { code?: unknown }).code, 11000);
    assert.match(error.message, /_id: \{"a":"1n"\}/);
    return true;
  });
  await things.createIndex({ n: 1 });
  for (const direction of [1n, { toString: 1 }, [[{ toString: 1 }]], { a: 2n }, null]) {
    const rows = things.find({ n: 1 }, { hint: { n: direction } as never }).toArray();
    if (direction === 1n) assert.deepEqual(await rows, []);
    else await assert.rejects(rows, { code: 2 });
  }
  await assert.rejects(things.find({ n: { $type: { toString: 1 } } as never }).toArray(), {
    code: 2,
  });
  await manager.close();
});
