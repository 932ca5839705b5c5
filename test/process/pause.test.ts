/** A primary that is stopped (SIGSTOP) keeps its lock: the others wait, and say so in time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentError, openAgent, startAgent } from "./agent.js";
import { Site } from "./site.js";

const posixOnly = { skip: process.platform === "win32" };
const primaryTimeoutMs = 500;

test(
  "nobody takes over from a paused primary, and everything goes on afterwards",
  posixOnly,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary");
    const client = await openAgent(site, "client", { ipc: "client", primaryTimeoutMs });
    const auto = await openAgent(site, "auto", { primaryTimeoutMs });
    const forwarding = await openAgent(site, "forwarding", { primaryTimeoutMs, reads: "primary" });
    await client.things("insertOne", { _id: 1 });

    await primary.process.pause();
    const unknown = (error: AgentError) => {
      assert.equal(error.code, "OUTCOME_UNKNOWN");
      assert.equal(error.retryable, false);
      assert.ok(error.message.includes(String(primary.process.pid)), error.message);
      return true;
    };
    const silent = (error: AgentError) => {
      assert.equal(error.code, "NO_PRIMARY");
      assert.equal(error.retryable, true);
      assert.ok(error.message.includes(String(primary.process.pid)), error.message);
      return true;
    };
    await Promise.all([
      assert.rejects(client.things("insertOne", { _id: 2 }), unknown),
      assert.rejects(auto.things("updateOne", { _id: 1 }, { $inc: { n: 1 } }), unknown),
      assert.rejects(forwarding.find(), silent),
    ]);
    assert.deepEqual(await client.find({ _id: 1 }), [{ _id: 1 }], "local reads go on");
    assert.deepEqual(await auto.find({ _id: 1 }), [{ _id: 1 }]);
    await assert.rejects(
      startAgent(site, "rival").open({ ipc: "primary" }),
      (error: AgentError) => error.code === "LOCK_HELD",
    );
    const late = startAgent(site, "late");
    assert.equal((await late.open({ primaryTimeoutMs })).client, true);
    assert.equal(site.lockRecord().epoch, 1);
    for (const agent of [client, auto, forwarding]) assert.deepEqual(agent.events("role"), []);

    primary.process.kill("SIGCONT");
    for (const agent of [client, auto, forwarding]) {
      await agent.things("insertOne", { _id: agent.name });
    }
    await late.event("primary-found");
    await late.things("insertOne", { _id: "late" });
    // What had been sent was applied once the primary went on, exactly once.
    const [first] = await forwarding.find({ _id: 1 });
    assert.deepEqual(first, { _id: 1, n: 1 });
    assert.equal(await client.things("countDocuments", { _id: 2 }), 1);
    assert.equal(site.lockRecord().epoch, 1);
  },
);

test("a short pause is not noticed by anybody but in time", posixOnly, async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  await primary.process.pause();
  const writes = Array.from({ length: 100 }, (_, n) => client.things("insertOne", { _id: n }));
  assert.deepEqual(await client.find(), []);
  primary.process.kill("SIGCONT");
  await Promise.all(writes);
  assert.equal((await client.find()).length, 100);
  assert.deepEqual(client.events("primary-lost"), []);
});

test("a paused primary that is killed is replaced", posixOnly, async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const heir = await openAgent(site, "heir");
  await primary.process.pause();
  const inserted = heir.things("insertOne", { _id: 1 });
  await primary.process.murder();
  await inserted;
  assert.deepEqual(await heir.find(), [{ _id: 1 }]);
  assert.deepEqual((await heir.event("role")).slice(1), ["client", "primary"]);
});
