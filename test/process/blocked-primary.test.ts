/** A primary whose main thread computes still serves everybody: its Host is a thread of its own. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Agent, openAgent } from "./agent.js";
import { Site } from "./site.js";

/** Keeps an agent's main thread busy. @returns what lets it go again, once */
async function keepBusy(site: Site, agent: Agent): Promise<() => Promise<void>> {
  const file = join(site.folder, "enough");
  const spun = agent.call("spin", file);
  await agent.event("spinning");
  return async () => {
    assert.deepEqual(agent.events("spun"), [], "all that happened before the main thread was free");
    writeFileSync(file, "");
    await spun;
  };
}

test("clients write, read and come and go while the primary's main thread is busy", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  const forwarding = await openAgent(site, "forwarding", { ipc: "client", reads: "primary" });
  await client.things("insertOne", { _id: "first" });

  const letGo = await keepBusy(site, primary);
  for (let n = 0; n < 100; n += 1) await client.things("insertOne", { _id: n });
  assert.equal((await forwarding.find()).length, 101);
  await letGo();
  assert.equal((await primary.find()).length, 101);
});

test("a busy main thread does not keep a new client from connecting", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const letGo = await keepBusy(site, primary);
  const late = await openAgent(site, "late", { ipc: "client" });
  await late.things("insertOne", { _id: 1 });
  await letGo();
});

test("a busy client holds up nobody else", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const busy = await openAgent(site, "busy");
  const other = await openAgent(site, "other");
  const letGo = await keepBusy(site, busy);
  for (let n = 0; n < 50; n += 1) {
    await other.things("insertOne", { _id: n });
    await primary.things("updateOne", { _id: n }, { $set: { seen: true } });
  }
  await letGo();
  assert.equal(await busy.things("countDocuments", { seen: true }), 50);
});
