/** No file descriptors left, in a primary and in a client: clear errors, no spinning, and all goes on with new ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent, startAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { noLimits, setLimit, usedMs } from "./faults.js";

const linuxOnly = { skip: noLimits };

/** Takes all that are left to a process. */
async function takeAll(agent: Agent): Promise<void> {
  setLimit(agent.process, "nofile", 100);
  assert.ok(((await agent.call("takeDescriptors")) as number) > 0);
}

function isOutOfDescriptors(error: AgentError): boolean {
  assert.equal(error.code, "IO", error.message);
  assert.match(error.message, /too many open files/i);
  return true;
}

test(
  "a primary without descriptors serves whom it has, and takes on others later",
  linuxOnly,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary");
    const client = await openAgent(site, "client", { ipc: "client" });
    await client.things("insertOne", { _id: 1 });
    await takeAll(primary);

    const late = startAgent(site, "late");
    await late.open({ ipc: "client", primaryTimeoutMs: 1_000 });
    const usedBefore = usedMs(primary.process);
    await assert.rejects(late.things("insertOne", { _id: 2 }), (error: AgentError) => {
      assert.equal(error.code, "NO_PRIMARY");
      assert.match(error.message, /Last failure: /);
      return true;
    });
    const used = usedMs(primary.process) - usedBefore;
    assert.ok(used < 700, `it took ${used} ms of the processor to refuse connections for a second`);
    await client.things("insertOne", { _id: 3 });
    const inOther = (_id: number) =>
      client.chain(["db", "other"], ["collection", "things"], ["insertOne", { _id }]);
    await assert.rejects(inOther(1), isOutOfDescriptors);

    await primary.call("giveDescriptors");
    await late.event("primary-found");
    await late.things("insertOne", { _id: 4 });
    await inOther(1);
    assert.deepEqual(
      (await primary.find({}, { sort: { _id: 1 } })).map(({ _id }) => _id),
      [1, 3, 4],
    );
    assert.equal(site.lockRecord().epoch, 1);
    for (const agent of [primary, client, late]) assert.deepEqual(agent.events("error"), []);
  },
);

test(
  "a client without descriptors says so, and does what it could not once it has some",
  linuxOnly,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary");
    const client = await openAgent(site, "client", { primaryTimeoutMs: 1_000 });
    const documents = Array.from({ length: 2_000 }, (_, n) => ({ _id: n, n }));
    await primary.things("insertMany", documents);
    await primary.things("insertOne", { _id: "pattern", like: /x/i });
    await primary.chain(["db", "other"], ["collection", "things"], ["insertOne", { _id: 1 }]);
    await takeAll(client);

    // All of these load code, open files or start threads for the first time.
    const firsts: Record<string, () => Promise<unknown>> = {
      "another database": () =>
        client.chain(["db", "other"], ["collection", "things"], ["findOne", { _id: 1 }]),
      "a query": () => client.find({ n: 7 }, { limit: 1 }),
      "a query on a thread": () => client.find({ n: { $gte: 1_999 } }, { sort: { n: -1 } }),
      "a library of operators": () =>
        client.find({ $expr: { $eq: [{ $trunc: { $sin: "$n" } }, { $cos: 0 }] } }, { limit: 1 }),
      "a decoder": () => client.things("findOne", { _id: "pattern" }),
      "an encoder": () => client.things("insertOne", { _id: "date", at: new Date(0) }),
      "a new _id": () => client.things("insertOne", { n: -1 }),
    };
    for (const [what, first] of Object.entries(firsts)) {
      // On a busy machine its threads may still have had files open that they only read.
      await client.call("takeDescriptors");
      await assert.rejects(first(), isOutOfDescriptors, what);
    }
    await client.things("insertOne", { _id: "with an _id" });

    await primary.process.murder();
    await client.event("primary-lost");
    await assert.rejects(client.things("insertOne", { _id: "no primary" }), (error: AgentError) => {
      assert.equal(error.code, "NO_PRIMARY");
      assert.match(error.message, /Last failure: .*too many open files/);
      return true;
    });

    await client.call("giveDescriptors");
    await client.event("primary-found", 2);
    for (const [what, first] of Object.entries(firsts)) await assert.doesNotReject(first(), what);
    assert.equal(await client.things("countDocuments", { _id: "with an _id" }), 1);
    assert.deepEqual(client.events("error"), []);
  },
);

test(
  "a process whose pool has no descriptors for a thread gets one later",
  linuxOnly,
  async (t) => {
    const site = new Site(t);
    const agent = await openAgent(site, "agent", { cores: 2 });
    await agent.things(
      "insertMany",
      Array.from({ length: 3_000 }, (_, n) => ({ _id: n, n })),
    );
    const heavy = () => agent.find({ n: { $gte: 2_999 } }, { sort: { n: -1 } });
    await heavy();
    await takeAll(agent);
    // One thread is there; for a second one Node has no descriptors.
    const both = await Promise.allSettled([heavy(), heavy(), heavy()]);
    for (const outcome of both) {
      if (outcome.status === "rejected") isOutOfDescriptors(outcome.reason);
      else assert.equal(outcome.value.length, 1);
    }
    await agent.call("giveDescriptors");
    const after = await Promise.all([heavy(), heavy(), heavy()]);
    assert.deepEqual(
      after.map(({ length }) => length),
      [1, 1, 1],
    );
  },
);
