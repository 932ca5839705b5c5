/** Flushed writes that a loss of power took. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Environment } from "../../../src/storage/environment.js";
import { Site } from "../../process/site.js";
import { Disk, leastFate } from "./disk.js";
import { readTrace, traceInto, whyUntraceable } from "./trace.js";

const skip = whyUntraceable() ?? false;
const script = join(dirname(fileURLToPath(import.meta.url)), "storage-main.js");

/** Runs processes one after the other, loses power at the acknowledgement, and reads what an unflushed commit stored. */
async function storedAfter(t: TestContext, steps: string[]): Promise<string | undefined> {
  const site = new Site(t);
  const [log, base, left] = ["log", "disk", "left"].map((name) => join(site.folder, name));
  mkdirSync(base!);
  const env = traceInto(log!, base!);
  for (const step of steps) {
    const args = [join(base!, "root", "app"), step];
    await site.start(step, script, { args, env }).exit();
  }
  const disk = new Disk(base!);
  const events = readTrace(log!);
  const isAcknowledged = events.findIndex(({ kind }) => kind === "mark");
  assert.ok(isAcknowledged > 0, "nothing was acknowledged");
  for (const event of events.slice(0, isAcknowledged)) disk.apply(event);
  disk.losePower(leastFate, left!);
  const environment = Environment.open(join(left!, "root", "app"), "read");
  assert.ok(environment, "the database is gone");
  const value = environment.stores.documents.getBinary(Buffer.from("key"));
  await environment.close();
  return value && Buffer.from(value).toString();
}

test("a flushed write that found done what an unflushed commit did was acknowledged, and lost", {
  skip,
}, async (t) => {
  assert.equal(await storedAfter(t, ["empty-commit"]), "value");
});

test("what a primary committed before it was killed was told by the next one, and lost", {
  skip,
}, async (t) => {
  assert.equal(await storedAfter(t, ["die", "open-again"]), "value");
});
