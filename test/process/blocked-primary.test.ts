/** A primary whose main thread computes still serves everybody: its Host is a thread of its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openAgent } from "./agent.js";
import { Site } from "./site.js";

const spinMs = 2_000;

test("clients write, read and come and go while the primary's main thread is busy", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  const forwarding = await openAgent(site, "forwarding", { ipc: "client", reads: "primary" });
  await client.things("insertOne", { _id: "first" });

  const spun = primary.call("spin", spinMs);
  await primary.event("spinning");
  for (let n = 0; n < 100; n += 1) await client.things("insertOne", { _id: n });
  assert.equal((await forwarding.find()).length, 101);
  assert.deepEqual(primary.events("spun"), [], "all that happened before the main thread was free");

  await spun;
  assert.equal((await primary.find()).length, 101);
});

test("a busy main thread does not keep a new client from connecting", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const spun = primary.call("spin", spinMs);
  await primary.event("spinning");
  const late = await openAgent(site, "late", { ipc: "client" });
  await late.things("insertOne", { _id: 1 });
  assert.deepEqual(primary.events("spun"), []);
  await spun;
});

test("a busy client holds up nobody else", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const busy = await openAgent(site, "busy");
  const other = await openAgent(site, "other");
  const spun = busy.call("spin", spinMs);
  await busy.event("spinning");
  for (let n = 0; n < 50; n += 1) {
    await other.things("insertOne", { _id: n });
    await primary.things("updateOne", { _id: n }, { $set: { seen: true } });
  }
  assert.deepEqual(busy.events("spun"), []);
  await spun;
  assert.equal(await busy.things("countDocuments", { seen: true }), 50);
});
