import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lmdbReadersMax } from "../../../src/limits.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a new table of readers has no hole, in which a reader would die on a full disk", {
  skip: process.platform === "win32",
}, async () => {
  using root = temporaryRoot();
  const databases = acquireDatabases(root.rootPath, "write");
  databases.get("app");
  const folder = join(root.rootPath, "app");
  const { blocks, size } = statSync(join(folder, "lock.mdb"));
  assert.ok(size >= lmdbReadersMax * 64);
  assert.ok(blocks * 512 >= size, `${blocks * 512} of ${size} bytes have a place on the disk`);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes("new")),
    [],
  );
  await databases.release();
});
