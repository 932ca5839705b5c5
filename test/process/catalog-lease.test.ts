/** Point reads use what they know of the catalog for a moment; nobody may notice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { temporaryRoot } from "../support/temporary-root.js";
import { openAgent } from "./agent.js";
import { Site } from "./site.js";

const rounds = 8;

test("a read that begins after a drop was acknowledged never finds a dropped document", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  for (let n = 0; n < rounds; n += 1) {
    await primary.things("insertOne", { _id: "a", n });
    for (const reader of [client, primary]) {
      assert.deepEqual(await reader.things("findOne", { _id: "a" }), { _id: "a", n });
    }
    await client.things("drop");
    for (const reader of [client, primary]) {
      assert.equal(await reader.things("findOne", { _id: "a" }), null, `round ${n}`);
    }
  }
});

test("a collection that takes the name of another one is read at once", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client" });
  const other = (...step: [string, ...unknown[]]) =>
    primary.chain(["db", "app"], ["collection", "other"], step);
  await primary.things("insertOne", { _id: "a", n: -1 });
  for (let n = 0; n < rounds; n += 1) {
    await other("insertOne", { _id: "a", n });
    assert.deepEqual(await client.things("findOne", { _id: "a" }), { _id: "a", n: n - 1 });
    await primary.chain(
      ["db", "app"],
      ["renameCollection", "other", "things", { dropTarget: true }],
    );
    assert.deepEqual(await client.things("findOne", { _id: "a" }), { _id: "a", n });
  }
});

test("a document that takes longer to decode than the moment lasts is found", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const things = (await manager.db("app")).collection("things");
  const length = 1_500_000;
  await things.insertOne({ _id: "large", list: new Array(length).fill(1) });
  const found = (await things.findOne({ _id: "large" })) as { list: number[] } | null;
  assert.equal(found?.list.length, length);
});
