/**
 * A client reads its cursors at the primary, and reads them slowly: the primary holds no results for it, and no
 * snapshot for longer than it may.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { LioranManager } from "@liorandb/core";
import { open } from "lmdb";
import { snapshotAgeMaxMs } from "../../src/limits.js";
import { type AgentError, openAgent } from "./agent.js";
import { compiledTests, deadlineMs, Site } from "./site.js";

const preload = pathToFileURL(join(compiledTests, "process/children/minute-on-call.js")).href;
const cursors = 200;
const documents = 20_000;
const padding = "p".repeat(1_000);

function* all() {
  for (let _id = 0; _id < documents; _id += 1) yield { _id, padding };
}

test("200 cursors that nobody reads on hold no results in the primary", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { cores: 2 });
  const { rootPath } = site;
  await using client = new LioranManager({ rootPath, ipc: "client", reads: "primary" });
  const things = (await client.db("app")).collection("things");
  await things.insertMany(all());
  const begin = async () => {
    const cursor = things.find().batchSize(2);
    assert.equal((await cursor.next())!._id, 0);
    // Not the cursor itself: a promise that resolves to it would read it.
    return { cursor };
  };
  // Threads, their modules and the pages of the file are there before anything is compared.
  await Promise.all(Array.from({ length: 20 }, async () => (await begin()).cursor.close()));
  assert.equal((await things.find().toArray()).length, documents);
  const before = (await primary.call("residentBytes")) as number;
  const begun = await Promise.all(Array.from({ length: cursors }, begin));
  const grownMiB = (((await primary.call("residentBytes")) as number) - before) / 2 ** 20;
  // Had each of them read a batch of the usual 1 MiB ahead, these would be 200 MiB.
  assert.ok(grownMiB < 64, `the primary has grown by ${grownMiB} MiB`);
  for (const { cursor } of begun) assert.equal((await cursor.next())!._id, 1);
  assert.equal((await begun[0]!.cursor.toArray()).length, documents - 2);
});

test("the snapshot of a cursor that is read too slowly goes by itself, and the cursor says so", async (t) => {
  assert.equal(snapshotAgeMaxMs, 60_000, "the minute that the child waits for");
  const site = new Site(t);
  const minuteOver = join(site.folder, "minute-over");
  const env = { NODE_OPTIONS: `--import ${preload}`, MINUTE_OVER: minuteOver };
  const primary = await openAgent(site, "primary", { cores: 1 }, { env });
  await primary.things("insertMany", Array.from(all()).slice(0, 2_000));
  const client = await openAgent(site, "client", { ipc: "client", reads: "primary" });
  const cursor = await client.call("openCursor", 2);
  // From now on only what was opened before can hold an older commit.
  const database = open({ path: join(site.rootPath, "app"), noSubdir: false });
  t.after(() => database.close());
  const { lastTxnId } = (database as unknown as Native).env.info();
  await client.things("insertOne", { _id: "later" });
  const isHeld = () =>
    snapshotsOf(database as unknown as Native, primary.process.pid).some((id) => id <= lastTxnId);
  assert.equal(isHeld(), true, "the cursor reads in its snapshot");

  writeFileSync(minuteOver, "");
  const deadline = Date.now() + deadlineMs;
  while (isHeld()) {
    assert.ok(Date.now() < deadline, "the primary still holds the snapshot");
    await nextTurn();
  }
  await assert.rejects(client.call("readCursor", cursor), (error: AgentError) => {
    assert.deepEqual([error.code, error.retryable], [239, true]);
    return true;
  });
  rmSync(minuteOver);
  const { openCursors } = (await client.chain(["status"])) as { openCursors: number };
  assert.equal(openCursors, 0);
  assert.equal((await client.find()).length, 2_001);
});

/** What lmdb-js has and its types do not. */
interface Native {
  env: { info(): { lastTxnId: number } };
  readerList(): string;
}

/** The commits that a process reads at the moment, from LMDB's table: process, thread, commit or "-". */
function snapshotsOf(database: Native, pid: number): number[] {
  const rows = database.readerList().split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([process, , commit]) => process === String(pid) && commit !== "-")
    .map(([, , commit]) => Number(commit));
}
