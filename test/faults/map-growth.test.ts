/** A map that grows many times while several processes read it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agent, openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { Random, scaled, seed } from "../support/soak.js";

const documents = scaled(2_000, 100_000);
const chunk = 200;
const big = "z".repeat(6_000);

/** Reads what is stored, in several ways. */
async function read(agent: Agent, _id: number, stored: number): Promise<void> {
  const [found, counted, scanned] = await Promise.all([
    agent.things("findOne", { _id }),
    agent.things("countDocuments", { n: { $gte: 0 } }),
    agent.find({ _id: { $gte: _id } }, { limit: 300, projection: { n: 1 } }),
  ]);
  assert.equal(found.n, _id);
  assert.equal(found.big.length, big.length);
  assert.ok(counted >= stored, `${counted} of ${stored} are there`);
  assert.ok(scanned.length >= Math.min(300, stored - _id));
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
  const random = new Random(seed);
  for (let stored = chunk; stored < documents; stored += chunk) {
    const reads = [primary, ...readers].map((agent) => read(agent, random.below(stored), stored));
    await Promise.all([insert(stored), ...reads]);
  }
  const rest = (await readers[0]!.call("readCursor", cursor)) as unknown[];
  assert.equal(rest.length, chunk - 1, "a cursor sees what there was when it was opened");
  const growth = (await sizeOf()) / sizeBefore;
  assert.ok(growth > 5, `the file has grown ${growth.toFixed(1)} times`);
});
