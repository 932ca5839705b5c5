import assert from "node:assert/strict";
import { after, test } from "node:test";
import { applyCreateIndexes } from "../../../src/dispatch/index-statements.js";
import { applyInsert } from "../../../src/dispatch/statements.js";
import { TtlSweeper } from "../../../src/dispatch/ttl-sweeper.js";
import type { Writer, WriteTask } from "../../../src/dispatch/writer.js";
import { outputRetentionMs, ttlSliceDocuments, ttlSweepIntervalMs } from "../../../src/limits.js";
import { outputPrefix } from "../../../src/names.js";
import { createCollection, listCollections } from "../../../src/storage/catalog.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { encodeDocument } from "../../../src/storage/document.js";
import { WriteTransaction } from "../../../src/storage/write-transaction.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const root = temporaryRoot();
const databases = acquireDatabases(root.rootPath, "write");
const environment = databases.get("app")!;
const nothing = new Uint8Array(0);
const place = { db: "app", collection: "things" };

function commit(work: (transaction: WriteTransaction) => void): void {
  environment.commit(() => {
    const transaction = new WriteTransaction(environment);
    work(transaction);
    transaction.finish();
  }, false);
}

commit((transaction) => {
  applyCreateIndexes(transaction, {
    kind: "createIndexes",
    ...place,
    durability: "flushed",
    indexes: [
      { name: "at_1", key: [["at", 1]], unique: false, sparse: false, expireAfterSeconds: 1 },
    ],
  });
  for (let _id = 0; _id < 3 * ttlSliceDocuments; _id += 1) {
    applyInsert(transaction, place, encodeDocument({ _id, at: new Date(_id) }));
  }
});
after(async () => {
  await databases.release();
  root.remove();
});

test("a removal that fails, such as on a full disk, is tried again by the next sweep and not at once", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const tasks: WriteTask[] = [];
  const submit = (task: WriteTask) => void tasks.push(task);
  const sweeper = new TtlSweeper(databases, { submit } as unknown as Writer);
  t.mock.timers.tick(ttlSweepIntervalMs);
  assert.equal(tasks.length, 1);
  assert.throws(() =>
    commit((transaction) => {
      tasks[0]!.apply(transaction);
      throw new Error("MDB_MAP_FULL");
    }),
  );
  tasks[0]!.settle({ failed: true, body: nothing });
  assert.equal(tasks.length, 1);
  t.mock.timers.tick(ttlSweepIntervalMs);
  assert.equal(tasks.length, 2);
  commit((transaction) => tasks[1]!.apply(transaction));
  tasks[1]!.settle({ failed: false, body: nothing });
  assert.equal(tasks.length, 3, "after a full slice there is more");
  sweeper.stop();
});

test("a collection that an $out has left is dropped once nobody can be filling it any more", (t) => {
  const id = "018f0000-0000-7000-8000-000000000000";
  const output = `${outputPrefix}${id}`;
  const kept = ["things", `${outputPrefix}of mine`];
  commit((transaction) => {
    createCollection(transaction, output);
    createCollection(transaction, kept[1]!);
  });
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: Date.now() });
  const tasks: WriteTask[] = [];
  const submit = (task: WriteTask) => void (task.changesCatalog && tasks.push(task));
  const sweeper = new TtlSweeper(databases, { submit } as unknown as Writer);
  t.mock.timers.tick(ttlSweepIntervalMs);
  assert.equal(tasks.length, 0, "it may be filled");
  t.mock.timers.tick(outputRetentionMs);
  assert.equal(tasks.length, 1);
  commit((transaction) => tasks[0]!.apply(transaction));
  tasks[0]!.settle({ failed: false, body: nothing });
  environment.refresh();
  const names = listCollections(environment).map(({ name }) => name);
  assert.deepEqual(names.sort(), kept.sort());
  sweeper.stop();
});
