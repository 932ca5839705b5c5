/** What keeps a process alive, and that nothing does after close(). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "../../src/index.js";
import { type AgentError, openAgent, startAgent } from "./agent.js";
import { compiledTests, Site } from "./site.js";

const script = join(compiledTests, "process/children/worker-main.js");
const inOrder = { code: 0, signal: null };

for (const mode of ["auto", "primary"]) {
  test(`after close() a process with ipc ${mode} ends by itself`, async (t) => {
    const site = new Site(t);
    const worker = site.start(mode, script, { args: [site.rootPath, mode, "close"] });
    assert.deepEqual(await worker.exit(), inOrder, worker.stderr);
    assert.equal(worker.stdout, "done\n");
    assert.equal(worker.stderr, "");
  });
}

for (const mode of ["auto", "client", "readonly"]) {
  for (const ending of ["close", "leave"]) {
    test(`beside a primary, ipc ${mode}, ${ending}: the process ends by itself`, async (t) => {
      const site = new Site(t);
      const primary = await openAgent(site, "primary");
      await primary.things(
        "insertMany",
        Array.from({ length: 2_000 }, (_, n) => ({ n })),
      );
      const worker = site.start(mode, script, { args: [site.rootPath, mode, ending] });
      assert.deepEqual(await worker.exit(), inOrder, worker.stderr);
      assert.equal(worker.stdout, "done\n");
      assert.equal(worker.stderr, "");
      // It took nobody with it.
      await primary.things("insertOne", {});
      assert.deepEqual(primary.events("primary-lost"), []);
    });
  }
}

test("process.exit() in the middle of reads and writes ends with the code it was given", async (t) => {
  const site = new Site(t);
  for (let round = 0; round < 2; round += 1) {
    const primary = site.start("primary", script, { args: [site.rootPath, "primary", "exit:3"] });
    assert.deepEqual(await primary.exit(), { code: 3, signal: null }, primary.stderr);
  }
  const primary = await openAgent(site, "primary");
  for (const mode of ["auto", "client", "readonly"]) {
    const worker = site.start(mode, script, { args: [site.rootPath, mode, "exit:7"] });
    assert.deepEqual(await worker.exit(), { code: 7, signal: null }, worker.stderr);
  }
  await primary.things("insertOne", {});
});

test("close() is idempotent, and every call waits for the end", async (t) => {
  const site = new Site(t);
  const agent = await openAgent(site, "agent");
  await Promise.all([agent.close(), agent.close(), agent.close()]);
  await agent.close();
  const next = await startAgent(site, "next").open({ ipc: "primary" });
  assert.equal(next.primary, true, "the root is free once close() has resolved");
});

test("close() right after the constructor works in every mode", async (t) => {
  const site = new Site(t);
  for (const ipc of [undefined, "primary", "client", "readonly"] as const) {
    const agent = startAgent(site, String(ipc));
    await agent.open({ ipc });
    await agent.close();
  }
  await openAgent(site, "primary");
  for (const ipc of [undefined, "client", "readonly"] as const) {
    const agent = startAgent(site, String(ipc));
    await agent.open({ ipc });
    await agent.close();
  }
});

test("after close() operations reject with CLOSED", async (t) => {
  const site = new Site(t);
  const { rootPath } = site;
  for (const ipc of ["primary", "client", "readonly"] as const) {
    const owner = ipc === "primary" ? undefined : new LioranManager({ rootPath, ipc: "primary" });
    const agent = await openAgent(site, ipc, { ipc });
    await agent.close();
    const closed = (error: AgentError) => error.code === "CLOSED";
    await assert.rejects(agent.things("insertOne", {}), closed);
    await assert.rejects(agent.find(), closed);
    await assert.rejects(agent.chain(["listDatabases"]), closed);
    await assert.rejects(agent.chain(["db", "other"]), closed);
    await owner?.close();
  }
});

test("close() lets what was asked for before finish", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  for (const agent of [client, primary]) {
    const outcomes = await agent.call("closeBusy", agent.name);
    assert.deepEqual(outcomes, { fulfilled: 320 }, agent.name);
  }
  const later = await openAgent(site, "later");
  assert.equal(await later.things("countDocuments", { of: "client" }), 300);
  assert.equal(await later.things("countDocuments", { of: "primary" }), 300);
});

test("close() of a client that waits for a primary ends the wait", async (t) => {
  const site = new Site(t);
  const client = startAgent(site, "client");
  await client.open({ ipc: "client" });
  const waiting = client.chain(["db", "app"]).then(
    () => "opened",
    (error: AgentError) => error.code,
  );
  await client.close();
  assert.equal(await waiting, "CLOSED");
});
