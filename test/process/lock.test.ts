/** The lock of a root and its endpoint, as several processes see them. */
import assert from "node:assert/strict";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "../../src/index.js";
import { type AgentError, openAgent, startAgent } from "./agent.js";
import { Site } from "./site.js";

const lockFile = (site: Site) => join(site.rootPath, ".lioran.lock");
const mode = (path: string) => statSync(path).mode & 0o777;
const posixOnly = { skip: process.platform === "win32" };

test("two managers of one process are two owners like any others", async (t) => {
  const site = new Site(t);
  const { rootPath } = site;
  const first = new LioranManager({ rootPath });
  const second = new LioranManager({ rootPath });
  try {
    assert.deepEqual([first.isPrimary(), second.isPrimary()], [true, false]);
    assert.deepEqual([first.isClient(), second.isClient()], [false, true]);
    assert.throws(
      () => new LioranManager({ rootPath, ipc: "primary" }),
      (error: AgentError) => error.code === "LOCK_HELD",
    );
    const db = await second.db("app");
    await db.collection("things").insertOne({ _id: 1 as never });
    const same = (await first.db("app")).collection("things");
    assert.deepEqual(await same.findOne({}), { _id: 1 });
    assert.throws(
      () => new LioranManager({ rootPath, ipc: "primary" }),
      (error: AgentError) => error.message.includes(String(process.pid)),
    );

    await first.close();
    await db.collection("things").insertOne({ _id: 2 as never });
    assert.equal(second.isPrimary(), true);
  } finally {
    await first.close();
    await second.close();
  }
});

test("what a dead primary left does not stop the next one", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  await first.things("insertOne", { _id: 1 });
  const { rootId } = site.lockRecord();
  await first.process.murder();
  assert.ok(existsSync(lockFile(site)));

  const next = await openAgent(site, "next", { ipc: "primary" });
  assert.deepEqual(await next.find(), [{ _id: 1 }]);
  assert.equal(site.lockRecord().epoch, 2);
  assert.equal(site.lockRecord().rootId, rootId, "a root keeps its identity");
  assert.equal(site.lockRecord().pid, next.process.pid);
});

for (const [what, content] of [
  ["nothing", ""],
  ["garbage", "\0\u0001 garbage {"],
  ["half a record", '{"pid":1,"epoch":7,"endpo'],
  ["megabytes", "x".repeat(3_000_000)],
] as const) {
  test(`a lock file that holds ${what} is as good as none`, async (t) => {
    const site = new Site(t);
    mkdirSync(site.rootPath);
    writeFileSync(lockFile(site), content);
    const primary = await openAgent(site, "primary", { ipc: "primary" });
    const client = await openAgent(site, "client", { ipc: "client" });
    await client.things("insertOne", { _id: 1 });
    assert.deepEqual(await primary.find(), [{ _id: 1 }]);
  });
}

test("a lock file that holds nonsense while nobody owns the root makes a client wait", async (t) => {
  const site = new Site(t);
  mkdirSync(site.rootPath);
  writeFileSync(lockFile(site), "garbage");
  const client = startAgent(site, "client");
  await client.open({ ipc: "client", primaryTimeoutMs: 200 });
  await assert.rejects(client.things("findOne", {}), (e: AgentError) => e.code === "NO_PRIMARY");
});

test("a record that leads nowhere makes a client wait for a primary", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  await first.process.murder();
  const client = startAgent(site, "client");
  await client.open({ ipc: "client" });
  const inserted = client.things("insertOne", { _id: 1 });
  await openAgent(site, "second");
  await inserted;
});

test("the lock file stays when its holder closes", async (t) => {
  const site = new Site(t);
  const agent = await openAgent(site, "agent");
  const { endpoint } = site.lockRecord();
  const { ino } = statSync(lockFile(site));
  await agent.close();
  assert.equal(statSync(lockFile(site)).ino, ino);
  assert.equal(existsSync(endpoint), false, "the socket goes");
  const second = await openAgent(site, "second");
  assert.deepEqual(await second.call("roles"), { primary: true, client: false, readonly: false });
  assert.equal(statSync(lockFile(site)).ino, ino);
});

test(
  "nobody else may use the root: folder 0700, lock file and socket 0600",
  posixOnly,
  async (t) => {
    const site = new Site(t);
    await openAgent(site, "agent");
    assert.equal(mode(site.rootPath), 0o700);
    assert.equal(mode(lockFile(site)), 0o600);
    const { endpoint } = site.lockRecord();
    assert.equal(dirname(endpoint), site.rootPath);
    assert.equal(mode(endpoint), 0o600);
  },
);

test("missing folders are created on the way", async (t) => {
  const site = new Site(t);
  const rootPath = join(site.folder, "a/b/c");
  await openAgent(site, "agent", { rootPath });
  assert.equal(mode(rootPath), 0o700);
});

test("a folder with a dot in its name works for two processes", async (t) => {
  const site = new Site(t);
  const rootPath = join(site.folder, "data.v1.mdb");
  const primary = await openAgent(site, "primary", { rootPath });
  const client = await openAgent(site, "client", { rootPath });
  await client.things("insertOne", { _id: 1 });
  assert.deepEqual(await primary.find(), [{ _id: 1 }]);
  assert.ok(statSync(join(rootPath, "app")).isDirectory());
});

test("a path longer than a socket address works for two processes", posixOnly, async (t) => {
  const site = new Site(t);
  const rootPath = join(site.folder, "long".repeat(40));
  const primary = await openAgent(site, "primary", { rootPath });
  const client = await openAgent(site, "client", { rootPath });
  await client.things("insertOne", { _id: 1 });
  assert.deepEqual(await primary.find(), [{ _id: 1 }]);

  const { endpoint } = JSON.parse(readFileSync(join(rootPath, ".lioran.lock"), "utf8"));
  assert.ok(Buffer.byteLength(endpoint) <= 103, endpoint);
  assert.equal(mode(dirname(endpoint)), 0o700);
  assert.equal(mode(endpoint), 0o600);

  // The next primary has an endpoint of its own.
  await primary.process.murder();
  await client.event("role");
  await client.things("insertOne", { _id: 2 });
  const late = await openAgent(site, "late", { rootPath, ipc: "client" });
  assert.equal((await late.find()).length, 2);
});

test("a file or a folder in the socket's place does not stop a primary", posixOnly, async (t) => {
  for (const put of [writeFileSync, (path: string) => mkdirSync(path)]) {
    const site = new Site(t);
    mkdirSync(site.rootPath);
    put(join(site.rootPath, ".lioran-1.sock"), "");
    const primary = await openAgent(site, "primary");
    const client = await openAgent(site, "client");
    await client.things("insertOne", { _id: 1 });
    assert.deepEqual(await primary.find(), [{ _id: 1 }]);
  }
});

test("a root that is a file, or whose lock file is a folder, is refused by name", async (t) => {
  const site = new Site(t);
  writeFileSync(site.rootPath, "");
  const refused = (error: AgentError) => {
    assert.equal(error.code, "ROOT_INVALID");
    assert.ok(error.message.includes(site.rootPath), error.message);
    return true;
  };
  await assert.rejects(startAgent(site, "on a file").open(), refused);

  rmSync(site.rootPath);
  mkdirSync(lockFile(site), { recursive: true });
  await assert.rejects(startAgent(site, "on a folder").open(), refused);

  const client = startAgent(site, "client");
  await client.open({ ipc: "client" });
  await assert.rejects(client.things("findOne", {}), refused);
});

test("a folder that may not be written: refused, but readonly reads it", posixOnly, async (t) => {
  const site = new Site(t);
  const writer = await openAgent(site, "writer");
  await writer.things("insertOne", { _id: 1 });
  await writer.close();
  chmodSync(lockFile(site), 0o400);
  chmodSync(site.rootPath, 0o500);
  try {
    if (isWritable(lockFile(site))) {
      t.skip("this user may write everywhere");
      return;
    }
    for (const ipc of [undefined, "primary"] as const) {
      await assert.rejects(startAgent(site, "agent").open({ ipc }), (e: AgentError) => {
        assert.equal(e.code, "PERMISSION");
        assert.ok(e.message.includes(site.rootPath), e.message);
        return true;
      });
    }
    const reader = startAgent(site, "reader");
    await reader.open({ ipc: "readonly" });
    assert.deepEqual(await reader.find(), [{ _id: 1 }]);
  } finally {
    chmodSync(site.rootPath, 0o700);
  }
});

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
