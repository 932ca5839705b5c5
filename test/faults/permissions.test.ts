/** Permissions that are taken away and given back while processes run. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent, startAgent } from "../process/agent.js";
import { Site, type StartOptions } from "../process/site.js";
import { isSoak } from "../support/soak.js";

/** For root, permissions hold only without these capabilities. */
const setpriv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] as const;
const isRoot = process.platform !== "win32" && process.getuid!() === 0;
const start: StartOptions = isRoot ? { through: setpriv } : {};
const canRun = !isRoot || spawnSync(setpriv[0], [setpriv[1], "true"]).status === 0;
const options = {
  skip: process.platform === "win32" || !canRun ? "permissions do not hold for this user" : false,
};

function isDenied(error: AgentError): boolean {
  assert.equal(error.code, "PERMISSION", error.message);
  return true;
}

const insertInOther = (agent: Agent, _id: unknown) =>
  agent.chain(["db", "other"], ["collection", "things"], ["insertOne", { _id }]);

test(
  "a root that may not be written to: databases that are there go on, a new one comes later",
  options,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", {}, start);
    const client = await openAgent(site, "client", { ipc: "client" }, start);
    await client.things("insertOne", { _id: 1 });

    chmodSync(site.rootPath, 0o500);
    await assert.rejects(insertInOther(client, 1), (error: AgentError) => {
      assert.ok(error.message.includes(join(site.rootPath, "other")), error.message);
      return isDenied(error);
    });
    await client.things("insertOne", { _id: 2 });
    const late = await openAgent(site, "late", {}, start);
    assert.deepEqual(await late.find(), [{ _id: 1 }, { _id: 2 }]);

    chmodSync(site.rootPath, 0o700);
    await insertInOther(client, 2);
    const others = await late.chain(
      ["db", "other"],
      ["collection", "things"],
      ["find"],
      ["toArray"],
    );
    assert.deepEqual(others, [{ _id: 2 }]);
    for (const agent of [primary, client, late]) assert.deepEqual(agent.events("error"), []);
  },
);

// What LMDB, and lmdb-js, make of each of them differs.
const taken: [file: string, mode: number][] = [
  ["data.mdb", 0o400],
  ["lock.mdb", 0o000],
];
if (isSoak) taken.push(["data.mdb", 0o000], ["lock.mdb", 0o400], ["format.json", 0o000]);
for (const [file, mode] of taken) {
  test(
    `${file} with mode 0${mode.toString(8)}: who comes is told, and reads once it may`,
    options,
    async (t) => {
      const site = new Site(t);
      const primary = await openAgent(site, "primary", {}, start);
      await primary.things("insertOne", { _id: 1 });
      const path = join(site.rootPath, "app", file);

      chmodSync(path, mode);
      const late = startAgent(site, "late", start);
      await late.open();
      await assert.rejects(late.find(), (error: AgentError) => {
        assert.ok(error.message.includes(join(site.rootPath, "app")), error.message);
        return isDenied(error);
      });
      // Who has it open needs no permission any more.
      await primary.things("insertOne", { _id: 2 });

      chmodSync(path, 0o600);
      assert.deepEqual(await late.find(), [{ _id: 1 }, { _id: 2 }]);
      await late.things("insertOne", { _id: 3 });
      assert.deepEqual(late.events("error"), []);
    },
  );
}

test(
  "an heir that may not write the lock file waits with a deadline, and takes over once it may",
  options,
  async (t) => {
    const site = new Site(t);
    const primary = await openAgent(site, "primary", {}, start);
    const heir = await openAgent(site, "heir", { primaryTimeoutMs: 1_000 }, start);
    await heir.things("insertOne", { _id: 1 });

    const lock = join(site.rootPath, ".lioran.lock");
    for (const mode of isSoak ? [0o400, 0o000] : [0o400]) {
      chmodSync(lock, mode);
      if (!primary.process.ended) await primary.process.murder();
      // A write that was sent to the dead one before it is missed may have been applied.
      await heir.event("primary-lost");
      await assert.rejects(heir.things("insertOne", { _id: mode }), (error: AgentError) => {
        assert.equal(error.code, "NO_PRIMARY", error.message);
        assert.ok(error.message.includes(`No permission to write ${lock}`), error.message);
        return true;
      });
      assert.deepEqual(await heir.find(), [{ _id: 1 }], "local reads go on");
    }

    chmodSync(lock, 0o600);
    await heir.event("primary-found", 2);
    assert.deepEqual((await heir.event("role")).slice(1), ["client", "primary"]);
    await heir.things("insertOne", { _id: 2 });
    assert.deepEqual(await heir.find(), [{ _id: 1 }, { _id: 2 }]);
    assert.deepEqual(heir.events("error"), []);
  },
);
