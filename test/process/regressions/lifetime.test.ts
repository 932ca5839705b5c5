/** What keeps a process running, what does not, and listeners that throw. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openAgent } from "../agent.js";
import { compiledTests, Site } from "../site.js";

const script = (name: string) => join(compiledTests, `process/regressions/children/${name}.js`);

for (const ipc of ["auto", "primary"]) {
  test(`a primary (ipc ${ipc}) without any call keeps its process running`, async (t) => {
    const site = new Site(t);
    const primary = site.start("primary", script("idle-primary"), { args: [site.rootPath, ipc] });
    // Its Host came up, and it is there for one client after the other.
    for (const name of ["first", "second"]) {
      const client = await openAgent(site, name, { ipc: "client" });
      await client.things("insertOne", { _id: name });
      await client.close();
    }
    assert.equal(site.lockRecord().pid, primary.pid);
    assert.equal(primary.ended, undefined);
    assert.equal(primary.stderr, "");
  });
}

for (const options of [
  { ipc: "client" },
  { ipc: "client", reads: "primary" },
  { ipc: "client", cores: 0 },
  { ipc: undefined, reads: "local" },
  { ipc: "readonly" },
]) {
  const title = JSON.stringify(options);
  test(`an unread cursor does not keep a process alive: ${title}`, async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary");
    await primary.things(
      "insertMany",
      Array.from({ length: 5_000 }, (_, k) => ({ k, padding: "p".repeat(100) })),
    );
    const reader = site.start("reader", script("unread-cursor"), {
      args: [JSON.stringify({ rootPath: site.rootPath, ...options })],
    });
    assert.deepEqual(await reader.exit(), { code: 0, signal: null }, reader.stderr);
    assert.equal(reader.stdout, "read one\n");
    assert.equal(reader.stderr, "");
    await primary.things("insertOne", {});
  });
}

test("a listener that throws does not disturb the manager", async (t) => {
  const site = new Site(t);
  const worker = site.start("worker", script("throwing-listener"), { args: [site.rootPath] });
  assert.deepEqual(await worker.exit(), { code: 0, signal: null }, worker.stderr);
  assert.deepEqual(JSON.parse(worker.stdout), {
    uncaught: ["listener of primary-found", "listener of primary-lost", "listener of role"],
    tookOver: true,
    written: 3,
    errors: [],
  });
});
