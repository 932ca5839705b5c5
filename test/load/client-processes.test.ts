/** Many client processes on one root, that come and go: some close, some are killed in the middle. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { compiledTests } from "../process/site.js";
import { progress, Random, scaled, seed } from "../support/soak.js";
import type { Acknowledged, Life } from "./children/short-life.js";
import { LoadSite } from "./load-site.js";

const atATime = scaled(12, 100);
const lives = scaled(12, 2_000);
/** So many processes that start together have a share of a core each. */
const deadlineMs = 180_000;
const script = join(compiledTests, "load/children/short-life.js");

/** What a life is known to have done. */
interface Lived {
  name: string;
  acknowledged: number;
  writes: number;
  isKilled: boolean;
}

test(`${lives} short lives, ${atATime} processes at a time: every acknowledged write is there (seed ${seed})`, async (t) => {
  const random = new Random(seed);
  const load = await LoadSite.start(t);
  const { rootPath } = load.site;
  const lived: Lived[] = [];
  let begun = 0;
  const lane = async () => {
    while (begun < lives) {
      begun += 1;
      lived.push(await live(`life-${begun}`));
      if (lived.length % 100 === 0) {
        progress(`${lived.length} lives, ${JSON.stringify(await load.held())}`);
      }
    }
  };
  const live = async (name: string): Promise<Lived> => {
    const writes = 1 + random.below(8);
    const ipc = random.below(2) === 0 ? ({ ipc: "client" } as const) : {};
    const reads = random.pick(["local", "primary"] as const);
    // A hundred processes that start at once can leave the Host a fiftieth of a core.
    const patience = { primaryTimeoutMs: deadlineMs };
    const options = { rootPath, reads, durability: "committed", ...patience, ...ipc } as const;
    const killAfter = random.below(2) === 0 ? random.below(writes) : undefined;
    const life: Life = {
      name,
      options,
      writes,
      ...(killAfter !== undefined && { killedAfter: killAfter }),
    };
    const process = load.site.start(name, script, { args: [JSON.stringify(life)], deadlineMs });
    if (killAfter !== undefined) {
      await process.until(
        `${killAfter} writes`,
        () => process.messages[killAfter - 1] ?? (killAfter === 0 || undefined),
      );
      await process.murder();
    }
    const { code, signal } = await process.exit();
    const isKilled = killAfter !== undefined;
    assert.deepEqual([code, signal], isKilled ? [null, "SIGKILL"] : [0, null], process.stderr);
    const last = process.messages.at(-1) as Acknowledged | undefined;
    const acknowledged = last?.acknowledged ?? 0;
    assert.equal(acknowledged, isKilled ? killAfter : writes);
    return { name, acknowledged, writes, isKilled };
  };
  await Promise.all(Array.from({ length: atATime }, lane));

  await using reader = new LioranManager({ rootPath, ipc: "readonly" });
  const things = (await reader.db("app")).collection<{ _id: string; n?: number }>("things");
  const found = new Map((await things.find({}).toArray()).map(({ _id, n }) => [_id, n]));
  for (const { name, acknowledged, writes, isKilled } of lived) {
    const inserted = Array.from({ length: writes }, (_, n) => found.has(`${name}-${n}`));
    const count = inserted.filter(Boolean).length;
    assert.deepEqual(
      inserted,
      Array.from({ length: writes }, (_, n) => n < count),
      name,
    );
    const increments = found.get(name) ?? 0;
    // The one that was under way when it was killed may or may not have been applied.
    for (const done of [count, increments]) {
      assert.ok(done >= acknowledged && done <= acknowledged + (isKilled ? 1 : 0), name);
    }
    assert.ok(
      Math.abs(count - increments) <= 1,
      `${name}: ${count} inserts, ${increments} increments`,
    );
  }
  await reader.close();
  await load.untilBack();
  // What is stored for clients that left in order goes with the next commit.
  await load.primary.things("insertOne", {});
  const killed = lived.filter(({ isKilled }) => isKilled).length;
  const sessions = load.sessionsOf("app");
  assert.ok(sessions <= killed + 1, `${sessions} clients have records, ${killed} were killed`);
  t.diagnostic(`${lives} lives, ${killed} killed, ${found.size} documents, ${sessions} sessions`);
});
