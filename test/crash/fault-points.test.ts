/**
 * The primary is killed at each named point of the write path while a client waits for its answer.
 * Whoever takes over gives the client the answer that the dead primary owed it, and the effect is
 * there exactly once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Agent, type AgentError, openAgent, startAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { checkIndexConsistency } from "../support/index-consistency.js";

type Durability = "flushed" | "committed";

const points: [point: string, durability: Durability][] = [
  ["before-commit", "flushed"],
  ["after-commit-before-flush", "committed"],
  ["after-flush-before-reply", "flushed"],
];

/** Indexes that are there before: entries and documents live and die together. */
const indexes = [{ key: { n: 1 } }, { key: { n: -1, _id: 1 } }];
/** Documents that are there before. */
const before = [
  { _id: 1, n: 10 },
  { _id: 2, n: 20 },
];

interface Case {
  what: string;
  call: [method: string, ...args: unknown[]];
  check(result: unknown): void;
  /** What is stored afterwards. */
  after: object[];
}

const cases: Case[] = [
  {
    what: "insertOne",
    call: ["insertOne", { _id: 3, n: 30 }],
    check: (result) => assert.deepEqual(result, { acknowledged: true, insertedId: 3 }),
    after: [...before, { _id: 3, n: 30 }],
  },
  {
    what: "$inc",
    call: ["updateMany", {}, { $inc: { n: 1 } }],
    check: (result) =>
      assert.deepEqual(result, {
        acknowledged: true,
        matchedCount: 2,
        modifiedCount: 2,
        upsertedCount: 0,
        upsertedId: null,
      }),
    after: [
      { _id: 1, n: 11 },
      { _id: 2, n: 21 },
    ],
  },
  {
    what: "an upsert",
    call: ["updateOne", { _id: 9 }, { $inc: { n: 1 } }, { upsert: true }],
    check: (result) =>
      assert.deepEqual(result, {
        acknowledged: true,
        matchedCount: 0,
        modifiedCount: 0,
        upsertedCount: 1,
        upsertedId: 9,
      }),
    after: [...before, { _id: 9, n: 1 }],
  },
  {
    what: "findOneAndUpdate",
    call: ["findOneAndUpdate", { _id: 1 }, { $inc: { n: 5 } }, { returnDocument: "before" }],
    check: (result) => assert.deepEqual(result, { _id: 1, n: 10 }),
    after: [
      { _id: 1, n: 15 },
      { _id: 2, n: 20 },
    ],
  },
  {
    what: "findOneAndDelete",
    call: ["findOneAndDelete", { n: { $gt: 15 } }],
    check: (result) => assert.deepEqual(result, { _id: 2, n: 20 }),
    after: [{ _id: 1, n: 10 }],
  },
  {
    what: "insertMany that fails part-way",
    call: ["insertMany", [{ _id: 5 }, { _id: 1 }, { _id: 6 }], { ordered: false }],
    check: (result) => {
      const { code, told } = result as AgentError;
      assert.equal(code, 11000);
      assert.deepEqual(
        told.writeErrors?.map((each) => [each.index, each.code]),
        [[1, 11000]],
      );
      const { insertedCount } = told.result as { insertedCount: number };
      assert.equal(insertedCount, 2);
    },
    after: [...before, { _id: 5 }, { _id: 6 }],
  },
];

/** One more point, with one case: it lies close to another one. */
const insideTransaction: typeof points = [["inside-transaction", "flushed"]];
const isIncrement = ({ what }: Case) => what === "$inc";

for (const [point, durability] of [...points, ...insideTransaction]) {
  const those = point === "inside-transaction" ? cases.filter(isIncrement) : cases;
  for (const { what, call, check, after } of those) {
    test(`${what}, the primary killed ${point} (${durability})`, async (t) => {
      const site = new Site(t);
      // The first commits are those of the documents and indexes that are there before.
      const env = { LIORANDB_FAULT: `${point}:3` };
      const primary = await openAgent(site, "primary", { ipc: "primary", durability }, { env });
      await primary.things("insertMany", before);
      await primary.things("createIndexes", indexes);
      const [client, heir] = await Promise.all([
        openAgent(site, "client", { ipc: "client", durability }),
        openAgent(site, "heir"),
      ]);
      const outcome = client.things(...call).catch((error: unknown) => error);
      assert.deepEqual(await primary.process.exit(), { code: null, signal: "SIGKILL" });
      assert.deepEqual((await heir.event("role")).slice(1), ["client", "primary"]);

      check(await outcome);
      assert.deepEqual(await client.find({}, { sort: { _id: 1 } }), after);
      assert.deepEqual(await heir.find({}, { sort: { _id: 1 } }), after);
      assert.equal((await checkIndexConsistency(site.rootPath)).documents, after.length);
    });
  }
}

test("writes of one commit are told apart: those that were applied, and those that were not", async (t) => {
  const site = new Site(t);
  const env = { LIORANDB_FAULT: "after-flush-before-reply:2" };
  const primary = await openAgent(site, "primary", { ipc: "primary" }, { env });
  const client = await openAgent(site, "client", { ipc: "client" });
  await openAgent(site, "heir");
  const options = { upsert: true, returnDocument: "after" };
  const increment = () =>
    client.things("findOneAndUpdate", { _id: "n" }, { $inc: { n: 1 } }, options);
  const all = Array.from({ length: 500 }, increment);
  await primary.process.exit();
  const seen = (await Promise.all(all)).map((document) => document.n);
  // Each increment saw another value, so each was applied once and got its own answer.
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    all.map((_, at) => at + 1),
  );
});

const killed = { code: null, signal: "SIGKILL" };

/** Increments the counter. @returns what it is afterwards */
async function increment(agent: Agent): Promise<number> {
  const options = { upsert: true, returnDocument: "after" };
  return (await agent.things("findOneAndUpdate", { _id: "n" }, { $inc: { n: 1 } }, options)).n;
}

test("three processes in a row die in their take-over: a client gets the answer that it waits for", async (t) => {
  const site = new Site(t);
  const env = { LIORANDB_FAULT: "after-flush-before-reply" };
  const primary = await openAgent(site, "primary", { ipc: "primary" }, { env });
  const client = await openAgent(site, "client", { ipc: "client" });
  const first = increment(client);
  assert.deepEqual(await primary.process.exit(), killed);
  for (const point of ["takeover-locked", "takeover-listening", "takeover-published"]) {
    const heir = startAgent(site, point, { env: { LIORANDB_FAULT: point } });
    heir.open().catch(() => {});
    assert.deepEqual(await heir.process.exit(), killed);
  }
  const last = await openAgent(site, "last");
  assert.equal(await first, 1);
  assert.equal(await increment(client), 2);
  assert.deepEqual(await last.find(), [{ _id: "n", n: 2 }]);
  assert.equal(site.lockRecord().epoch, 5);
});

test("three primaries in a row die while they close: a client goes on with each next one", async (t) => {
  const site = new Site(t);
  const points = ["closing-drained", "closing-after-goodbye", "closing-before-release"];
  const open = (point: string) =>
    openAgent(site, point, { ipc: "primary" }, { env: { LIORANDB_FAULT: point } });
  let client: Agent | undefined;
  let n = 0;
  let meanwhile: Promise<number> | undefined;
  for (const point of points) {
    const primary = await open(point);
    client ??= await openAgent(site, "client", { ipc: "client" });
    if (meanwhile) assert.equal(await meanwhile, n, `before ${point}`);
    assert.equal(await increment(client), n + 1);
    // It is read before the primary closes, or left to the next one.
    meanwhile = increment(client);
    n += 2;
    primary.close().catch(() => {});
    assert.deepEqual(await primary.process.exit(), killed);
  }
  const last = await openAgent(site, "last");
  assert.equal(await meanwhile, n);
  assert.deepEqual(await last.find(), [{ _id: "n", n }]);
});
