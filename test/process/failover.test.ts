/** What happens to the others when the primary goes, in order or by SIGKILL. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent } from "./agent.js";
import { Site } from "./site.js";

interface Stored {
  _id: string;
  of?: string;
  n?: number;
}

/** The one agent that becomes primary. */
async function winnerOf(agents: Agent[]): Promise<Agent> {
  return Promise.race(
    agents.map(async (agent) => {
      await agent.event("role");
      return agent;
    }),
  );
}

/** Waits until an agent's load has had `count` more inserts acknowledged. */
function progress(agent: Agent, count: number): Promise<number> {
  const wanted = agent.acknowledged().length + count;
  return agent.process.until(`${wanted} acknowledged inserts`, () => {
    const { length } = agent.acknowledged();
    return length >= wanted ? length : undefined;
  });
}

test("three primaries in a row are killed under load: no acknowledged write is lost or doubled", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const agents = await Promise.all(["a", "b", "c"].map((name) => openAgent(site, name)));
  await Promise.all(agents.map((agent) => agent.call("load", agent.name)));
  await Promise.all(agents.map((agent) => progress(agent, 20)));

  const killed: Agent[] = [];
  let alive = agents;
  let primary = first;
  for (let epoch = 2; epoch <= 4; epoch += 1) {
    await primary.process.murder();
    const winner = await winnerOf(alive);
    await Promise.all(alive.map((agent) => progress(agent, 20)));
    assert.equal(site.lockRecord().epoch, epoch);
    assert.equal(site.lockRecord().pid, winner.process.pid);
    for (const agent of alive) {
      const expected = agent === winner ? 1 : 0;
      assert.equal(agent.events("role").length, expected, `${agent.name} in epoch ${epoch}`);
      const pid = winner.process.pid;
      assert.deepEqual(agent.events("primary-found").at(-1)?.[1], { pid, epoch });
    }
    if (epoch === 4) break;
    killed.push(winner);
    alive = alive.filter((agent) => agent !== winner);
    primary = winner;
  }

  const [survivor] = alive;
  const loaded = await survivor.stopLoad();
  assert.deepEqual(loaded.errors, []);
  const stored: Stored[] = await survivor.find();
  const ids = stored.filter(({ of }) => of === survivor.name).map(({ _id }) => _id);
  assert.deepEqual(
    ids.sort(),
    loaded.inserted.sort(),
    "each acknowledged insert once, and no other",
  );
  const counter = stored.find(({ _id }) => _id === `counter-${survivor.name}`);
  assert.equal(counter?.n, loaded.increments);

  // Of those that died as primary, at least what they had told us of is there.
  for (const agent of killed) {
    const there = new Set(stored.filter(({ of }) => of === agent.name).map(({ _id }) => _id));
    for (const id of agent.acknowledged()) assert.ok(there.has(id), `${id} is lost`);
  }
});

test("clients that survive a kill have every write exactly once, and their counters are exact", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const heir = await openAgent(site, "heir");
  const clients = await Promise.all(
    ["x", "y"].map((name) => openAgent(site, name, { ipc: "client" })),
  );
  const agents = [heir, ...clients];
  await Promise.all(agents.map((agent) => agent.call("load", agent.name)));
  await Promise.all(agents.map((agent) => progress(agent, 30)));
  await first.process.murder();
  await Promise.all(agents.map((agent) => progress(agent, 30)));
  const loads = await Promise.all(agents.map((agent) => agent.stopLoad()));

  const stored: Stored[] = await clients[0].find();
  for (const [at, { name }] of agents.entries()) {
    const { inserted, increments, errors } = loads[at];
    assert.deepEqual(errors, [], name);
    const ids = stored.filter(({ of }) => of === name).map(({ _id }) => _id);
    assert.deepEqual(ids.sort(), inserted.sort(), name);
    assert.equal(stored.find(({ _id }) => _id === `counter-${name}`)?.n, increments, name);
  }
  for (const client of clients) assert.deepEqual(client.events("role"), [], client.name);
});

test("a primary that closes under load hands over, and nobody's operations fail", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const agents = await Promise.all([
    openAgent(site, "heir"),
    openAgent(site, "client", { ipc: "client" }),
  ]);
  await Promise.all(agents.map((agent) => agent.call("load", agent.name)));
  await Promise.all(agents.map((agent) => progress(agent, 30)));
  await first.close();
  await Promise.all(agents.map((agent) => progress(agent, 30)));
  const loads = await Promise.all(agents.map((agent) => agent.stopLoad()));
  const stored: Stored[] = await agents[1].find();
  for (const [at, { name }] of agents.entries()) {
    assert.deepEqual(loads[at].errors, [], name);
    const ids = stored.filter(({ of }) => of === name).map(({ _id }) => _id);
    assert.deepEqual(ids.sort(), loads[at].inserted.sort(), name);
    assert.equal(stored.find(({ _id }) => _id === `counter-${name}`)?.n, loads[at].increments);
  }
  assert.equal(site.lockRecord().epoch, 2);
});

test("explicit clients wait for a new primary and go on", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const client = await openAgent(site, "client", { ipc: "client" });
  await client.things("insertOne", { _id: 1 });
  await first.process.murder();
  await client.event("primary-lost");
  const writes = [2, 3, 4].map((n) => client.things("insertOne", { _id: n }));
  assert.deepEqual(await client.find(), [{ _id: 1 }], "reads need no primary");
  await openAgent(site, "second", { ipc: "primary" });
  await Promise.all(writes);
  assert.equal((await client.find()).length, 4);
  assert.equal(site.lockRecord().epoch, 2);
});

test("a local cursor goes on through a take-over with the data it began with", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const client = await openAgent(site, "client", { ipc: "client" });
  const documents = Array.from({ length: 2_000 }, (_, _id) => ({ _id }));
  await first.things("insertMany", documents);
  const cursor = await client.call("openCursor", 10);
  await first.process.murder();
  const second = await openAgent(site, "second");
  await second.things("deleteMany", {});
  const rest = (await client.call("readCursor", cursor)) as unknown[];
  assert.deepEqual(rest, documents.slice(1));
});

test("a forwarded cursor fails with a retryable error after a take-over, and can be run again", async (t) => {
  const site = new Site(t);
  const first = await openAgent(site, "first");
  const client = await openAgent(site, "client", { ipc: "client", reads: "primary" });
  await first.things(
    "insertMany",
    Array.from({ length: 2_000 }, (_, _id) => ({ _id })),
  );
  const cursor = await client.call("openCursor", 10);
  await first.process.murder();
  await openAgent(site, "second");
  await assert.rejects(client.call("readCursor", cursor), (e: AgentError) => {
    assert.equal(e.code, 43);
    assert.equal(e.retryable, true);
    return true;
  });
  assert.equal((await client.find()).length, 2_000);
});
