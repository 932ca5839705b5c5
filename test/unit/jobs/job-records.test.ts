import assert from "node:assert/strict";
import { after, test } from "node:test";
import { serialize } from "node:v8";
import { LioranManager, runtimeOf } from "../../../src/api/manager.js";
import { batchOfRecord, batchRecord, JobRecords } from "../../../src/jobs/job-records.js";
import { allDocuments } from "../../../src/jobs/reading.js";
import { jobRetentionMs } from "../../../src/limits.js";
import { jobBatchesCollection, jobsCollection } from "../../../src/names.js";
import type { Execute } from "../../../src/runtime/runtime.js";
import { encodeDocument } from "../../../src/storage/document.js";
import type { Document } from "../../../src/values/document.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const root = temporaryRoot();
const manager = new LioranManager({ rootPath: root.rootPath, cores: 0 });
after(async () => {
  await manager.close();
  root.remove();
});
await manager.db("app");
const runtime = runtimeOf(manager);
const execute: Execute = (...call) => runtime.execute(...call);
const durability = "committed";
const identity = { collection: "things", module: "m.js", filter: serialize({}), args: null };
const scope = async () => ({ lastId: [9], total: 10 });

function recordsOf(jobId: string): JobRecords {
  return new JobRecords({ execute, db: "app", durability }, jobId);
}

function commit(job: string, run: number, number: number, writes: Document[] = []) {
  const batch = { number, documents: 1, after: number, upTo: number + 1 };
  const record = batchRecord(job, batch, serialize(number));
  return execute<"jobCommit">({
    kind: "jobCommit",
    db: "app",
    durability,
    job,
    run,
    record,
    writes: writes as never,
  });
}

async function idsIn(collection: string): Promise<unknown[]> {
  const found = await allDocuments(execute, { kind: "find", db: "app", collection, filter: {} });
  return found.map(({ _id }) => _id);
}

test("a job is begun, taken over, and ended; its result stays", async () => {
  const records = recordsOf("a");
  const first = await records.begin(identity, scope);
  assert.ok(!first.isEnded);
  assert.deepEqual([first.run, first.done, first.scope.lastId], [1, [], [9]]);
  assert.deepEqual(await commit("a", 1, 0), { known: null });
  assert.deepEqual(await commit("a", 1, 1), { known: null });
  const again = await commit("a", 1, 1);
  assert.equal(batchOfRecord(again.known!).number, 1);

  const second = await recordsOf("a").begin(identity, () => assert.fail("it is known"));
  assert.ok(!second.isEnded);
  assert.equal(second.run, 2);
  assert.deepEqual(
    second.done.map(({ number, after, upTo }) => [number, after, upTo]),
    [
      [0, 0, 1],
      [1, 1, 2],
    ],
  );
  assert.deepEqual(await records.values([1, 0, 5]), [
    Buffer.from(serialize(1)),
    Buffer.from(serialize(0)),
  ]);
  await assert.rejects(commit("a", 1, 2), { code: "JOB_SUPERSEDED" });

  const end = { batches: 2, documents: 2, value: serialize("v") };
  await assert.rejects(records.end(1, end), { code: "JOB_SUPERSEDED" });
  await records.end(2, end);
  assert.deepEqual(await idsIn(jobBatchesCollection), []);
  await assert.rejects(commit("a", 2, 2), { code: "JOB_SUPERSEDED" });
  const third = await recordsOf("a").begin(identity, scope);
  assert.ok(third.isEnded);
  assert.deepEqual(third.end, { ...end, value: Buffer.from(end.value) });
});

test("the writes of a batch and its record are one: when one write fails there is nothing of them", async () => {
  await recordsOf("b").begin(identity, scope);
  const insert = (value: number) => ({ op: "insert", document: encodeDocument({ _id: value }) });
  const writes = [
    { collection: "x", models: [insert(1), insert(2)] },
    { collection: "y", models: [insert(1), insert(1)] },
  ];
  await assert.rejects(commit("b", 1, 0, writes), (error: { code: number; result?: unknown }) => {
    assert.equal(error.code, 11000);
    assert.equal(error.result, undefined);
    return true;
  });
  assert.deepEqual(
    [await idsIn("x"), await idsIn("y"), await idsIn(jobBatchesCollection)],
    [[], [], []],
  );
  await commit("b", 1, 0, writes.slice(0, 1));
  await commit("b", 1, 0, writes.slice(0, 1));
  assert.deepEqual(await idsIn("x"), [1, 2]);
});

test("jobs whose time is over are forgotten with their records, others are not", async () => {
  await recordsOf("old").begin(identity, scope);
  await commit("old", 1, 0);
  await recordsOf("older").begin(identity, scope);
  const begunAt = new Date(Date.now() - jobRetentionMs - 1_000);
  for (const _id of ["a", "old"]) {
    await execute<"update">({
      kind: "update",
      db: "app",
      collection: jobsCollection,
      durability,
      filter: { _id },
      update: { $set: { begunAt } },
      replacement: false,
      multi: false,
      upsert: false,
    });
  }
  const begun = await recordsOf("old").begin(identity, scope);
  assert.ok(!begun.isEnded);
  assert.deepEqual([begun.run, begun.done], [1, []]);
  assert.deepEqual(await idsIn(jobsCollection), ["b", "old", "older"]);
  assert.deepEqual(await idsIn(jobBatchesCollection), ["b/000000000000"]);
});
