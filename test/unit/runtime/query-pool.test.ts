import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { divide } from "../../../src/dispatch/divided/divide.js";
import { loadReads } from "../../../src/dispatch/late.js";
import type { RowsOperation } from "../../../src/dispatch/operation.js";
import { LioranManager } from "../../../src/index.js";
import { dividedDocumentsMin } from "../../../src/limits.js";
import { CancelFlag } from "../../../src/query/control.js";
import { ThreadQueryPool } from "../../../src/runtime/query-pool.js";
import { acquireDatabases, type Databases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const place = { db: "app", collection: "things" };
const threads = 2;

describe("the threads of a divided read are free for the next one as soon as it has its last rows", () => {
  const root = temporaryRoot();
  let databases: Databases;
  let pool: ThreadQueryPool;

  before(async () => {
    const { rootPath } = root;
    await using manager = new LioranManager({ rootPath });
    const things = (await manager.db("app")).collection("things");
    const documents = Array.from({ length: 2 * dividedDocumentsMin }, (_, _id) => ({ _id }));
    await things.insertMany(documents);
    await loadReads();
    databases = acquireDatabases(rootPath, "read");
    pool = new ThreadQueryPool({ rootPath, access: "read", cores: threads });
  });
  after(async () => {
    await pool.close();
    await databases.release();
    root.remove();
  });

  const operations: RowsOperation[] = [
    { ...place, kind: "find", filter: { _id: { $mod: [100, 3] } } },
    { ...place, kind: "find", filter: {}, sort: [["no", 1]], limit: 3 },
    { ...place, kind: "aggregate", pipeline: [{ $group: { _id: null, n: { $sum: 1 } } }] },
  ];
  for (const operation of operations) {
    test(JSON.stringify(operation), async () => {
      // The race between the last rows and the word that the thread is done went either way.
      for (let times = 0; times < 20; times += 1) {
        const environment = databases.get("app")!;
        environment.refresh();
        const division = divide(environment, operation, threads);
        environment.release();
        assert.equal(division?.threads, threads);
        const source = pool.open(operation, {}, new CancelFlag(), division);
        let isDone = false;
        while (!isDone) ({ done: isDone } = await source.next(1_000_000));
        assert.equal(pool.figures.busy, 0);
      }
    });
  }
});
