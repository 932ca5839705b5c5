import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { loadReads } from "../../../src/dispatch/late.js";
import { LocalSource } from "../../../src/dispatch/local-source.js";
import type { RowsOperation } from "../../../src/dispatch/operation.js";
import { LioranManager } from "../../../src/index.js";
import { snapshotAgeMaxMs } from "../../../src/limits.js";
import { unlimited } from "../../../src/query/control.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const place = { db: "app", collection: "things" };
const operations: RowsOperation[] = [
  { ...place, kind: "find", filter: {} },
  { ...place, kind: "aggregate", pipeline: [{ $set: { a: 1 } }] },
];

test("a cursor gives up its snapshot after a minute, and says so in a retryable error", async () => {
  using root = temporaryRoot();
  await fill(root.rootPath);
  const databases = acquireDatabases(root.rootPath, "read");
  const environment = databases.get("app")!;
  environment.refresh();
  await loadReads();
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    for (const operation of operations) {
      const source = LocalSource.of(environment, operation, unlimited);
      assert.equal(source.take(2).batch.count, 2);
      mock.timers.tick(snapshotAgeMaxMs - 1);
      assert.equal(source.take(2).batch.count, 2);
      mock.timers.tick(1);
      assert.throws(() => source.take(2), { code: 239, retryable: true });
      await assert.rejects(source.next(2), { code: 239 });
      source.close();
    }
  } finally {
    mock.timers.reset();
    environment.release();
    // Fails while a snapshot is open.
    await databases.release();
  }
});

async function fill(rootPath: string): Promise<void> {
  await using manager = new LioranManager({ rootPath });
  const things = (await manager.db("app")).collection("things");
  await things.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id })));
}
