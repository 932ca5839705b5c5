/** Roots and databases that cannot be opened: the error says why, and nothing on the disk changes. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Database, LioranError, LioranManager } from "../../../src/index.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const modes = [undefined, "primary", "client", "readonly"] as const;

for (const ipc of modes) {
  const mode = ipc ?? "auto";

  test(`a root that is a file is ROOT_INVALID (${mode})`, () => {
    using root = temporaryRoot();
    writeFileSync(root.rootPath, "mine");
    assert.throws(
      () => new LioranManager({ rootPath: root.rootPath, ipc }),
      hasCode("ROOT_INVALID"),
    );
    assert.equal(readFileSync(root.rootPath, "utf8"), "mine");
  });

  test(`a root below a file is ROOT_INVALID (${mode})`, () => {
    using root = temporaryRoot();
    const file = join(root.folder, "file");
    writeFileSync(file, "mine");
    const rootPath = join(file, "a", "root");
    assert.throws(() => new LioranManager({ rootPath, ipc }), hasCode("ROOT_INVALID"));
    assert.equal(readFileSync(file, "utf8"), "mine");
  });
}

test("missing parents are created with the root, for its owner alone", async () => {
  using root = temporaryRoot();
  const rootPath = join(root.rootPath, "a", "b");
  await using manager = new LioranManager({ rootPath });
  await manager.db("app");
  assert.ok(statSync(rootPath).isDirectory());
  if (process.platform !== "win32") assert.equal(statSync(rootPath).mode & 0o777, 0o700);
});

test("a readonly manager creates no root", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath, ipc: "readonly" });
  const database = await manager.db("app");
  assert.deepEqual(await database.collection("things").find().toArray(), []);
  assert.deepEqual((await manager.listDatabases()).databases, []);
  assert.deepEqual(readdirSync(root.folder), []);
});

for (const ipc of [undefined, "readonly"] as const) {
  const records: [content: string, code: string][] = [
    ['{"format":99,"storage":"other"}\n', "NEWER_FORMAT"],
    ["not a record", "CORRUPTED"],
    ['{"format":"1"}', "CORRUPTED"],
  ];
  for (const [content, code] of records) {
    test(`a database with the record ${content.trim()} is ${code} (${ipc ?? "auto"})`, async () => {
      using root = temporaryRoot();
      const folder = join(root.rootPath, "app");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "format.json"), content);
      writeFileSync(join(folder, "data.mdb"), "of another release");
      const before = contents(folder);
      await using manager = new LioranManager({ rootPath: root.rootPath, ipc });
      const database = await manager.db("app");
      for (const call of callsOn(database, ipc !== "readonly")) {
        await assert.rejects(async () => call(), hasCode(code));
      }
      assert.deepEqual(contents(folder), before);
      await (await manager.db("other")).collection("things").findOne({ _id: 1 });
    });
  }
}

test("a newer database does not keep others from being used", async () => {
  using root = temporaryRoot();
  const folder = join(root.rootPath, "newer");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "format.json"), '{"format":99}');
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const things = (await manager.db("app")).collection("things");
  await things.insertOne({ _id: 1 });
  assert.deepEqual(await things.find().toArray(), [{ _id: 1 }]);
  assert.equal(existsSync(join(folder, "data.mdb")), false);
});

function callsOn(database: Database, canWrite: boolean): (() => unknown)[] {
  const things = database.collection("things");
  const reads = [
    () => things.find().toArray(),
    () => things.findOne({ _id: 1 }),
    () => things.countDocuments({ a: 1 }),
    () => database.listCollections().toArray(),
    () => database.stats(),
  ];
  const writes = [
    () => things.insertOne({ _id: 1 }),
    () => things.updateMany({ a: 1 }, { $set: { a: 2 } }),
    () => things.deleteOne({ _id: 1 }),
    () => database.createCollection("new"),
    () => database.dropDatabase(),
  ];
  return canWrite ? [...reads, ...writes] : reads;
}

/** Every file of a folder: name, text and time of the last change. */
function contents(folder: string): unknown[] {
  return readdirSync(folder).map((name) => {
    const file = join(folder, name);
    return [name, readFileSync(file, "utf8"), statSync(file).mtimeMs];
  });
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LioranError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}
