import assert from "node:assert/strict";
import { after, test } from "node:test";
import { LioranManager, runtimeOf } from "../../../src/api/manager.js";
import { Batches } from "../../../src/jobs/batches.js";
import type { DoneBatch } from "../../../src/jobs/job-records.js";
import type { Execute } from "../../../src/runtime/runtime.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const root = temporaryRoot();
const manager = new LioranManager({ rootPath: root.rootPath, cores: 0 });
after(async () => {
  await manager.close();
  root.remove();
});
const ids = [...Array.from({ length: 10 }, (_, at) => at), "a", "b", "c"];
await (await manager.db("app")).collection("things").insertMany(ids.map((_id) => ({ _id })));
const runtime = runtimeOf(manager);
const execute: Execute = (...call) => runtime.execute(...call);

function batchesFrom(size: number, done: DoneBatch[], filter = {}, lastId: unknown[] = ["c"]) {
  const source = { execute, db: "app", collection: "things", filter, size };
  return new Batches(source, lastId, done);
}

async function cut(batches: Batches): Promise<[number, after: unknown, upTo: unknown][]> {
  const all: [number, unknown, unknown][] = [];
  for (let batch = await batches.next(); batch; batch = await batches.next()) {
    all.push([batch.number, batch.range.after, batch.range.upTo]);
  }
  return all;
}

test("ranges follow each other and end with the last document", async () => {
  assert.deepEqual(await cut(batchesFrom(5, [])), [
    [0, undefined, 4],
    [1, 4, 9],
    [2, 9, "c"],
  ]);
  assert.deepEqual(await cut(batchesFrom(13, [])), [[0, undefined, "c"]]);
  assert.deepEqual(await cut(batchesFrom(100, [])), [[0, undefined, "c"]]);
  assert.deepEqual(await cut(batchesFrom(5, [], {}, [])), []);
});

test("a batch has so many documents that match", async () => {
  assert.deepEqual(await cut(batchesFrom(2, [], { _id: { $mod: [3, 0] } })), [
    [0, undefined, 3],
    [1, 3, 9],
    [2, 9, "c"],
  ]);
});

test("what is done is left out, whatever batches it was cut into", async () => {
  const done = [
    { number: 7, documents: 1, after: 9, upTo: "a" },
    { number: 2, documents: 3, after: 2, upTo: 5 },
  ];
  assert.deepEqual(await cut(batchesFrom(3, done)), [
    [8, undefined, 2],
    [9, 5, 8],
    [10, 8, 9],
    [11, "a", "c"],
  ]);
  const all = [
    { number: 0, documents: 10, upTo: 9 },
    { number: 1, documents: 3, after: 9, upTo: "c" },
  ];
  assert.deepEqual(await cut(batchesFrom(3, all)), []);
});

test("a batch that is tried again keeps its number, the rest of one gets another", async () => {
  const batches = batchesFrom(100, []);
  const whole = (await batches.next())!;
  assert.equal(await batches.next(), undefined);
  batches.retry(whole);
  assert.equal(await batches.next(), whole);
  batches.doneUpTo(whole, "c");
  assert.equal(await batches.next(), undefined);
  batches.doneUpTo(whole, 4);
  assert.deepEqual(await cut(batches), [[1, 4, "c"]]);
});
