/**
 * A process that opened a database while the primary committed to it could take that commit back (ITS#9496): an
 * acknowledged write was lost, or the next commit found a damaged tree.
 */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Environment } from "../../../src/storage/environment.js";
import { type LockKind, lockFile } from "../../../src/storage/file-lock.js";
import { lockedByte } from "../../../src/storage/opening-lock.js";
import { progress, scaled } from "../../support/soak.js";
import { compiledTests, type Process, Site } from "../site.js";

const children = join(compiledTests, "process/regressions/children");
const linuxOnly = { skip: process.platform !== "linux" };
const key = Buffer.from("k");

/** A site with a database that this process writes to. */
function withDatabase(t: TestContext): { site: Site; folder: string; environment: Environment } {
  const site = new Site(t);
  const folder = join(site.folder, "db");
  const environment = Environment.open(folder, "write")!;
  return { site, folder, environment };
}

/** Waits until the kernel says that the process waits for a lock on the file. */
function waitsForLock(file: string, child: Process, ends: unknown): Promise<true> {
  const { ino } = statSync(file);
  return new Promise((resolve, reject) => {
    const look = () => {
      const waiting = readFileSync("/proc/locks", "utf8")
        .split("\n")
        .some((line) => line.includes("->") && line.includes(`:${ino} `));
      if (waiting) resolve(true);
      else if (child.messages.includes(ends)) reject(new Error(`${child.name} did not wait`));
      else if (child.ended) reject(new Error(`${child.name} has ended: ${child.stderr}`));
      else setImmediate(look);
    };
    look();
  });
}

/** Holds the lock as another process would. */
function held(file: string, kind: LockKind): () => void {
  const fd = openSync(file, "r+");
  lockFile(fd, lockedByte, kind);
  return () => closeSync(fd);
}

test("a process opens a database only while nobody commits", linuxOnly, async (t) => {
  const { site, folder, environment } = withDatabase(t);
  await environment.close();
  const file = join(folder, "data.mdb");
  const release = held(file, "exclusive");
  const opener = site.start("opener", join(children, "opens-again-and-again.js"), {
    args: [folder, "2"],
  });
  // It says so before each opening: the second time, the first one is over.
  const saidTwice = () => (opener.messages.length > 1 ? "twice" : undefined);
  await waitsForLock(file, opener, "never said");
  assert.equal(saidTwice(), undefined);
  release();
  assert.equal((await opener.exit()).code, 0);
});

test("the primary commits only while nobody opens the database", linuxOnly, async (t) => {
  const { site, folder, environment } = withDatabase(t);
  await environment.close();
  const file = join(folder, "data.mdb");
  const writer = site.start("writer", join(children, "commits-once.js"), { args: [folder] });
  await writer.until("open", () => writer.messages.includes("open") || undefined);
  const release = held(file, "shared");
  writer.send("commit");
  await waitsForLock(file, writer, "committed");
  release();
  assert.equal((await writer.exit()).code, 0);
  assert.ok(writer.messages.includes("committed"));
});

test(
  "a commit that waits has its turn before whoever opens the database next",
  linuxOnly,
  async (t) => {
    const { site, folder, environment } = withDatabase(t);
    await environment.close();
    const file = join(folder, "data.mdb");
    const writer = site.start("writer", join(children, "commits-once.js"), { args: [folder] });
    await writer.until("open", () => writer.messages.includes("open") || undefined);
    const release = held(file, "shared");
    writer.send("commit");
    await waitsForLock(file, writer, "committed");
    const opener = site.start("opener", join(children, "opens-again-and-again.js"), {
      args: [folder, "1"],
    });
    // Of the same kind as the lock that is held: only the gate keeps it.
    await waitsForLock(join(folder, "format.json"), opener, "never said");
    release();
    assert.equal((await writer.exit()).code, 0);
    assert.equal((await opener.exit()).code, 0);
  },
);

test("no commit is lost while a process opens the database again and again", async (t) => {
  const { site, folder, environment } = withDatabase(t);
  const opens = scaled(200, 20_000);
  const opener = site.start("opener", join(children, "opens-again-and-again.js"), {
    args: [folder, String(opens)],
  });
  let commits = 0;
  const commit = () => {
    const before = environment.stores.catalog.getBinary(key);
    assert.equal(before && Buffer.from(before).readUInt32BE(0), commits || undefined);
    commits += 1;
    const value = Buffer.alloc(4);
    value.writeUInt32BE(commits, 0);
    environment.stores.catalog.putSync(key, value);
  };
  while (!opener.ended) {
    for (let n = 0; n < 50; n += 1) environment.commit(commit, false);
    if (commits % 100_000 === 0) progress(`${opener.messages.length} openings, ${commits} commits`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await opener.exit()).code, 0, opener.stderr);
  assert.equal(opener.messages.length, opens);
  t.diagnostic(`${opens} openings during ${commits} commits`);
  await environment.close();
});
