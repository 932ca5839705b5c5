/**
 * The primary is killed at each named point of the write path while a client waits for its answer.
 * Whoever takes over gives the client the answer that the dead primary owed it, and the effect is
 * there exactly once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentError, openAgent } from "../process/agent.js";
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

for (const [point, durability] of points) {
  for (const { what, call, check, after } of cases) {
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
