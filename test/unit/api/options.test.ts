import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { LioranError, LioranManager, type ManagerOptions } from "../../../src/index.js";
import { resolveOptions } from "../../../src/options.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const wrong: Record<string, unknown[]> = {
  rootPath: ["", 3, true, {}, ["a"], "a\0b"],
  ipc: ["Primary", "server", "", 1, true, {}],
  reads: ["remote", 1, {}],
  durability: ["none", "", 0],
  cores: [-1, 1.5, "2", Number.NaN, Number.POSITIVE_INFINITY, 1_025, {}],
  primaryTimeoutMs: [0, -1, 0.5, "30", Number.POSITIVE_INFINITY, 2 ** 31],
  writeQueue: [3, "wait", null, []],
  "writeQueue.maxSize": [0, -1, 1.5, "10", Number.POSITIVE_INFINITY],
  "writeQueue.mode": ["drop", 1, {}],
  "writeQueue.timeoutMs": [-1, 0.5, "1", 2 ** 31],
};

/** `{ writeQueue: { mode: value } }` for "writeQueue.mode". */
function optionsWith(path: string, value: unknown): ManagerOptions {
  const [name, inner] = path.split(".");
  return { [name]: inner === undefined ? value : { [inner]: value } };
}

for (const [path, values] of Object.entries(wrong)) {
  for (const value of values) {
    test(`${path}: ${shown(value)} is INVALID_OPTION and named, and nothing is created`, () => {
      using root = temporaryRoot();
      const options = { rootPath: root.rootPath, ...optionsWith(path, value) };
      assert.throws(() => new LioranManager(options), isInvalid(`"${path}"`));
      assert.equal(existsSync(root.rootPath), false);
    });
  }
}

test("an unknown option is refused and named, together with those there are", () => {
  assert.throws(
    () => resolveOptions({ rootpath: "x" } as ManagerOptions),
    (error) => {
      return isInvalid('"rootpath"')(error) && isInvalid("primaryTimeoutMs")(error);
    },
  );
  const queue = { writeQueue: { size: 1 } } as ManagerOptions;
  assert.throws(() => resolveOptions(queue), isInvalid('"writeQueue.size"'));
});

test("options that are no object are refused", () => {
  for (const options of [null, 3, "path", ["path"]]) {
    assert.throws(() => resolveOptions(options as ManagerOptions), isInvalid("options"));
  }
});

test("what a later release brings is NOT_AVAILABLE and named", () => {
  using root = temporaryRoot();
  const later: [ManagerOptions, string][] = [
    [{ ipc: "replica" }, "replica"],
    [{ encryptionKey: "secret" }, "encryptionKey"],
    [{ replication: {} }, "replication"],
  ];
  for (const [options, name] of later) {
    assert.throws(
      () => new LioranManager({ rootPath: root.rootPath, ...options }),
      (error) =>
        error instanceof LioranError &&
        error.code === "NOT_AVAILABLE" &&
        error.message.includes(name) &&
        !error.message.includes("secret"),
    );
  }
  assert.equal(existsSync(root.rootPath), false);
});

test("every default is filled in", () => {
  const { rootPath, cores, ...rest } = resolveOptions({ rootPath: "some/root" });
  assert.equal(rootPath, resolve("some/root"));
  assert.ok(cores >= 1);
  assert.deepEqual(rest, {
    ipc: "auto",
    reads: "local",
    durability: "flushed",
    writeQueue: { maxSize: 50_000, mode: "wait", timeoutMs: 10_000 },
    primaryTimeoutMs: 30_000,
  });
});

test("an option that is undefined counts as not given", () => {
  const names = ["ipc", "reads", "durability", "primaryTimeoutMs", "writeQueue", "encryptionKey"];
  const options = Object.fromEntries(names.map((name) => [name, undefined]));
  const rootPath = "x";
  assert.deepEqual(resolveOptions({ rootPath, ...options }), resolveOptions({ rootPath }));
  const queue = { maxSize: undefined, mode: "reject" } as const;
  const { writeQueue } = resolveOptions({ rootPath, writeQueue: queue });
  assert.deepEqual(writeQueue, { maxSize: 50_000, mode: "reject", timeoutMs: 10_000 });
});

test("the smallest and largest values are taken", () => {
  const writeQueue = { maxSize: 1, mode: "wait", timeoutMs: 0 } as const;
  const least = resolveOptions({ rootPath: "x", cores: 0, primaryTimeoutMs: 1, writeQueue });
  assert.deepEqual(
    [least.cores, least.primaryTimeoutMs, least.writeQueue],
    [0, 1, { ...writeQueue }],
  );
  const most = resolveOptions({ rootPath: "x", cores: 1_024, primaryTimeoutMs: 2 ** 31 - 1 });
  assert.deepEqual([most.cores, most.primaryTimeoutMs], [1_024, 2 ** 31 - 1]);
});

test("the root is rootPath, else LIORANDB_PATH, else ~/LioranDB/db", (t) => {
  const before = process.env.LIORANDB_PATH;
  t.after(() => {
    if (before === undefined) delete process.env.LIORANDB_PATH;
    else process.env.LIORANDB_PATH = before;
  });
  delete process.env.LIORANDB_PATH;
  assert.equal(resolveOptions().rootPath, join(homedir(), "LioranDB", "db"));
  process.env.LIORANDB_PATH = "from/environment";
  assert.equal(resolveOptions().rootPath, resolve("from/environment"));
  assert.equal(resolveOptions({ rootPath: "given" }).rootPath, resolve("given"));
  process.env.LIORANDB_PATH = "";
  assert.throws(() => resolveOptions(), isInvalid("LIORANDB_PATH"));
});

test("a manager opens the root that LIORANDB_PATH names", async (t) => {
  using root = temporaryRoot();
  const before = process.env.LIORANDB_PATH;
  process.env.LIORANDB_PATH = root.rootPath;
  t.after(() => {
    if (before === undefined) delete process.env.LIORANDB_PATH;
    else process.env.LIORANDB_PATH = before;
  });
  await using manager = new LioranManager();
  assert.equal(manager.rootPath, root.rootPath);
  assert.equal(manager.isPrimary(), true);
  await manager.db("app");
});

function isInvalid(name: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LioranError, String(error));
    assert.equal(error.code, "INVALID_OPTION");
    assert.equal(error.retryable, false);
    assert.ok(error.message.includes(name), error.message);
    return true;
  };
}

function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
