/** The primary's own main thread and its Host: what happens when the way between them is disturbed. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "../../../src/index.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { PortChannel } from "../../../src/transport/port-channel.js";
import { temporaryRoot } from "../../support/temporary-root.js";
import { type AgentError, openAgent, startAgent } from "../agent.js";
import { compiledTests, Site } from "../site.js";

/** Longer than a handshake may take. */
const busyMs = 6_000;
const script = join(compiledTests, "process/regressions/children/lost-connection.js");

test("after the connection to its own Host was lost a primary has one Host, and close() ends the process", async (t) => {
  const site = new Site(t);
  const worker = site.start("primary", script, { args: [site.rootPath] });
  await worker.until("its first insert", () => worker.stdout.includes("ready") || undefined);
  const client = await openAgent(site, "client", { ipc: "client" });
  await client.things("insertOne", { _id: "before" });

  worker.send("lose");
  await worker.until("its recovery", () => worker.stdout.includes("recovered") || undefined);
  // Nobody is left behind at the old Host.
  await client.things("insertOne", { _id: "after" });
  const [, primary] = await client.event("primary-found", 2);
  assert.deepEqual(primary, { pid: worker.pid, epoch: 2 });
  const { epoch, endpoint } = site.lockRecord();
  assert.equal(epoch, 2);
  if (process.platform !== "win32") assert.match(endpoint, /-2\.sock$/);

  worker.send("close");
  assert.deepEqual(await worker.exit(), { code: 0, signal: null }, worker.stderr);
  assert.deepEqual(JSON.parse(worker.stdout.split("\n").at(-2)!), {
    hostsAfterRecovery: 1,
    hostsAfterClose: 0,
    ids: ["after", "before", "own-after", "own-before"],
  });
  assert.equal(worker.stderr, "");
});

/** Runs `busy` in the turn of the greeting, before it has left, or in the one after. */
const busyMoments: Record<string, (busy: () => void) => void> = {
  "in the turn of its greeting": (busy) => busy(),
  "before the answer to its greeting": (busy) => setImmediate(busy),
};

for (const [moment, whenGreeting] of Object.entries(busyMoments)) {
  test(`a main thread that is busy ${moment} to its Host stays a healthy primary`, async (t) => {
    using root = temporaryRoot();
    const send = PortChannel.prototype.send;
    let timesBusy = 0;
    t.mock.method(
      PortChannel.prototype,
      "send",
      function (this: PortChannel, ...frame: Parameters<typeof send>) {
        send.apply(this, frame);
        if (frame[0] !== FrameKind.hello) return;
        timesBusy += 1;
        whenGreeting(() => beBusy(busyMs));
      },
    );
    await using manager = new LioranManager({ rootPath: root.rootPath });
    const events: unknown[][] = [];
    for (const name of ["role", "primary-lost", "error"] as const) {
      manager.on(name, (...args: unknown[]) => events.push([name, ...args]));
    }
    const things = (await manager.db("app")).collection("things");
    await things.insertOne({ a: 1 });
    assert.equal(timesBusy, 1);
    assert.equal(await things.countDocuments({}), 1);
    const { role, epoch } = await manager.status();
    assert.deepEqual({ role, epoch, events }, { role: "primary", epoch: 1, events: [] });
  });
}

test("a write is not given up because its own thread was busy for longer than primaryTimeoutMs", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath, primaryTimeoutMs: 3_000 });
  const things = (await manager.db("app")).collection("things");
  const before = things.insertOne({ _id: "asked before" });
  beBusy(4_500);
  const after = things.insertOne({ _id: "asked after" });
  await Promise.all([before, after]);
  assert.equal(await things.countDocuments({}), 2);
});

function beBusy(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}

test("a Host that cannot listen: db() rejects with the reason, and close() settles", {
  skip: process.platform === "win32",
}, async (t) => {
  const site = new Site(t);
  // Too long for a socket, and the private folder for such sockets is open to others.
  const rootPath = join(site.rootPath, "l".repeat(110));
  const sockets = join(site.folder, `lioran-${process.getuid!()}`);
  mkdirSync(sockets, { mode: 0o755 });
  const agent = startAgent(site, "agent");
  await agent.open({ rootPath, primaryTimeoutMs: 3_000 });
  await assert.rejects(agent.chain(["db", "app"]), (error: AgentError) => {
    assert.notEqual(error.code, "NO_PRIMARY");
    assert.ok(error.message.includes(sockets), error.message);
    return true;
  });
  await agent.close();
  // The root is free: whoever comes next is told the same, not that it is taken.
  const next = startAgent(site, "next");
  assert.equal((await next.open({ rootPath, ipc: "primary" })).primary, true);
  await next.close();
});
