/**
 * Loss of power: what processes write is noted call by call, played to a disk that keeps only what was flushed and any
 * part of the rest, and what is left is opened again.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Random, progress as say, scaled, seed } from "../../support/soak.js";
import { Disk, leastFate, someFate } from "./disk.js";
import { losses, someCuts, someOf } from "./losses.js";
import { afterFlushes } from "./replay.js";
import { traceRun } from "./run.js";
import { type Begin, type Event, whyUntraceable } from "./trace.js";
import type { WriterSpec } from "./workload.js";

/** LMDB's two meta pages lie before it. */
const firstPage = 2 * 4096;
const skip = whyUntraceable() ?? false;
const steps = scaled(16, 150);

function writer(name: string, db: string, random: Random): WriterSpec {
  return { name, db, seed: random.below(2 ** 31), steps };
}

/** A meta page that LMDB wrote without waiting: it may be on the disk before the pages that it leads to. */
function isUnflushedCommit(event: Event): event is Begin {
  if (event.kind !== "begin" || event.call !== "write") return false;
  return event.path.endsWith("data.mdb") && event.at > 0 && event.at < firstPage;
}

test(`power loss: what was acknowledged as flushed is there, the rest is whole (seed ${seed})`, {
  skip,
}, async (t) => {
  const random = new Random(seed);
  const fate = () => someFate(random);
  const run = await traceRun(t, [
    {
      writers: [{ ...writer("p1", "plain", random), first: 2_100 }, writer("p2", "other", random)],
    },
    { writers: [writer("c1", "plain", random), writer("c2", "other", random)] },
  ]);

  await t.test("the trace is complete: played to the end, it gives the files byte for byte", () => {
    const disk = new Disk(run.base);
    for (const event of run.events) disk.apply(event);
    for (const db of ["plain", "other"]) {
      for (const name of ["data.mdb", "format.json"]) {
        const file = join(run.rootPath, db, name);
        assert.ok(disk.content(file).equals(readFileSync(file)), file);
      }
      // Its table of readers lies in a map, and needs no disk.
      disk.mapped.delete(join(run.rootPath, db, "lock.mdb"));
    }
    assert.deepEqual([...disk.mapped], [], "files that are written through a map");
  });

  await t.test("flushed writers have no unflushed commit beside theirs", () => {
    const ids = run.events.flatMap((event) => (isUnflushedCommit(event) ? [event.id] : []));
    assert.deepEqual(ids, []);
  });

  await t.test("flushed writes survive", async () => {
    const cuts = someCuts(run.events, scaled(10, 2_000), random);
    const wrong = await losses(run, cuts, fate);
    say(`${cuts.length} cuts, ${wrong.length} wrong`);
    assert.equal(wrong.length, 0, wrong.slice(0, 3).join("\n\n"));
  });

  await t.test("flushed writes survive on a disk that keeps nothing else", async () => {
    const acknowledged = run.events.flatMap((event, at) =>
      event.kind === "mark" && event.text.startsWith("acknowledged") ? [at + 1] : [],
    );
    // The first is the one whose folders are new.
    const cuts = [acknowledged[0]!, ...someOf(acknowledged.slice(1), scaled(2, 500), random)];
    const wrong = await losses(run, cuts, () => leastFate);
    assert.equal(wrong.length, 0, wrong.slice(0, 3).join("\n\n"));
  });

  await t.test("an acknowledgement before its flush is found", async () => {
    const sent = run.events.flatMap((event, at) =>
      event.kind === "mark" && event.text.startsWith("sent") ? [at + 1] : [],
    );
    const cuts = someOf(sent, 2, random);
    const wrong = await losses(run, cuts, fate, {
      bounds: ({ sent }) => ({ least: sent, most: sent }),
    });
    assert.notEqual(wrong.length, 0, "nothing was found to be lost");
  });

  await t.test("a flush that is left out is found", async () => {
    const leftOut = new Set<string>();
    const events = run.events.filter((event) => {
      if (event.kind === "begin" && event.call === "flush" && event.path.endsWith("data.mdb")) {
        leftOut.add(event.id);
      }
      return event.kind === "mark" || !leftOut.has(event.id);
    });
    const cuts = someOf(afterFlushes(events).slice(-50), 2, random);
    const wrong = await losses({ ...run, events }, cuts, () => leastFate);
    assert.notEqual(wrong.length, 0, "nothing was found to be lost");
  });
});
