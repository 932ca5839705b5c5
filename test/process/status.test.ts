/** `manager.status()` and the channels tell of several processes what is so. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import {
  type CommitEvent,
  LioranManager,
  type ManagerStatus,
  type OperationEvent,
  type RoleEvent,
} from "@liorandb/core";
import { openAgent } from "./agent.js";
import { Site } from "./site.js";

test("status names the process that holds the oldest snapshot", async (t) => {
  const site = new Site(t);
  await using manager = new LioranManager({ rootPath: site.rootPath, cores: 1 });
  const things = (await manager.db("app")).collection<{ _id: number; n: number }>("things");
  await things.insertMany(Array.from({ length: 2_000 }, (_, _id) => ({ _id, n: 0 })));
  const reader = await openAgent(site, "reader", { ipc: "client" });
  // A cursor keeps its snapshot.
  const cursor = await reader.call("openCursor", 2);
  for (let times = 0; times < 7; times += 1) await things.updateOne({ _id: 1 }, { $inc: { n: 1 } });

  const { databases, ...status } = await manager.status();
  assert.equal(status.role, "primary");
  assert.equal(status.primaryPid, process.pid);
  assert.deepEqual(status.pool, { threads: 1, busy: 0, waiting: 0 });
  assert.equal(databases.length, 1);
  const [{ name, fileBytes, mapBytes, lastCommit, oldestSnapshot }] = databases;
  assert.equal(name, "app");
  assert.ok(fileBytes > 0 && mapBytes >= fileBytes, `${fileBytes} of ${mapBytes} bytes`);
  assert.deepEqual(oldestSnapshot, {
    pid: reader.process.pid,
    commit: lastCommit - 7,
    commitsBehind: 7,
  });

  const told = (await reader.chain(["status"])) as ManagerStatus;
  assert.equal(told.role, "client");
  assert.equal(told.openCursors, 1);
  assert.deepEqual(told.databases[0]?.oldestSnapshot, oldestSnapshot);
  const host = told.host!;
  assert.equal(host.clients, 2);
  assert.equal(host.queuedOperations, 0);
  assert.deepEqual([host.commits, host.operations], [8, 8]);
  assert.ok(host.commitsPerSecond > 0 && host.operationsPerSecond > 0);
  const { p50, p95, p99, max } = host.commitMs!;
  assert.ok(0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= max, JSON.stringify(host.commitMs));
  await reader.call("readCursor", cursor);
  assert.equal(((await reader.chain(["status"])) as ManagerStatus).openCursors, 0);
});

test("channels tell of operations, slow ones, commits and roles", async (t) => {
  const site = new Site(t);
  const { rootPath } = site;
  const heard: [channel: string, message: unknown][] = [];
  for (const name of ["operation", "slow-operation", "commit", "role"]) {
    const listener = (message: unknown) => heard.push([name, message]);
    subscribe(`liorandb:${name}`, listener);
    t.after(() => unsubscribe(`liorandb:${name}`, listener));
  }
  const of = <T>(channel: string) =>
    heard.flatMap(([name, message]) => (name === channel ? [message as T] : []));

  const manager = new LioranManager({ rootPath });
  const things = (await manager.db("app")).collection<{ _id: number; n?: number }>("things");
  await things.insertMany([{ _id: 1 }, { _id: 2 }]);
  await things.findOne({ _id: 2 });
  await assert.rejects(things.insertOne({ _id: 2 }), { code: 11000 });
  // Takes longer than it may, which is as long as a slow one takes.
  const loop = { $reduce: { input: { $range: [0, 1e6] }, initialValue: 0, in: { $add: [1, 1] } } };
  const endless = [{ $documents: [{}] }, ...Array.from({ length: 90 }, () => ({ $set: { loop } }))];
  const database = await manager.db("app");
  await assert.rejects(database.aggregate(endless, { maxTimeMS: 150 }).toArray(), { code: 50 });
  await manager.close();

  const told = of<OperationEvent>("operation").map(({ durationMs, error, query, ...rest }) => {
    assert.ok(durationMs >= 0);
    return { ...rest, ...(error !== undefined && { code: (error as { code: number }).code }) };
  });
  const place = { rootPath, db: "app", collection: "things" };
  assert.deepEqual(told, [
    { ...place, kind: "insert" },
    { ...place, kind: "find" },
    { ...place, kind: "insert", code: 11000 },
    { rootPath, db: "app", kind: "aggregate", code: 50 },
  ]);
  assert.deepEqual(of<OperationEvent>("operation")[1]!.query, { _id: 2 });
  const slow = of<OperationEvent>("slow-operation").at(-1)!;
  assert.equal(slow.kind, "aggregate");
  assert.deepEqual(slow.query, endless);
  const commits = of<CommitEvent>("commit").map(({ durationMs, ...rest }) => {
    assert.ok(durationMs > 0);
    return rest;
  });
  assert.deepEqual(commits, [{ rootPath, db: "app", operations: 1, isFlushed: true }]);
  assert.deepEqual(of<RoleEvent>("role"), [{ rootPath, from: "primary", to: "closed", epoch: 1 }]);
});
