/** A damaged database among others: whoever asks for all of them has to be told which one it is. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a list of databases of which one is damaged names the file", async () => {
  using root = temporaryRoot();
  {
    await using manager = new LioranManager({ rootPath: root.rootPath });
    for (const db of ["sound", "broken"]) {
      await (await manager.db(db)).collection("items").insertOne({ _id: 1 });
    }
  }
  const databases = acquireDatabases(root.rootPath, "write");
  const environment = databases.get("broken")!;
  const key = Buffer.concat([Buffer.from([1]), Buffer.from("items")]);
  assert.ok(environment.stores.catalog.getBinary(key), "there is the record of the collection");
  environment.commit(() => environment.stores.catalog.putSync(key, Buffer.from([0xf6])), true);
  await databases.release();
  for (const ipc of ["primary", "readonly"] as const) {
    await using manager = new LioranManager({ rootPath: root.rootPath, ipc });
    await assert.rejects(manager.listDatabases(), {
      code: "CORRUPTED",
      message: /the record of a collection .* It is in .*broken[\\/]data\.mdb/,
    });
    assert.equal(await (await manager.db("sound")).collection("items").countDocuments(), 1);
  }
});

for (const reads of ["local", "primary"] as const) {
  test(`a damaged page fails who reads it and nobody else, in that turn and later (reads: "${reads}")`, async () => {
    using root = temporaryRoot();
    const pad = "x".repeat(200);
    {
      await using manager = new LioranManager({ rootPath: root.rootPath });
      const items = (await manager.db("app")).collection("items");
      await items.insertMany(
        Array.from({ length: 500 }, (_, n) => ({ _id: `id-${1_000 + n}`, pad })),
      );
    }
    await using manager = new LioranManager({ rootPath: root.rootPath, reads });
    const items = (await manager.db("app")).collection("items");
    // Before, the check of the file at its opening would find it.
    assert.ok(await items.findOne({ _id: "id-1000" }));
    spoilLeaf(join(root.rootPath, "app", "data.mdb"), "id-1250");
    for (let turn = 0; turn < 3; turn += 1) {
      const ids = ["id-1000", "id-1250", "id-1499", "id-1250", "id-1000"];
      const outcomes = await Promise.allSettled(ids.map((_id) => items.findOne({ _id })));
      for (const [at, outcome] of outcomes.entries()) {
        const isSpoiled = ids[at] === "id-1250";
        assert.equal(
          outcome.status,
          isSpoiled ? "rejected" : "fulfilled",
          `${ids[at]}, turn ${turn}`,
        );
        if (outcome.status === "rejected") assert.equal(outcome.reason.code, "CORRUPTED");
      }
    }
  });
}

const pageBytes = 4_096;
/** https://github.com/LMDB/lmdb, mdb.c: MDB_page_header. */
const flagsAt = 18;

/** Makes the pages that hold a text no pages of a tree. */
function spoilLeaf(file: string, text: string): void {
  const data = readFileSync(file);
  const fd = openSync(file, "r+");
  let found = 0;
  for (let at = data.indexOf(text); at >= 0; at = data.indexOf(text, at + 1)) {
    writeSync(fd, Buffer.alloc(2), 0, 2, Math.floor(at / pageBytes) * pageBytes + flagsAt);
    found += 1;
  }
  closeSync(fd);
  assert.ok(found > 0, "the text is in the file");
}
