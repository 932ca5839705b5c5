import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { encode } from "../../../src/cbor/codec.js";
import { IndexBuilds } from "../../../src/dispatch/index-builds.js";
import { applyDelete, applyInsert, applyUpdate } from "../../../src/dispatch/statements.js";
import { Writer, type WriteTask } from "../../../src/dispatch/writer.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { encodeDocument } from "../../../src/storage/document.js";
import type { WriteTransaction } from "../../../src/storage/write-transaction.js";
import { checkIndexConsistency } from "../../support/index-consistency.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const documents = 20_000;
const place = { db: "app", collection: "things" };
const nothing = new Uint8Array(0);
const root = temporaryRoot();
after(() => root.remove());

test("a build whose commits fail with those of others, and are made again alone, misses no entry", async () => {
  const databases = acquireDatabases(root.rootPath, "write");
  const writer = new Writer(databases, encode);
  const builds = new IndexBuilds(databases, writer);
  const write = (apply: (transaction: WriteTransaction) => void) =>
    new Promise<boolean>((resolve) =>
      writer.submit({
        db: "app",
        bytes: 0,
        changesCatalog: false,
        flush: false,
        session: undefined,
        sequence: 0,
        apply: (transaction) => {
          apply(transaction);
          return nothing;
        },
        settle: ({ failed }) => resolve(!failed),
      } satisfies WriteTask),
    );
  await write((transaction) => {
    for (let _id = 0; _id < documents; _id += 1) {
      const tags = [1, 2, 3, 4, 5].map((n) => (_id * n * 7_919) % 10_007);
      applyInsert(transaction, place, encodeDocument({ _id, tags, text: "t".repeat(200) }));
    }
  });
  let isBuilt = false;
  const built = builds
    .create({
      kind: "createIndexes",
      ...place,
      durability: "committed",
      indexes: [
        {
          name: "tags",
          key: [
            ["tags", 1],
            ["text", -1],
          ],
          unique: false,
          sparse: false,
        },
      ],
    })
    .finally(() => {
      isBuilt = true;
    });
  let failures = 0;
  for (let n = 0; !isBuilt; n += 1) {
    const _id = (n * 7_919) % documents;
    const statement = { filter: { _id }, multi: false };
    const writes = [
      write((transaction) => {
        const update = { $set: { tags: [n, -n] } };
        applyUpdate(transaction, place, { ...statement, update, replacement: false, upsert: true });
      }),
      write((transaction) => {
        applyDelete(transaction, place, { filter: { _id: _id + 1 }, multi: false });
      }),
    ];
    await nextTurn();
    const failing = write((transaction) => {
      applyUpdate(transaction, place, {
        filter: { _id: _id + 2 },
        multi: false,
        update: { $set: { tags: [] } },
        replacement: false,
        upsert: false,
      });
      // As a failure of LMDB: it takes the whole commit along.
      throw new Error("MDB_PROBLEM");
    });
    assert.deepEqual(await Promise.all([...writes, failing]), [true, true, false]);
    failures += 1;
  }
  assert.deepEqual(await built, ["tags"]);
  await writer.drain();
  await databases.release();
  const checked = await checkIndexConsistency(root.rootPath);
  assert.equal(checked.indexes, 1);
  assert.ok(failures > 0);
});
