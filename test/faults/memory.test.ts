/** A thread of the query pool that runs out of memory: its query fails, others do not, and the next ones are as ever. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { isSoak } from "../support/soak.js";
import { snapshotsOf } from "./faults.js";

/** Enough for a process, and less than what an aggregation may hold. */
const env = { NODE_OPTIONS: "--max-old-space-size=32" };
const documents = 17_000;
const chunk = 1_000;
const withFive = Array.from({ length: documents }, (_, n) => n).filter((n) =>
  /5/.test(`${n}`),
).length;

/** Lists of one number each take a multiple of what they are counted as. */
function greedy(agent: Agent): Promise<unknown> {
  const lists = { $range: [0, 300] };
  return agent.chain(
    ["db", "app"],
    ["collection", "things"],
    [
      "aggregate",
      [
        { $match: { n: { $gte: 0 } } },
        { $group: { _id: null, all: { $push: lists } } },
        { $project: { n: { $size: "$all" } } },
      ],
    ],
    ["toArray"],
  );
}

const last = (agent: Agent) =>
  agent.find({ n: { $gte: 0 } }, { sort: { text: -1 }, limit: 1, projection: { _id: 1 } });

function isOutOfMemory(error: AgentError): boolean {
  assert.equal(error.code, 292, error.message);
  return true;
}

const cases = [
  { whose: "one thread of its own pool", cores: 1, options: {} },
  { whose: "threads of the primary's pool", cores: 2, options: { reads: "primary" } },
] as const;

for (const { whose, cores, options } of isSoak ? cases : cases.slice(1)) {
  test(`a query that takes all memory of ${whose}`, async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", { cores }, { env });
    const client = await openAgent(site, "client", { ipc: "client", cores, ...options }, { env });
    for (let from = 0; from < documents; from += chunk) {
      const numbers = Array.from({ length: chunk }, (_, at) => from + at);
      await client.things(
        "insertMany",
        numbers.map((n) => ({ _id: n, n, text: `t${n}` })),
      );
    }
    const cursor = await client.call("openCursor", 10);
    const before = await last(client);
    await assert.rejects(greedy(client), isOutOfMemory);
    // More than there are threads: none of them is lost, also for reads that take several.
    const all = await Promise.all(Array.from({ length: cores + 2 }, () => last(client)));
    for (const found of all) assert.deepEqual(found, before);
    await assert.rejects(greedy(client), isOutOfMemory);
    assert.equal(await client.things("countDocuments", { text: /5/ }), withFive);
    // One that had its snapshot on the thread is told to begin again.
    const rest = await client.call("readCursor", cursor).catch((error: AgentError) => error.code);
    if (Array.isArray(rest)) assert.equal(rest.length, documents - 1);
    else assert.equal(rest, 43);
    await client.things("insertOne", { _id: "new" });
    // A snapshot that stays behind would keep space from being used again for as long as the process lives.
    const folder = join(site.rootPath, "app");
    for (const agent of [primary, client]) {
      const held = snapshotsOf(agent.process, folder);
      assert.ok(held.length <= 1, `${agent.name} has snapshots of ${held}`);
    }
    assert.equal(site.lockRecord().epoch, 1);
    await client.close();
    await primary.close();
    for (const agent of [primary, client]) assert.equal(agent.process.ended, undefined);
  });
}
