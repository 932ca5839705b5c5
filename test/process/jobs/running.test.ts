/** What a job is over, in which order its values come, and how it is watched and stopped. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type JobProgress, LioranManager } from "@liorandb/core";
import { assertOnce, isRunning, jobSite, moduleUrl, numbers, until } from "./job-site.js";

interface Collected {
  batches: { ids: unknown[]; attempt: number }[];
  args: unknown;
  jobId: string;
  failed: number;
}

const collects = moduleUrl("collects");

for (const isolation of ["process", "thread"] as const) {
  test(`${isolation}: a job is over documents of all types of _id, in their order`, async (t) => {
    const ids = [null, -1, 2, 3n, "a", "b", { a: 1 }, { a: 2 }, Buffer.from([1]), false, true];
    const all = [...ids, new Date(1), new Date(2)];
    const { things } = await jobSite(t, all.toReversed());
    const { value, ...result } = await things.parallel<Collected>(collects, {
      isolation,
      batchSize: 2,
      concurrency: 2,
      args: new Map([["a", { big: 7n }]]),
    });
    const { jobId } = result;
    assert.deepEqual(result, { jobId, batches: 7, documents: 13, skipped: 0, failed: [] });
    const inOrder = await things
      .find({}, { sort: { _id: 1 } })
      .map(({ _id }) => _id)
      .toArray();
    assert.deepEqual(value.batches.flatMap((batch) => batch.ids).map(plain), inOrder.map(plain));
    assert.deepEqual(value.args, new Map([["a", { big: 7n }]]));
    assert.deepEqual([value.jobId, value.failed], [jobId, 0]);
  });

  test(`${isolation}: a batch has no more bytes than it may, and no more documents than match`, async (t) => {
    const { things } = await jobSite(t, numbers(80));
    await things.updateMany({ _id: { $gte: 20 } }, { $set: { text: "x".repeat(2 ** 20) } });
    const options = { isolation, concurrency: 2, batchSize: 15, filter: { _id: { $mod: [2, 0] } } };
    const { value, documents } = await things.parallel<Collected>(collects, options);
    assert.equal(documents, 40);
    const even = numbers(80).filter((id) => id % 2 === 0);
    assert.deepEqual(
      value.batches.flatMap(({ ids }) => ids),
      even,
    );
    // 15 documents of 1 MiB are too many for one batch: it ends behind 8 MiB.
    assert.deepEqual(
      value.batches.map(({ ids }) => ids.length),
      [15, 8, 7, 8, 2],
    );
  });

  test(`${isolation}: a collection without documents has no batches`, async (t) => {
    const { things, db } = await jobSite(t, []);
    const result = await things.parallel<Collected>(collects, { isolation });
    assert.deepEqual([result.batches, result.value.batches], [0, []]);
    const byDatabase = await db.parallel<Collected>(collects, { isolation, collection: "things" });
    assert.deepEqual(byDatabase.value.batches, []);
  });
}

/** Buffers and typed arrays are the same here. */
function plain(id: unknown): unknown {
  return id instanceof Uint8Array ? [...id] : id;
}

test("a module without reduce and finish gives no value", async (t) => {
  const { things } = await jobSite(t, numbers(3));
  const { value, documents } = await things.parallel(moduleUrl("only-map"));
  assert.deepEqual([value, documents], [undefined, 3]);
});

test("progress: figures that grow, at last all of them", async (t) => {
  const { db, things } = await jobSite(t, numbers(500));
  const told: JobProgress[] = [];
  const { jobId } = await things.parallel(moduleUrl("count-effects"), {
    batchSize: 50,
    args: {},
    onProgress: (progress) => told.push(progress),
  });
  assert.ok(told.length >= 2, "the first batch and the end");
  const last = told.at(-1)!;
  assert.ok(last.ratePerSecond > 0);
  assert.deepEqual(
    { ...last, ratePerSecond: 0 },
    { jobId, done: 500, total: 500, failed: 0, ratePerSecond: 0, etaMs: 0 },
  );
  for (const [at, { done, total, etaMs }] of told.entries()) {
    assert.ok(done >= (told[at - 1]?.done ?? 0) && done <= total);
    assert.ok(etaMs !== null && etaMs >= 0);
  }
  await assertOnce(db, numbers(500));
});

test("what onProgress throws ends the job, which can be resumed", async (t) => {
  const { db, things } = await jobSite(t, numbers(100));
  const options = { jobId: "p", batchSize: 10, args: {} };
  const mine = new Error("mine");
  const onProgress = () => {
    throw mine;
  };
  const counting = moduleUrl("count-effects");
  await assert.rejects(things.parallel(counting, { ...options, onProgress }), mine);
  const result = await things.parallel(counting, options);
  assert.ok(result.skipped >= 1);
  assert.equal(result.documents, 100);
  await assertOnce(db, numbers(100));
});

test("an abort ends the children, rejects with its reason, and the job can be resumed", async (t) => {
  const { folder: parent, db, things } = await jobSite(t, numbers(100));
  const folder = join(parent, "children");
  mkdirSync(folder);
  for (const isBusy of [false, true]) {
    const jobId = `aborted-${isBusy}`;
    const args = { folder, endlessFrom: 4, isBusy };
    const controller = new AbortController();
    const { signal } = controller;
    const options = { jobId, args, batchSize: 10, concurrency: 2 };
    const running = things.parallel(moduleUrl("count-effects"), { ...options, signal });
    running.catch(() => {});
    const batches = db.collection("batches");
    await until("the endless batches", async () => (await batches.countDocuments()) >= 4);
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(running, (error) => error === reason);
    const pids = readdirSync(folder).map(Number).filter(Number.isInteger);
    assert.deepEqual(pids.filter(isRunning), []);
    await batches.drop();
    await db.collection("effects").drop();
  }
  const aborted = AbortSignal.abort(new Error("before"));
  await assert.rejects(things.parallel(collects, { signal: aborted }), /before/);
});

test("a client runs jobs as a primary does; a readonly manager does not", async (t) => {
  const { rootPath, db } = await jobSite(t, numbers(50));
  for (const reads of ["local", "primary"] as const) {
    await using client = new LioranManager({ rootPath, ipc: "client", cores: 0, reads });
    const things = (await client.db("app")).collection("things");
    const { value } = await things.parallel(moduleUrl("count-effects"), {
      batchSize: 20,
      args: {},
    });
    assert.equal(value, 50);
    await assertOnce(db, numbers(50));
    await db.collection("effects").drop();
  }
  await using reader = new LioranManager({ rootPath: join(rootPath, "none"), ipc: "readonly" });
  const nothing = (await reader.db("app")).collection("things");
  await assert.rejects(nothing.parallel(collects), { code: "READ_ONLY" });
});

test("what a job has stored goes with its end, and is not shown", async (t) => {
  const { db, things } = await jobSite(t, numbers(50));
  const before = await db.stats();
  await things.parallel(collects, { batchSize: 5 });
  const after = await db.stats();
  // The document of the job stays, for whoever resumes it.
  assert.equal(after.objects, before.objects + 1);
  const shown = await db
    .listCollections()
    .map(({ name }) => name)
    .toArray();
  assert.deepEqual(shown, ["things"]);
  assert.throws(() => db.collection("system.jobs"), { code: 73 });
});
