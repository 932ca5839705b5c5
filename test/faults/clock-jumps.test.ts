/** A clock of the machine that is set forth and back all the time: nothing that waits or expires goes by it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openAgent } from "../process/agent.js";
import { Site } from "../process/site.js";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { isSoak } from "../support/soak.js";

/** Loaded into every thread before anything else: each sees another time of day every few milliseconds. */
const jumpingClock = `
import { threadId } from "node:worker_threads";
const Real = Date;
const now = Real.now;
const hourMs = 3_600_000;
let jumps = threadId;
let until = 0;
let shiftMs = 0;
function shifted() {
  const at = performance.now();
  if (at >= until) {
    until = at + 7;
    jumps += 1;
    shiftMs = [0, 5, -3, 24, -24, 1][jumps % 6] * hourMs;
  }
  return now() + shiftMs;
}
Real.now = shifted;
globalThis.Date = new Proxy(Real, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [shifted()] : args, made === Date ? target : made),
});
`;

test("a clock that jumps by hours: no read expires, nobody is given up, nothing is applied twice", async (t) => {
  const site = new Site(t);
  const preload = join(site.folder, "jumping-clock.mjs");
  writeFileSync(preload, jumpingClock);
  const env = { NODE_OPTIONS: `--import file://${preload}` };
  const start = (name: string, options: object) => openAgent(site, name, options, { env });
  const primary = await start("primary", { cores: 2 });
  const client = await start("client", { ipc: "client", cores: 2, primaryTimeoutMs: 10_000 });
  const heir = await start("heir", { cores: 2, primaryTimeoutMs: 10_000 });
  const documents = Array.from({ length: 17_000 }, (_, n) => ({ _id: n, n, text: `t${n}` }));
  await client.things("insertMany", documents);
  await client.things("createIndex", { n: 1 });

  const maxTimeMS = 15_000;
  const cursor = await client.call("openCursor", 100);
  for (const agent of isSoak ? [primary, client, heir] : [client]) {
    const last = agent.find({ text: /9$/ }, { sort: { text: -1 }, limit: 1, maxTimeMS });
    const group = [
      { $group: { _id: { $mod: ["$n", 7] }, sum: { $sum: "$n" } } },
      { $sort: { _id: 1 } },
    ];
    const groups = agent.chain(
      ["db", "app"],
      ["collection", "things"],
      ["aggregate", [{ $match: { n: { $gte: 0 } } }, ...group], { maxTimeMS }],
      ["toArray"],
    );
    assert.deepEqual((await last)[0]._id, 9_999);
    assert.equal(((await groups) as unknown[]).length, 7);
    const count = agent.things("countDocuments", { text: /^t/ }, { maxTimeMS });
    assert.equal(await count, documents.length);
  }
  const rest = (await client.call("readCursor", cursor)) as unknown[];
  assert.ok(rest.length >= documents.length - 1);

  await client.call("load", "client");
  await heir.call("load", "heir");
  await client.event("acknowledged", 10);
  // Longer than it takes them to look for what is overdue, and shorter than they wait.
  await primary.process.pause();
  await delay(5_000);
  primary.process.kill("SIGCONT");
  const seen = client.acknowledged().length;
  await primary.process.murder();
  await client.event("primary-found", 2);
  await client.process.until("inserts after the take-over", () =>
    client.acknowledged().length > seen + 5 ? true : undefined,
  );
  for (const agent of [client, heir]) {
    const { inserted, increments, errors } = await agent.stopLoad();
    assert.deepEqual(errors, []);
    const [counter] = await agent.find({ _id: `counter-${agent.name}` });
    assert.equal(counter.n, increments);
    assert.equal(await client.things("countDocuments", { of: agent.name }), inserted.length);
  }
  assert.equal(site.lockRecord().epoch, 2);
  await checkIndexConsistency(site.rootPath);
});
