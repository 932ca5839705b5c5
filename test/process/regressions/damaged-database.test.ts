/** A damaged database among others: whoever asks for all of them has to be told which one it is. */
import assert from "node:assert/strict";
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
