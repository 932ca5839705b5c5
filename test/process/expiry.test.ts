/** TTL indexes: documents go by themselves when their time has come, and nothing else does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkIndexConsistency } from "../support/index-consistency.js";
import { openAgent } from "./agent.js";
import { deadlineMs, Site } from "./site.js";

test("documents expire by their date, the earliest of several, and by nothing else", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary", { ipc: "primary" });
  const client = await openAgent(site, "client");
  const past = new Date(Date.now() - 3_600_000);
  const future = new Date(Date.now() + 3_600_000);
  await client.things("createIndexes", [
    { key: { at: -1 }, expireAfterSeconds: 60 },
    { key: { other: 1 }, expireAfterSeconds: 7_200 },
    { key: { n: 1 } },
  ]);
  const staying = [
    { _id: "future", at: future },
    { _id: "recent", at: new Date() },
    { _id: "number", at: 5 },
    { _id: "text", at: "2001-01-01" },
    { _id: "null", at: null },
    { _id: "none" },
    { _id: "later dates", at: [future, "text", 3] },
    { _id: "other index", other: past },
  ];
  const going = [
    { _id: "past", at: past },
    { _id: "earliest", at: [future, past] },
    { _id: "both", at: [past, new Date(0)] },
    ...Array.from({ length: 2_500 }, (_, n) => ({ _id: n, n, at: new Date(n) })),
  ];
  await client.things("insertMany", [...staying, ...going]);
  const endMs = performance.now() + deadlineMs;
  let left = going.length;
  while (left > 0) {
    assert.ok(performance.now() < endMs, `${left} documents have not expired in time`);
    left = await client.things("countDocuments", { _id: { $in: going.map(({ _id }) => _id) } });
  }
  const ids = (await client.find({}, { projection: { _id: 1 } })).map(({ _id }) => _id);
  assert.deepEqual(ids.sort(), staying.map(({ _id }) => _id).sort());
  assert.equal((await checkIndexConsistency(site.rootPath)).documents, staying.length);
  await primary.close();
});
