/** LMDB's table of readers is full: who finds no place says so, and reads once somebody has gone. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent, startAgent } from "../process/agent.js";
import { compiledTests, type Process, Site } from "../process/site.js";

const script = join(compiledTests, "faults/children/small-table-main.js");

/** A process that opens the database with a table of so many places, unless another one has it open, and takes some. */
async function takePlaces(
  site: Site,
  name: string,
  table: number,
  places: number,
): Promise<Process> {
  const args = [site.rootPath, String(table), String(places)];
  const holder = site.start(name, script, { args });
  await holder.until("its places", () => holder.messages[0]);
  return holder;
}

function isFull(error: AgentError): boolean {
  assert.equal(error.code, "IO", error.message);
  assert.match(
    error.message,
    /MDB_READERS_FULL.*Too many threads and processes read this database/,
  );
  return true;
}

const byId = (agent: Agent) => agent.things("findOne", { _id: 1 });
const onThread = (agent: Agent) => agent.find({ n: { $gte: 1_999 } }, { sort: { n: 1 } });

test("a full table of readers: a clear error, and reads once a reader was killed", async (t) => {
  const site = new Site(t);
  const maker = await openAgent(site, "maker");
  await maker.things(
    "insertMany",
    Array.from({ length: 2_000 }, (_, n) => ({ _id: n, n })),
  );
  await maker.close();
  await maker.process.murder();
  rmSync(join(site.rootPath, "app", "lock.mdb"));
  const stays = await takePlaces(site, "the one that stays", 16, 4);
  const goes = await takePlaces(site, "the one that goes", 16, 12);

  const primary = startAgent(site, "primary");
  await primary.open();
  await assert.rejects(byId(primary), isFull);
  await assert.rejects(onThread(primary), isFull);
  await assert.rejects(primary.things("insertOne", { _id: "new" }), isFull);
  // It leaves its places behind, and nobody may begin the table anew: another process uses it.
  await goes.murder();
  assert.deepEqual(await byId(primary), { _id: 1, n: 1 });
  assert.deepEqual(await onThread(primary), [{ _id: 1_999, n: 1_999 }]);
  await primary.things("insertOne", { _id: "new" });
  assert.deepEqual(primary.events("error"), []);
  assert.equal(stays.ended, undefined);
});

test("readers that lose their places while they read: the same, with databases that are open", async (t) => {
  const site = new Site(t);
  const maker = await openAgent(site, "maker");
  await maker.things(
    "insertMany",
    Array.from({ length: 2_000 }, (_, n) => ({ _id: n, n })),
  );
  await maker.close();
  await maker.process.murder();
  rmSync(join(site.rootPath, "app", "lock.mdb"));
  const stays = await takePlaces(site, "the one that stays", 16, 1);
  const primary = await openAgent(site, "primary");
  assert.deepEqual(await byId(primary), { _id: 1, n: 1 });
  const goes = await takePlaces(site, "the one that goes", 16, 99);

  // What has a place goes on; a thread that starts now has none.
  assert.deepEqual(await byId(primary), { _id: 1, n: 1 });
  await primary.things("insertOne", { _id: "new" });
  await assert.rejects(onThread(primary), isFull);
  await goes.murder();
  assert.deepEqual(await onThread(primary), [{ _id: 1_999, n: 1_999 }]);
  assert.deepEqual(primary.events("error"), []);
  assert.equal(stays.ended, undefined);
});
