/** What others do while `$out` fills a collection. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("dropping the database in the middle of $out does not leave a part of the results", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const db = await manager.db("app");
  const source = db.collection("source");
  await source.insertMany(Array.from({ length: 20_000 }, (_, _id) => ({ _id })));
  let isOver = false;
  const outcome = source
    .aggregate([{ $out: "target" }])
    .toArray()
    .then(
      () => undefined,
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
  await db.dropDatabase();
  const error = (await outcome) as { code: number; message: string };
  assert.equal(error.code, 26, String(error));
  assert.deepEqual(await db.listCollections().toArray(), []);
});
