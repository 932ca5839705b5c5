/**
 * A dropped collection was seen as gone by one read, and read again by a later one: a lookup in the catalog of less than
 * 10 ms before was still in use.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { areLeasesEnded } from "../../../src/storage/catalog-leases.js";
import { Environment } from "../../../src/storage/environment.js";
import { temporaryRoot } from "../../support/temporary-root.js";
import { openAgent } from "../agent.js";
import { Site } from "../site.js";

test("a collection that one read has found dropped is dropped for the next one", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath });
  const things = (await manager.db("app")).collection("things");
  for (let round = 0; round < 30; round += 1) {
    await things.insertOne({ _id: "a" });
    assert.ok(await things.findOne({ _id: "a" }));
    let isOver = false;
    const dropped = things.drop().then(() => {
      isOver = true;
    });
    while ((await things.countDocuments({})) > 0) {
      assert.equal(isOver, false);
      // So that its lookup is not long ago.
      await things.findOne({ _id: "a" });
    }
    assert.equal(await things.findOne({ _id: "a" }), null, `round ${round}`);
    await dropped;
  }
});

test("lookups are good for a while again after a drop, and after a primary that died before it", async (t) => {
  const site = new Site(t);
  const areEnded = async () => {
    const environment = Environment.open(join(site.rootPath, "app"), "readonly")!;
    try {
      environment.refresh();
      return areLeasesEnded(environment);
    } finally {
      environment.release();
      await environment.close();
    }
  };
  // Its second commit of writes is the drop.
  const env = { LIORANDB_FAULT: "before-commit:2" };
  const primary = await openAgent(site, "primary", {}, { env });
  const heir = await openAgent(site, "heir");
  await primary.things("insertOne", { _id: 1 });
  primary.things("drop").catch(() => {});
  await primary.process.exit();
  await heir.event("role");
  assert.equal(await areEnded(), true, "the primary died between the two commits");
  assert.deepEqual(await heir.find(), [{ _id: 1 }]);
  await heir.things("insertOne", { _id: 2 });
  assert.equal(await areEnded(), false, "after the first commit of the next primary");
  await heir.things("drop");
  assert.equal(await areEnded(), false, "after a drop");
  assert.deepEqual(await heir.find(), []);
});
