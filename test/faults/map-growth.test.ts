/** A map that grows many times while several processes read it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agent, openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { Random, scaled, seed } from "../support/soak.js";

const documents = scaled(2_000, 100_000);
const chunk = 200;
const big = "z".repeat(6_000);

interface Reading {
  reads: number;
  done: Promise<void>;
}

/** Reads what is stored, in every way, until `isOver`. */
function beginReading(agent: Agent, random: Random, stored: () => number, isOver: () => boolean) {
  const reading: Reading = { reads: 0, done: Promise.resolve() };
  reading.done = (async () => {
    while (!isOver()) {
      const least = stored();
      const _id = random.below(least);
      const [found, counted, scanned] = await Promise.all([
        agent.things("findOne", { _id }),
        agent.things("countDocuments", { n: { $gte: 0 } }),
        agent.find({ _id: { $gte: _id } }, { limit: 300, projection: { n: 1 } }),
      ]);
      assert.equal(found.n, _id);
      assert.equal(found.big.length, big.length);
      assert.ok(counted >= least, `${counted} of ${least} are there`);
      assert.ok(scanned.length >= Math.min(300, least - _id));
      reading.reads += 3;
    }
  })();
  return reading;
}

test(`a map that grows is read by everybody all the time (seed ${seed})`, async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { durability: "committed" });
  const insert = (from: number) =>
    primary.things(
      "insertMany",
      Array.from({ length: chunk }, (_, at) => ({ _id: from + at, n: from + at, big })),
    );
  await insert(0);
  const sizeOf = async () =>
    ((await primary.chain(["listDatabases"])) as { totalSize: number }).totalSize;
  const sizeBefore = await sizeOf();
  const readers = [
    await openAgent(site, "client", { ipc: "client", cores: 1 }),
    await openAgent(site, "readonly", { ipc: "readonly", cores: 1 }),
  ];
  // A snapshot from before.
  const cursor = await readers[0]!.call("openCursor", 10);
  let stored = chunk;
  let isOver = false;
  const readings = [primary, ...readers].map((agent, at) =>
    beginReading(
      agent,
      new Random(seed + at),
      () => stored,
      () => isOver,
    ),
  );
  try {
    for (; stored < documents; stored += chunk) await insert(stored);
  } finally {
    isOver = true;
  }
  await Promise.all(readings.map(({ done }) => done));
  for (const { reads } of readings) assert.ok(reads > 10, `${reads} reads beside the inserts`);
  const rest = (await readers[0]!.call("readCursor", cursor)) as unknown[];
  assert.equal(rest.length, chunk - 1, "a cursor sees what there was when it was opened");
  const growth = (await sizeOf()) / sizeBefore;
  assert.ok(growth > 5, `the file has grown ${growth.toFixed(1)} times`);
});
