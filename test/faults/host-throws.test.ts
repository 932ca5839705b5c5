/** A Host thread that throws: its process starts another one, every request gets its answer, and nothing happens twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentError, openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { isSoak } from "../support/soak.js";

/** One after the other, so that none of the next Host's threads comes to its fault again. */
const before = 30;
/** At once, when the fault comes. */
const during = 20;

/** Where it throws, and which take-over the root has come to by then: 1 where the Host goes on. */
const places = [
  { fault: "request:38:throw", epoch: 2 },
  // The first of those that come at once may be alone in its commit; the next ones share theirs.
  { fault: "before-commit:32:throw", epoch: 1 },
  { fault: "after-flush-before-reply:31:throw", epoch: 2 },
  { fault: "after-commit-before-flush:31:throw", epoch: 2, durability: "committed" },
] as const;

for (const { fault, epoch, ...options } of isSoak ? places : places.slice(0, 3)) {
  test(`a Host that throws at ${fault}: each write has one effect and one answer`, async (t) => {
    const site = new Site(t);
    const env = { LIORANDB_FAULT: fault };
    const primary = await openAgent(site, "primary", { ipc: "primary", ...options }, { env });
    const client = await openAgent(site, "client", { ipc: "client", ...options });
    const counter = [{ _id: "n" }, { $inc: { n: 1 } }, { upsert: true, returnDocument: "after" }];
    const seen: number[] = [];
    for (let at = 0; at < before; at += 1) {
      seen.push((await client.things("findOneAndUpdate", ...counter)).n);
    }
    const all = Array.from({ length: during }, (_, at) =>
      (at % 2 ? client : primary).things("findOneAndUpdate", ...counter),
    );
    for (const outcome of await Promise.allSettled(all)) {
      if (outcome.status === "fulfilled") seen.push(outcome.value.n);
      // Alone in its transaction it fails with it, and has no effect; with others it is applied again.
      else assert.match((outcome.reason as AgentError).message, /LIORANDB_FAULT at before-commit/);
    }
    seen.sort((a, b) => a - b);
    assert.ok(seen.length >= before + during - 1);
    assert.deepEqual(
      seen,
      seen.map((_, at) => at + 1),
    );
    assert.deepEqual(await client.find({ _id: "n" }), [{ _id: "n", n: seen.length }]);
    assert.equal(site.lockRecord().epoch, epoch);
    assert.equal(site.lockRecord().pid, primary.process.pid);
    assert.deepEqual(primary.events("error"), []);
    assert.equal((await checkIndexConsistency(site.rootPath)).documents, 1);
  });
}

test("a Host that throws while its own pool reads: the process lives, the reads are run again or say so", async (t) => {
  const site = new Site(t);
  const env = { LIORANDB_FAULT: "request:40:throw" };
  const primary = await openAgent(site, "primary", { ipc: "primary", cores: 2 }, { env });
  const client = await openAgent(site, "client", { ipc: "client", reads: "primary", cores: 2 });
  const documents = Array.from({ length: 4_000 }, (_, n) => ({ _id: n, n }));
  await primary.things("insertMany", documents);
  const slow = { $expr: { $eq: [{ $toString: { $sqrt: "$n" } }, "none"] } };
  assert.deepEqual(await client.find(slow), []);
  const reads = Array.from({ length: 6 }, () => client.find(slow));
  // Until one of these is the request at which it throws.
  while (client.events("primary-lost").length === 0) {
    await client.chain(["db", "app"], ["command", { ping: 1 }]);
  }
  for (const outcome of await Promise.allSettled(reads)) {
    if (outcome.status === "fulfilled") assert.deepEqual(outcome.value, []);
    else assert.equal((outcome.reason as AgentError).retryable, true, String(outcome.reason));
  }
  await client.things("insertOne", { _id: "after" });
  assert.equal(await client.things("countDocuments", {}), documents.length + 1);
  assert.equal(site.lockRecord().epoch, 2);
  assert.equal(primary.process.ended, undefined);
});
