/** A disk that is full: every write says so, nothing is stored by halves, and all goes on once there is room. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Agent, type AgentError, openAgent, startAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { isSoak } from "../support/soak.js";
import { noLimits, SmallDisk, setLimit } from "./faults.js";

/** A document of some pages. */
const big = "x".repeat(48_000);
const linuxOnly = { skip: process.platform === "linux" ? false : "only Linux has small disks" };

function isDiskFull(error: AgentError): boolean {
  assert.equal(error.code, "IO", error.message);
  assert.match(error.message, /Failed (writing|opening) .*Make room on the disk/);
  return true;
}

/** Inserts until an error. @returns the ids that were acknowledged */
async function fill(agent: Agent): Promise<string[]> {
  const inserted: string[] = [];
  for (;;) {
    const _id = `${agent.name}-${inserted.length}`;
    try {
      await agent.things("insertOne", { _id, big, n: inserted.length });
    } catch (error) {
      isDiskFull(error as AgentError);
      return inserted;
    }
    inserted.push(_id);
  }
}

function ids(documents: { _id: unknown }[]): unknown[] {
  return documents.map(({ _id }) => _id);
}

/** Fills a disk with an index over it. @returns what was acknowledged, or undefined where that cannot be tested */
async function fullSite(t: TestContext, size: string) {
  const site = new Site(t);
  const disk = SmallDisk.under(t, site, size);
  if (typeof disk === "string") {
    t.skip(disk);
    return undefined;
  }
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client");
  const fast = await openAgent(site, "fast", { ipc: "client", durability: "committed" });
  await client.things("createIndex", { n: 1 });
  const stored = await fill(client);
  assert.ok(stored.length > 10, `${stored.length} documents are on the disk`);
  return { site, disk, primary, client, fast, stored };
}

// Sizes at which LMDB's last write fits in part, and does not fit at all.
for (const size of isSoak ? ["2048k", "2052k", "2056k", "2060k"] : ["2052k"]) {
  test(
    `a disk of ${size} that is full: reads go on, and writes once there is room`,
    linuxOnly,
    async (t) => {
      const full = await fullSite(t, size);
      if (!full) return;
      const { site, disk, primary, client, fast, stored } = full;

      await assert.rejects(fast.things("insertOne", { big }), isDiskFull);
      await assert.rejects(primary.things("insertMany", [{ big }, { big }]), isDiskFull);
      await assert.rejects(
        client.chain(["db", "other"], ["collection", "things"], ["insertOne", { big }]),
        isDiskFull,
      );
      const late = await openAgent(site, "late");
      for (const agent of [primary, client, late]) {
        assert.deepEqual(
          ids(await agent.find({}, { sort: { n: 1 }, projection: { _id: 1 } })),
          stored,
        );
      }

      // Not even a take-over needs room.
      await primary.process.murder();
      await assert.rejects(client.things("insertOne", { big }), isDiskFull);
      assert.deepEqual(
        ids(await client.find({}, { sort: { n: 1 }, projection: { _id: 1 } })),
        stored,
      );

      disk.resize("64m");
      await client.things("insertOne", { _id: "again", big });
      await fast.chain(["db", "other"], ["collection", "things"], ["insertOne", { _id: 1 }]);
      await late.things("deleteOne", { _id: stored[0] });
      const { documents } = await checkIndexConsistency(site.rootPath);
      assert.equal(documents, stored.length + 1, "with one document in the other database");
      for (const agent of [client, late, fast]) assert.deepEqual(agent.events("error"), []);
    },
  );
}

test("a full disk is helped by deleting", linuxOnly, async (t) => {
  const full = await fullSite(t, "2048k");
  if (!full) return;
  const { client, fast, stored } = full;
  await client.things("deleteMany", { n: { $gte: 5 } });
  const again = await fill(fast);
  assert.ok(again.length >= stored.length / 2, `${again.length} of ${stored.length} fit again`);
  await client.things("drop");
  assert.ok((await fill(client)).length >= stored.length / 2);
});

test(
  "an index build that meets a full disk leaves nothing, and is done once there is room",
  linuxOnly,
  async (t) => {
    const site = new Site(t);
    const disk = SmallDisk.under(t, site, "5m");
    if (typeof disk === "string") return t.skip(disk);
    const primary = await openAgent(site, "primary");
    const client = await openAgent(site, "client");
    const text = "y".repeat(300);
    const documents = Array.from({ length: 6_000 }, (_, n) => ({ _id: n, n, text }));
    await client.things("insertMany", documents);

    const index = ["createIndex", { text: 1, n: 1 }] as const;
    await assert.rejects(client.things(...index), isDiskFull);
    assert.equal(await primary.things("countDocuments", { n: { $lt: 100 } }), 100);
    disk.resize("64m");
    await client.things(...index);
    assert.deepEqual(
      ids(await client.find({ text, n: { $gte: 5_998 } }, { hint: { text: 1, n: 1 } })),
      [5_998, 5_999],
    );
    const { documents: stored, indexes } = await checkIndexConsistency(site.rootPath);
    assert.deepEqual({ stored, indexes }, { stored: documents.length, indexes: 1 });
  },
);

test("a root that begins on a full disk begins once there is room", linuxOnly, async (t) => {
  const site = new Site(t);
  const disk = SmallDisk.under(t, site, "4k");
  if (typeof disk === "string") return t.skip(disk);
  const filled = join(site.rootPath, "filled");
  assert.throws(() => writeFileSync(filled, Buffer.alloc(8_192)), { code: "ENOSPC" });
  const agent = startAgent(site, "agent");
  await agent.open({ primaryTimeoutMs: 500 });
  await assert.rejects(agent.things("insertOne", {}), (error: AgentError) => {
    assert.equal(error.code, "NO_PRIMARY");
    assert.equal(error.retryable, true);
    assert.match(error.message, /Cannot write .*\.lioran\.lock: .*no space left/);
    return true;
  });
  disk.resize("64m");
  await agent.event("primary-found");
  await agent.things("insertOne", { _id: 1 });
  assert.deepEqual(agent.events("error"), []);
});

test("a file that may grow no further (RLIMIT_FSIZE) is the same as a full disk", {
  skip: noLimits,
}, async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  setLimit(primary.process, "fsize", 1_000_000);
  const stored = await fill(client);
  await assert.rejects(client.things("insertOne", { big }), isDiskFull);
  assert.equal(await primary.things("countDocuments", {}), stored.length);
  setLimit(primary.process, "fsize");
  await client.things("insertOne", { _id: "again", big });
  assert.deepEqual(primary.events("error"), []);
  assert.equal((await checkIndexConsistency(site.rootPath)).documents, stored.length + 1);
  assert.ok(readdirSync(join(site.rootPath, "app")).includes("format.json"));
});
