import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { before, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Dispatcher } from "../../../src/dispatch/dispatcher.js";
import type { QueryPool } from "../../../src/dispatch/equipment.js";
import { loadReads } from "../../../src/dispatch/late.js";
import type { FindOperation } from "../../../src/dispatch/operation.js";
import { LioranManager } from "../../../src/index.js";
import { CommitClock } from "../../../src/storage/commit-clock.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const find: FindOperation = { kind: "find", db: "app", collection: "items", filter: { a: 1 } };
const items = [
  { _id: 1, a: 1 },
  { _id: 2, a: 1 },
];

/** A clock on which something happens right after somebody has read it. */
class InterruptedClock extends CommitClock {
  onRead: (() => void) | undefined;

  override get time(): number {
    const time = super.time;
    const { onRead } = this;
    this.onRead = undefined;
    onRead?.();
    return time;
  }
}

const dropIndex = `
  import { LioranManager } from "@liorandb/core";
  const manager = new LioranManager({ rootPath: process.argv[1] });
  await (await manager.db("app")).collection("items").dropIndex("a_1");
  await manager.close();
`;

before(loadReads);

test("the clock of another Host at the same time says nothing about what was seen by the first", async () => {
  using root = temporaryRoot();
  await fill(root.rootPath);
  const databases = acquireDatabases(root.rootPath, "read");
  databases.clock = new CommitClock();
  const dispatcher = new Dispatcher({ databases, reads: "local", pool: {} as QueryPool });
  assert.deepEqual(dispatcher.findNow(find), items);
  await nextTurn();
  runElsewhere(dropIndex, root.rootPath);
  databases.clock = new CommitClock();
  assert.deepEqual(dispatcher.findNow(find), items);
  await databases.release();
});

test("a commit between the look at the clock and the read does not make the read miss anything", async () => {
  using root = temporaryRoot();
  await fill(root.rootPath);
  const databases = acquireDatabases(root.rootPath, "read");
  const clock = new InterruptedClock();
  databases.clock = clock;
  const dispatcher = new Dispatcher({ databases, reads: "local", pool: {} as QueryPool });
  assert.deepEqual(dispatcher.findNow(find), items);
  clock.onRead = () => {
    // Its entries are gone when the process has ended.
    clock.commit(() => runElsewhere(dropIndex, root.rootPath));
  };
  assert.deepEqual(dispatcher.findNow(find), items);
  assert.equal(clock.onRead, undefined);
  await databases.release();
});

function runElsewhere(program: string, rootPath: string): void {
  execFileSync(process.execPath, ["--input-type=module", "--eval", program, rootPath], {
    cwd: import.meta.dirname,
  });
}

async function fill(rootPath: string): Promise<void> {
  await using manager = new LioranManager({ rootPath });
  const collection = (await manager.db("app")).collection("items");
  await collection.insertMany(items);
  await collection.createIndex({ a: 1 });
}
