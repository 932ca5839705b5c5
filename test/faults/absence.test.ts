/** Threads that are busy, and processes that sleep, for longer than anybody waits for them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Agent, openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { Random, scaled, seed } from "../support/soak.js";

/** The others wait for no more than this ... */
const primaryTimeoutMs = 5_000;
/** ... and this is how long the fault lasts; a Host waits 5 s for a hello. */
const absentMs = scaled(6_000, 70_000);
const asleepMs = scaled(6_000, 70_000);
const posixOnly = { skip: process.platform === "win32" };

test(`main threads that are busy for ${absentMs} ms: with requests under way, and while the primary changes`, async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const heir = await openAgent(site, "heir", { primaryTimeoutMs });
  const busy = await openAgent(site, "busy", { ipc: "client", primaryTimeoutMs });
  await heir.event("primary-found");
  const file = join(site.folder, "enough");
  const increments = Array.from({ length: 200 }, () =>
    busy.things(
      "findOneAndUpdate",
      { _id: "n" },
      { $inc: { n: 1 } },
      { upsert: true, returnDocument: "after" },
    ),
  );
  const spun = busy.call("spin", file);
  await busy.event("spinning");
  await heir.things("insertOne", { _id: "before" });
  await primary.process.murder();
  await heir.event("role");
  await heir.things("insertOne", { _id: "after" });
  // Its hello is due in the time in which it can send none.
  await delay(absentMs);
  assert.deepEqual(busy.events("spun"), []);
  writeFileSync(file, "");
  await spun;
  const seen = (await Promise.all(increments)).map(({ n }) => n).sort((a, b) => a - b);
  assert.deepEqual(
    seen,
    increments.map((_, at) => at + 1),
  );
  assert.deepEqual((await heir.find({ _id: "n" }))[0].n, increments.length);
  assert.equal(site.lockRecord().epoch, 2);
  for (const agent of [heir, busy]) assert.deepEqual(agent.events("error"), []);
});

test(
  `all processes asleep for longer than they wait, and woken in any order (seed ${seed})`,
  posixOnly,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", { primaryTimeoutMs });
    const agents = [
      primary,
      await openAgent(site, "auto", { primaryTimeoutMs }),
      await openAgent(site, "client", { ipc: "client", primaryTimeoutMs }),
    ];
    for (const agent of agents) await agent.call("load", agent.name);
    const random = new Random(seed);
    const inserts = async (agent: Agent, more: number) => {
      const until = agent.acknowledged().length + more;
      await agent.process.until(
        "further inserts",
        () => agent.acknowledged().length >= until || undefined,
      );
    };
    for (let round = 0; round < scaled(1, 20); round += 1) {
      await Promise.all(agents.map((agent) => inserts(agent, 5)));
      await Promise.all(agents.map((agent) => agent.process.pause()));
      await delay(asleepMs);
      const left = [...agents];
      while (left.length > 0) {
        const [next] = left.splice(random.below(left.length), 1);
        next!.process.kill("SIGCONT");
        // Less than they wait: the machine wakes up its processes one after the other.
        await delay(random.below(primaryTimeoutMs / 10));
      }
    }
    await Promise.all(agents.map((agent) => inserts(agent, 5)));
    for (const agent of agents) {
      const { inserted, increments, errors } = await agent.stopLoad();
      assert.deepEqual(errors, []);
      assert.equal(await primary.things("countDocuments", { of: agent.name }), inserted.length);
      assert.equal((await primary.find({ _id: `counter-${agent.name}` }))[0].n, increments);
      assert.deepEqual(agent.events("primary-lost"), [], `${agent.name} loses nobody`);
    }
    assert.equal(site.lockRecord().epoch, 1);
    await checkIndexConsistency(site.rootPath);
  },
);
