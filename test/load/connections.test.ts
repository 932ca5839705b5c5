/** Thousands of connections: of peers that say nothing, and of clients that shook hands. */
import assert from "node:assert/strict";

import { test } from "node:test";
import { LioranManager } from "@liorandb/core";
import { connectionsMax, connectionsRefusedMax } from "../../src/limits.js";
import { FrameKind } from "../../src/protocol/frame.js";
import { connectRaw, helloOf, type RawPeer } from "../process/raw-peer.js";
import { isSoak, scaled } from "../support/soak.js";
import { filesMax, LoadSite } from "./load-site.js";

const silent = scaled(200, 5_000);
/** Sockets that connect at once; the system keeps only so many waiting. */
const atOnce = 100;

test(`${silent} connections that say nothing are closed when their time is over, and hold up nobody`, async (t) => {
  const load = await LoadSite.start(t);
  await using client = new LioranManager({
    rootPath: load.site.rootPath,
    ipc: "client",
    reads: "primary",
  });
  const things = (await client.db("app")).collection<{ _id: number }>("things");
  const peers: RawPeer[] = [];
  for (let n = 0; n < silent; n += atOnce) {
    peers.push(...(await Promise.all(Array.from({ length: atOnce }, () => connectRaw(load.site)))));
    await things.insertOne({ _id: n });
    assert.deepEqual(await things.findOne({ _id: n }), { _id: n });
  }
  for (const peer of peers) assert.equal((await peer.disconnected())?.code, "PROTOCOL");
  await client.close();
  await load.untilBack();
});

const missing = connectionsMax + connectionsRefusedMax + 200 - filesMax();
const tooFewFiles =
  missing > 0 && `needs ${missing} more open files than this system allows (ulimit -n)`;
// In short with a smaller limit: test/unit/runtime/host-server.test.ts.
const skip = !isSoak || tooFewFiles;

test("the connection that is one too many is told so; who has one works on, and there is room again", {
  skip,
}, async (t) => {
  const load = await LoadSite.start(t);
  const { site } = load;
  const options = { rootPath: site.rootPath, ipc: "client", reads: "primary" } as const;
  await using early = new LioranManager(options);
  const things = (await early.db("app")).collection<{ _id: number }>("things");
  await things.insertOne({ _id: 0 });
  const hello = helloOf(site);
  const peers: RawPeer[] = [];
  // One is the primary's own.
  while ((await load.clients()) < connectionsMax) {
    const left = connectionsMax - (await load.clients());
    const some = Array.from({ length: Math.min(atOnce, left) }, async () => {
      const peer = await connectRaw(site);
      peer.send(FrameKind.hello, 0, { ...hello, clientId: crypto.randomUUID() });
      await peer.until("welcome", () => peer.frames[0]);
      return peer;
    });
    peers.push(...(await Promise.all(some)));
  }
  assert.equal(await load.clients(), connectionsMax);

  const refused = await connectRaw(site);
  const refusal = await refused.disconnected();
  assert.equal(refusal?.code, "QUEUE_FULL");
  assert.match(refusal.message, new RegExp(`${connectionsMax} connections`));
  await using hasty = new LioranManager({ ...options, primaryTimeoutMs: 10_000 });
  await assert.rejects(hasty.db("app"), (error: { code: string; message: string }) => {
    assert.equal(error.code, "NO_PRIMARY");
    assert.match(error.message, new RegExp(`${connectionsMax} connections`));
    return true;
  });
  // Those that have theirs are served.
  await things.insertOne({ _id: 1 });
  assert.equal(await things.countDocuments({}), 2);
  const held = await load.grownBytes();
  t.diagnostic(`${connectionsMax} connections: ${(held / 2 ** 20).toFixed(0)} MiB`);
  assert.ok(held < connectionsMax * 16 * 1024, `${held / connectionsMax} bytes for each`);

  // A client that waits gets in as soon as one leaves.
  await using patient = new LioranManager(options);
  const found = patient.db("app").then((db) => db.collection("things").countDocuments({}));
  peers.pop()!.socket.destroy();
  assert.equal(await found, 2);
  for (const peer of peers) peer.socket.destroy();
  for (const manager of [early, hasty, patient]) await manager.close();
  await load.untilBack();
});
