/**
 * Every operation of every process takes effect at one moment between its call and its return: histories of several
 * processes, with kills, pauses and orderly ends, are held against that.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ManagerOptions } from "@liorandb/core";
import { isSoak, progress, Random, scaled, seed } from "../support/soak.js";
import { explain, findViolation } from "./checker.js";
import type { RecordingOptions } from "./children/recording-main.js";
import { Crowd, crowds } from "./crowd.js";

const posixOnly = { skip: process.platform === "win32" };
const events = scaled(4, 42);
/** Of the process that only reads, between two events. */
const operationsBetween = scaled(80, 120);

const total = { histories: 0, operations: 0, unanswered: 0, kills: 0, pauses: 0, closes: 0 };

async function tryHistory(
  t: TestContext,
  from: number,
  registers: RecordingOptions["registers"],
  options: readonly ManagerOptions[],
): Promise<void> {
  const random = new Random(from);
  const crowd = new Crowd(t, random, registers);
  const happened: string[] = [];
  await crowd.start(options);
  for (let n = 0; n < events; n += 1) {
    await crowd.work(operationsBetween);
    happened.push(await crowd.happen());
  }
  await crowd.work(operationsBetween);
  const history = await crowd.end();
  const violation = findViolation(history);
  assert.equal(violation && `${explain(violation)}\n${happened.join("\n")}`, undefined);
  const unanswered = history.filter(({ returnedAt }) => returnedAt === Number.POSITIVE_INFINITY);
  const { kills, pauses, closes } = crowd;
  total.histories += 1;
  total.operations += history.length;
  total.unanswered += unanswered.length;
  total.kills += kills;
  total.pauses += pauses;
  total.closes += closes;
  t.diagnostic(`${history.length} operations, ${kills} kills, ${pauses} pauses, ${closes} closes`);
  progress(`seed ${from}: so far ${JSON.stringify(total)}`);
}

const short = [
  ["documents", "reads in both places"],
  ["collections", "reads in both places"],
] as const;
const all = (["documents", "collections"] as const).flatMap((registers) =>
  (Object.keys(crowds) as (keyof typeof crowds)[]).map((crowd) => [registers, crowd] as const),
);

for (let round = 0; round < scaled(1, 20); round += 1) {
  for (const [at, [registers, crowd]] of (isSoak ? all : short).entries()) {
    const from = seed + 100 * round + at;
    test(`${registers}, ${crowd}: there is one order (seed ${from})`, posixOnly, (t) =>
      tryHistory(t, from, registers, crowds[crowd]),
    );
  }
}
