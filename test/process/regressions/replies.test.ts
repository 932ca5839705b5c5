/** Results that do not fit into a frame, or that the other side cannot read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Document, LioranManager } from "../../../src/index.js";
import {
  documentBytesMax,
  frameBytesMax,
  frameDepthMax,
  frameItemsMax,
} from "../../../src/limits.js";
import { withDeadline } from "../../support/deadline.js";
import { temporaryRoot } from "../../support/temporary-root.js";
import { openAgent } from "../agent.js";
import { connectClient } from "../raw-peer.js";
import { Site } from "../site.js";

test("a write whose result is too large for a frame fails with 10334 and changes nothing", async () => {
  using root = temporaryRoot();
  const { rootPath } = root;
  await using primary = new LioranManager({ rootPath });
  await using client = new LioranManager({ rootPath, ipc: "client" });
  let lost = 0;
  for (const manager of [primary, client]) manager.on("primary-lost", () => (lost += 1));
  const bytes = Math.floor(0.8 * documentBytesMax);
  await (await primary.db("app"))
    .collection<{ _id: number; big?: string }>("things")
    .insertOne({ _id: 1, big: "p".repeat(bytes) });
  const copies = Math.ceil(frameBytesMax / bytes) + 1;
  const projection = Object.fromEntries(
    Array.from({ length: copies }, (_, n) => [`copy${n}`, "$big"]),
  );
  for (const [n, manager] of [primary, client].entries()) {
    const things = (await manager.db("app")).collection<{ _id: number; n?: number }>("things");
    for (const returnDocument of ["before", "after"] as const) {
      await assert.rejects(
        withDeadline(
          things.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, { projection, returnDocument }),
          () => "the answer of a write with a large result",
        ),
        { code: 10334, retryable: false },
      );
    }
    await assert.rejects(things.findOneAndDelete({ _id: 1 }, { projection }), { code: 10334 });
    assert.deepEqual(await things.findOne({ _id: 1 }, { projection: { big: 0 } }), { _id: 1 });
    await things.insertOne({ _id: 2 + n });
  }
  assert.equal(primary.isPrimary(), true);
  assert.equal(lost, 0);
});

test("a read whose result cannot be decoded rejects, and the manager goes on", async () => {
  using root = temporaryRoot();
  await using manager = new LioranManager({ rootPath: root.rootPath, reads: "primary" });
  await using client = new LioranManager({ rootPath: root.rootPath, reads: "primary" });
  let lost = 0;
  for (const one of [manager, client]) one.on("primary-lost", () => (lost += 1));
  const things = (await manager.db("app")).collection("things");
  await things.insertOne({ _id: 1, v: [new Array(frameItemsMax + 1_000).fill(0)] });
  for (const one of [manager, client]) {
    const same = (await one.db("app")).collection("things");
    await assert.rejects(
      withDeadline(same.distinct("v"), () => "the answer of distinct"),
      { name: "LioranError" },
    );
    await same.insertOne({});
  }
  assert.equal(await things.countDocuments({}), 3);
  assert.equal(lost, 0);
});

test("an explanation that is nested deeper than a frame may be is refused, and says so", async (t) => {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  await primary.things("insertOne", { _id: 1 });
  const peer = await connectClient(site);
  const explain = (levels: number) => {
    let filter: Document = { a: 1 };
    for (let level = 1; level < levels; level += 2) filter = { $or: [filter, { b: 1 }] };
    const sort = [["n", 1]];
    const on = { db: "app", collection: "things" };
    const explained = { kind: "find", ...on, filter, sort, projection: { n: 1 } };
    const operation = { kind: "explain", db: "app", verbosity: "executionStats", explained };
    return peer.answer(peer.request(operation));
  };
  assert.ok("result" in (await explain(101)));
  const answer = await explain(frameDepthMax - 3);
  assert.ok("error" in answer);
  assert.equal(answer.error.code, 2);
  assert.match(answer.error.message, /can be run, but not explained/);
});
