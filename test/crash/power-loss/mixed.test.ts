/**
 * Loss of power where some writers are acknowledged before the flush (`durability: "committed"`). They may lose what was
 * not flushed, and LMDB says that their database may be damaged; other databases of the root may not. The long form
 * measures how often that happens on disks that keep any part of what was not flushed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isSoak, Random, progress as say, scaled, seed } from "../../support/soak.js";
import { someFate } from "./disk.js";
import { type Bounds, isEnd, losses, someCuts } from "./losses.js";
import { traceRun } from "./run.js";
import { whyUntraceable } from "./trace.js";
import type { WriterSpec } from "./workload.js";

const skip = whyUntraceable() ?? false;

test(`power loss: databases without unflushed writes do not suffer from those of others (seed ${seed})`, {
  skip,
}, async (t) => {
  const random = new Random(seed);
  const writer = (name: string, db: string): WriterSpec => ({
    name,
    db,
    seed: random.below(2 ** 31),
    steps: scaled(20, 80),
  });
  const run = await traceRun(t, [
    { writers: [writer("p1", "plain"), writer("p2", "mixed")] },
    { durability: "committed", writers: [writer("c1", "mixed"), writer("c2", "loose")] },
  ]);
  const fate = () => someFate(random);
  const cuts = someCuts(run.events, scaled(4, 300), random);

  await t.test("flushed writes of their own database survive", async () => {
    const wrong = await losses(run, cuts, fate, { only: ["plain"] });
    assert.equal(wrong.length, 0, wrong.slice(0, 3).join("\n\n"));
  });

  if (!isSoak) return;
  // What is acknowledged when it is committed need not be there.
  const onlyFlushed: Bounds = ({ spec, acknowledged, sent }) => ({
    least: spec.name === "p2" ? acknowledged : 0,
    most: sent,
  });
  for (const db of ["mixed", "loose"]) {
    const wrong = await losses(run, cuts, fate, { only: [db], bounds: onlyFlushed });
    const lost = wrong.filter((failure) => failure.includes("which was acknowledged")).length;
    const ended = wrong.filter(isEnd).length;
    const damaged = wrong.length - lost - ended;
    say(
      `${db}: ${cuts.length} cuts: ${lost} lost a write, ${damaged} damaged, ${ended} end a process`,
    );
    for (const failure of wrong.slice(0, 5)) say(failure.split("\n")[0]!);
  }
});
