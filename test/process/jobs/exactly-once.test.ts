/** What a batch of a job writes takes effect once, whoever is killed meanwhile. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type JobResult, LioranManager } from "@liorandb/core";
import { openAgent } from "../agent.js";
import { Site } from "../site.js";
import {
  assertOnce,
  isRunning,
  jobSite,
  moduleUrl,
  numbers,
  parentScript,
  until,
} from "./job-site.js";

const counting = moduleUrl("count-effects");

test("children that are killed before, in and after their commits: each batch takes effect once", async (t) => {
  const ids = numbers(1_000);
  const { db, things } = await jobSite(t, ids);
  const options = { batchSize: 50, concurrency: 2, maxAttempts: 5, args: { isDeadly: true } };
  const result = await things.parallel(counting, options);
  assert.deepEqual(
    { batches: result.batches, documents: result.documents, failed: result.failed },
    { batches: 20, documents: 1_000, failed: [] },
  );
  assert.equal(result.value, 1_000);
  await assertOnce(db, ids);
  assert.equal(await db.collection("batches").countDocuments(), 20);
});

for (const isBusy of [false, true]) {
  const when = isBusy ? "compute" : "wait";
  test(`a parent that is killed while its children ${when}: they end, and the job is resumed`, async (t) => {
    const site = new Site(t);
    const folder = join(site.folder, "children");
    mkdirSync(folder);
    const ids = numbers(600);
    const setUp = new LioranManager({ rootPath: site.rootPath });
    const filled = (await setUp.db("app")).collection("things");
    await filled.insertMany(ids.map((_id) => ({ _id })));
    await setUp.close();

    const args = { folder, endlessFrom: 6, isBusy };
    const options = { jobId: "counting", batchSize: 50, concurrency: 2, args };
    const module = fileURLToPath(counting);
    const start = (name: string, given: object) =>
      site.start(name, parentScript, {
        args: [site.rootPath, module, JSON.stringify(given)],
      });
    const parent = start("parent", options);
    await until("both children to be at endless batches", () => {
      assert.equal(parent.ended, undefined, parent.stderr);
      return readdirSync(folder).filter((name) => name.startsWith("endless")).length === 2;
    });
    await parent.murder();
    const pids = readdirSync(folder).map(Number).filter(Number.isInteger);
    assert.equal(pids.length, 2);
    await until("the children to be gone", () => !pids.some(isRunning));

    await using manager = new LioranManager({ rootPath: site.rootPath });
    const db = await manager.db("app");
    const before = await db.collection("batches").find({}).toArray();
    assert.ok(before.length > 0 && before.length <= 6, `${before.length} batches were done`);
    const things = db.collection("things");
    await assert.rejects(
      things.parallel(counting, { ...options, args: { endlessFrom: 7 } }),
      (error: { code: string; message: string }) =>
        error.code === "JOB_CONFLICT" && /another args/.test(error.message),
    );
    // With the same arguments it would not end; what is done is told from what is stored.
    const controller = new AbortController();
    const endless = things.parallel(counting, { ...options, signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(endless, (error) => error === reason);
    const after = await db.collection("batches").find({}).toArray();
    assert.deepEqual(after, before);
  });
}

test("a parent that is killed at any batch: resumed until it ends, each batch has taken effect once", async (t) => {
  const site = new Site(t);
  const ids = numbers(2_000);
  const setUp = new LioranManager({ rootPath: site.rootPath });
  const filled = (await setUp.db("app")).collection("things");
  await filled.insertMany(ids.map((_id) => ({ _id: `id-${_id}` })));
  await setUp.close();
  const options = { jobId: "again", batchSize: 20, concurrency: 2, args: {} };
  const args = [site.rootPath, fileURLToPath(counting), JSON.stringify(options)];

  const reader = new LioranManager({ rootPath: site.rootPath, ipc: "readonly" });
  const batches = (await reader.db("app")).collection("batches");
  let done = 0;
  let runs = 0;
  for (; runs < 4; runs += 1) {
    const parent = site.start(`parent ${runs}`, parentScript, { args });
    await until("more batches", async () => {
      assert.equal(parent.ended, undefined, parent.stderr);
      return (await batches.countDocuments()) > done;
    });
    await parent.murder();
    done = await batches.countDocuments();
  }
  await reader.close();
  const last = site.start("the last parent", parentScript, { args });
  const result = await last.until("its result", () => last.messages[0] as JobResult | undefined);
  await last.exit();
  assert.equal(result.documents, 2_000);
  assert.equal(result.value, 2_000);
  assert.ok(result.skipped >= 4 && result.skipped < result.batches, `${result.skipped} skipped`);

  await using manager = new LioranManager({ rootPath: site.rootPath });
  const db = await manager.db("app");
  await assertOnce(
    db,
    ids.map((id) => `id-${id}`),
  );
  // Whoever did not hear of the end asks again, and is told.
  const again = await db.collection("things").parallel(counting, options);
  assert.deepEqual(again, { ...result, skipped: result.batches });
  await assertOnce(
    db,
    ids.map((id) => `id-${id}`),
  );
});

test("a job that is resumed must be the one that was begun", async (t) => {
  const { db, things } = await jobSite(t, numbers(10));
  const options = { jobId: "one", filter: { _id: { $lt: 5 } }, args: { batchLabel: "a" } };
  const { batches } = await things.parallel(counting, options);
  const other = db.collection("other");
  const conflicts: [what: string, call: () => Promise<unknown>][] = [
    ["collection", () => other.parallel(counting, options)],
    ["module", () => things.parallel(moduleUrl("collects"), options)],
    ["filter", () => things.parallel(counting, { ...options, filter: { _id: { $lt: 6 } } })],
    ["args", () => things.parallel(counting, { ...options, args: { batchLabel: "b" } })],
    ["args", () => things.parallel(counting, { ...options, args: undefined })],
  ];
  for (const [what, call] of conflicts) {
    await assert.rejects(call, (error: { code: string; message: string }) => {
      assert.equal(error.code, "JOB_CONFLICT");
      assert.match(error.message, new RegExp(`"one" was begun with another ${what}`));
      return true;
    });
  }
  assert.deepEqual(await things.parallel(counting, options), {
    jobId: "one",
    batches,
    documents: 5,
    skipped: batches,
    failed: [],
    value: 5,
  });
  await assertOnce(db, numbers(5));
});

test("a job that another call takes over ends, and what it has under way changes nothing", async (t) => {
  const { folder: parent, db, things } = await jobSite(t, numbers(100));
  const folder = join(parent, "children");
  mkdirSync(folder);
  const untilFile = join(parent, "go on");
  const args = { folder, endlessFrom: 3, untilFile };
  const options = { jobId: "two", batchSize: 10, concurrency: 1, args };
  const children = () => readdirSync(folder).map(Number).filter(Number.isInteger).length;
  const batches = db.collection("batches");
  const first = things.parallel(counting, options);
  first.catch(() => {});
  await until("the first run to wait", async () => (await batches.countDocuments()) === 3);
  // Cut in another way: batches of the two runs overlap.
  const second = things.parallel(counting, { ...options, batchSize: 7 });
  await until("the second run to have a child", () => children() === 2);
  writeFileSync(untilFile, "");
  await assert.rejects(first, { code: "JOB_SUPERSEDED" });
  const { documents, skipped, failed } = await second;
  assert.deepEqual({ documents, skipped, failed }, { documents: 100, skipped: 3, failed: [] });
  await assertOnce(db, numbers(100));
});

test("the primary is killed while a client runs a job: it becomes the primary, and the job goes on", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const ids = numbers(1_500);
  await using manager = new LioranManager({ rootPath: site.rootPath });
  const db = await manager.db("app");
  const things = db.collection("things");
  await things.insertMany(ids.map((_id) => ({ _id })));
  assert.ok(manager.isClient());
  const running = things.parallel(counting, { batchSize: 25, concurrency: 2, args: {} });
  running.catch(() => {});
  const batches = db.collection("batches");
  await until("some batches", async () => (await batches.countDocuments()) >= 5);
  await primary.process.murder();
  const { documents, failed } = await running;
  assert.deepEqual({ documents, failed }, { documents: 1_500, failed: [] });
  assert.ok(manager.isPrimary());
  await assertOnce(db, ids);
});
