/** Which role a manager has, and how it finds out about others. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { type AgentError, openAgent, startAgent } from "./agent.js";
import { Site } from "./site.js";

const isPrimary = { primary: true, client: false, readonly: false };
const isClient = { primary: false, client: true, readonly: false };
const isReadOnly = { primary: false, client: false, readonly: true };

test("every mode knows its role as soon as the constructor returns", async (t) => {
  const site = new Site(t);
  assert.deepEqual(await startAgent(site, "early readonly").open({ ipc: "readonly" }), isReadOnly);
  assert.deepEqual(await startAgent(site, "early client").open({ ipc: "client" }), isClient);
  assert.deepEqual(await startAgent(site, "first").open(), isPrimary);
  assert.deepEqual(await startAgent(site, "second").open(), isClient);
  assert.deepEqual(await startAgent(site, "client").open({ ipc: "client" }), isClient);
  assert.deepEqual(await startAgent(site, "readonly").open({ ipc: "readonly" }), isReadOnly);
});

test('ipc "primary" takes a free root, and is refused a root that has one', async (t) => {
  const site = new Site(t);
  const first = startAgent(site, "first");
  assert.deepEqual(await first.open({ ipc: "primary" }), isPrimary);
  await first.things("insertOne", { _id: 1 });
  await assert.rejects(startAgent(site, "second").open({ ipc: "primary" }), (e: AgentError) => {
    assert.equal(e.code, "LOCK_HELD");
    assert.match(e.message, new RegExp(`\\b${first.process.pid}\\b`));
    return true;
  });
});

test("after close() a manager has no role", async (t) => {
  const site = new Site(t);
  for (const ipc of ["primary", "client"] as const) {
    const agent = startAgent(site, ipc);
    await agent.open({ ipc });
    await agent.close();
    assert.deepEqual(await agent.call("roles"), { ...isPrimary, primary: false });
    assert.deepEqual(agent.events("role").at(-1), ["role", ipc, "closed"]);
  }
});

test("events tell of a lost primary, the new one, and the change of role", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const heir = await openAgent(site, "heir");
  const client = await openAgent(site, "client", { ipc: "client" });
  const found = (agent: typeof first, epoch: number) => [
    "primary-found",
    { pid: agent.process.pid, epoch },
  ];
  assert.deepEqual(first.events(), [found(first, 1)]);
  assert.deepEqual(heir.events(), [found(first, 1)]);
  assert.deepEqual(client.events(), [found(first, 1)]);

  await first.process.murder();
  await Promise.all([heir.event("primary-found", 2), client.event("primary-found", 2)]);
  assert.deepEqual(heir.events().slice(1), [
    ["primary-lost"],
    ["role", "client", "primary"],
    found(heir, 2),
  ]);
  assert.deepEqual(client.events().slice(1), [["primary-lost"], found(heir, 2)]);
  assert.deepEqual(await heir.call("roles"), isPrimary);
  assert.deepEqual(await client.call("roles"), isClient);
});

test('ipc "client" without a primary rejects after primaryTimeoutMs and names the root', async (t) => {
  const site = new Site(t);
  const client = startAgent(site, "client");
  await client.open({ ipc: "client", primaryTimeoutMs: 300 });
  await assert.rejects(client.things("findOne", {}), (e: AgentError) => {
    assert.equal(e.code, "NO_PRIMARY");
    assert.equal(e.retryable, true);
    assert.ok(e.message.includes(site.rootPath), e.message);
    return true;
  });
  // It still finds one that comes later.
  await openAgent(site, "primary");
  await client.event("primary-found");
  await client.things("insertOne", { _id: 1 });
});

test('ipc "client" never becomes primary', async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const client = await openAgent(site, "client", { ipc: "client", primaryTimeoutMs: 400 });
  await first.process.murder();
  await client.event("primary-lost");
  await assert.rejects(client.things("insertOne", {}), (e: AgentError) => e.code === "NO_PRIMARY");
  assert.deepEqual(await client.call("roles"), isClient);
  assert.deepEqual(client.events("role"), []);
  // The lock is free: the next one that may own the root gets it at once.
  assert.deepEqual(await startAgent(site, "next").open({ ipc: "primary" }), isPrimary);
});

test("readonly without a primary reads what is there and creates nothing", async (t) => {
  const site = new Site(t);
  const writer = await openAgent(site, "writer");
  await writer.things("insertMany", [{ _id: 1 }, { _id: 2 }]);
  await writer.close();
  const before = readdirSync(site.rootPath, { recursive: true }).sort();

  const reader = await startAgent(site, "reader");
  await reader.open({ ipc: "readonly" });
  assert.deepEqual(await reader.find(), [{ _id: 1 }, { _id: 2 }]);
  assert.equal(await reader.things("countDocuments", { _id: { $gt: 1 } }), 1);
  await reader.chain(["db", "none"], ["collection", "x"], ["findOne", {}]);
  for (const [method, ...args] of [
    ["insertOne", {}],
    ["insertMany", [{}]],
    ["updateMany", {}, { $set: { a: 1 } }],
    ["deleteMany", {}],
    ["findOneAndDelete", {}],
    ["drop"],
  ] as const) {
    await assert.rejects(
      reader.things(method, ...args),
      (e: AgentError) => e.code === "READ_ONLY",
      method,
    );
  }
  await reader.close();
  assert.deepEqual(readdirSync(site.rootPath, { recursive: true }).sort(), before);
});

test("readonly on a root that does not exist is empty and stays without a folder", async (t) => {
  const site = new Site(t);
  const reader = startAgent(site, "reader");
  await reader.open({ ipc: "readonly" });
  assert.deepEqual(await reader.find(), []);
  assert.equal(await reader.things("findOne", { _id: 1 }), null);
  assert.deepEqual(await reader.chain(["listDatabases"]), {
    databases: [],
    totalSize: 0,
    ok: 1,
  });
  await assert.rejects(reader.things("insertOne", {}), (e: AgentError) => e.code === "READ_ONLY");
  await reader.close();
  assert.equal(existsSync(site.rootPath), false);
});

test("readonly on an empty folder creates nothing in it", async (t) => {
  const site = new Site(t);
  mkdirSync(site.rootPath);
  const reader = startAgent(site, "reader");
  await reader.open({ ipc: "readonly" });
  assert.deepEqual(await reader.find(), []);
  await reader.close();
  assert.deepEqual(readdirSync(site.rootPath), []);
});

test("readonly sees what a living primary writes, from the first database on, and outlives it", async (t) => {
  const site = new Site(t);
  const reader = startAgent(site, "reader");
  await reader.open({ ipc: "readonly" });
  assert.deepEqual(await reader.find(), []);
  const primary = await openAgent(site, "primary");
  for (let n = 1; n <= 5; n += 1) {
    await primary.things("insertOne", { _id: n });
    assert.equal((await reader.find()).length, n);
  }
  await primary.process.murder();
  assert.equal((await reader.find()).length, 5);
  assert.deepEqual(await reader.call("roles"), isReadOnly);
});

test("what a later release brings is refused by name", async (t) => {
  const site = new Site(t);
  for (const options of [{ ipc: "replica" }, { encryptionKey: "secret" }] as const) {
    await assert.rejects(startAgent(site, "agent").open(options), (e: AgentError) => {
      assert.equal(e.code, "NOT_AVAILABLE");
      assert.ok(e.message.includes(Object.values(options)[0]) || /encryptionKey/.test(e.message));
      return true;
    });
  }
  assert.equal(existsSync(site.rootPath), false);
});
