/**
 * What the primary keeps for a peer that sends and does not read is bounded, whatever it has asked for. It is
 * measured in the Host, without garbage.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Document } from "../../../src/index.js";
import {
  batchBytesMax,
  batchesPerConnectionMax,
  connectionInFlightBytesMax,
  peerStallTimeoutMs,
  searchInTransactionDocumentsMax,
  sendBufferBytesMax,
} from "../../../src/limits.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { decodeBody } from "../../../src/protocol/messages.js";
import { type Agent, openAgent, preloadGarbageCollector } from "../agent.js";
import { connectClient, type RawPeer } from "../raw-peer.js";
import { Site } from "../site.js";

const MiB = 2 ** 20;
const on = { db: "app", collection: "things" };
const findBig = { kind: "find", ...on, filter: { _id: "big" } };
/** Of frames and their requests, what V8 has compiled meanwhile, and the like. */
const slackBytes = 24 * MiB;

interface Scene {
  primary: Agent;
  peer: RawPeer;
  /** A peer that reads. */
  other: RawPeer;
  /** What the primary holds more than at first. */
  grownBytes(): Promise<number>;
}

async function makeScene(t: TestContext, documents: Document[]): Promise<Scene> {
  const site = new Site(t);
  const start = { env: preloadGarbageCollector };
  const primary = await openAgent(site, "primary", { cores: 1, durability: "committed" }, start);
  await primary.things("insertMany", documents);
  const [peer, other] = [await connectClient(site), await connectClient(site)];
  await other.answer(other.request(findBig));
  const held = async () => (await primary.call("heldBytes")) as number;
  const before = await held();
  return { primary, peer, other, grownBytes: async () => (await held()) - before };
}

const big = { _id: "big", n: 0, text: "x".repeat(600_000) };

test("heavy reads of a peer that does not read wait until it does", async (t) => {
  const { peer, other, grownBytes } = await makeScene(t, [big]);
  peer.socket.pause();
  const reads = Array.from({ length: 150 }, () => peer.request(findBig));
  // The pool has one thread, for which the two take turns: all of these have had theirs by then.
  for (const _ of reads) {
    assert.ok("result" in (await other.answer(other.request(findBig))));
    other.frames.length = 0;
  }
  const grown = await grownBytes();
  assert.ok(grown < sendBufferBytesMax + 2 * MiB + slackBytes, `${grown / MiB} MiB`);
  peer.socket.resume();
  for (const read of reads) assert.ok("result" in (await peer.answer(read)));
});

test("a peer that leaves without having read its answers is forgotten, also with reads that wait", async (t) => {
  const { primary, peer, other, grownBytes } = await makeScene(t, [big]);
  const clients = async () => {
    const status = (await primary.chain(["status"])) as { host: { clients: number } };
    return status.host.clients;
  };
  const before = await clients();
  peer.socket.pause();
  // All of them are read before the Host stops to read.
  for (let n = 0; n < 150; n += 1) peer.request(findBig);
  for (let n = 0; n < 150; n += 1) await other.answer(other.request(findBig));
  peer.socket.destroy();
  const deadline = Date.now() + peerStallTimeoutMs / 2;
  while ((await clients()) === before) {
    assert.ok(Date.now() < deadline, "the primary has not noticed that the peer is gone");
    await pings(other, 100);
  }
  assert.equal(await clients(), before - 1);
  const grown = await grownBytes();
  assert.ok(grown < slackBytes, `${grown / MiB} MiB`);
});

test("bad requests of a peer that does not read are not all refused into memory", async (t) => {
  const { peer, other, grownBytes } = await makeScene(t, [big]);
  peer.socket.pause();
  const bad = Array.from({ length: 200_000 }, () => peer.request({ kind: "find", db: "" }));
  await pings(other, 500);
  const grown = await grownBytes();
  assert.ok(grown < sendBufferBytesMax + slackBytes, `${grown / MiB} MiB`);
  assert.ok(peer.socket.writableLength > 0, "the primary has stopped reading from it");
  peer.socket.resume();
  for (const one of [bad[0]!, bad.at(-1)!]) assert.ok("error" in (await peer.answer(one)));
});

test("small reads that come together are not all answered in one turn", async (t) => {
  const small = { _id: "small", text: "x".repeat(200_000) };
  const { peer, other, grownBytes } = await makeScene(t, [small]);
  peer.socket.pause();
  const find = { kind: "find", ...on, filter: { _id: "small" } };
  const reads = Array.from({ length: 600 }, () => peer.request(find));
  await pings(other, 100);
  const grown = await grownBytes();
  assert.ok(grown < sendBufferBytesMax + 2 * MiB + slackBytes, `${grown / MiB} MiB`);
  peer.socket.resume();
  for (const read of reads) assert.ok("result" in (await peer.answer(read)));
});

test("the next batches of many cursors are not all read for a peer that does not read", async (t) => {
  const text = "x".repeat(20_000);
  const documents: Document[] = Array.from({ length: 200 }, (_, _id) => ({ _id, text }));
  documents.push(big);
  const { peer, other, grownBytes } = await makeScene(t, documents);
  const cursors: number[] = [];
  for (let n = 0; n < 100; n += 1) {
    const sequence = peer.request({ kind: "find", ...on, filter: {}, batchSize: 1 });
    const answer = await peer.answer(sequence);
    assert.ok("result" in answer);
    cursors.push((answer.result as { cursor: number }).cursor);
  }
  peer.socket.pause();
  const reads = cursors.map((cursor) => peer.request({ kind: "getMore", cursor }));
  // Each goes through the thread of the cursors.
  for (let n = 0; n < 20; n += 1) {
    await other.answer(other.request({ kind: "find", ...on, filter: {} }));
  }
  const grown = await grownBytes();
  const made = batchesPerConnectionMax * (batchBytesMax + text.length);
  assert.ok(grown < sendBufferBytesMax + made + slackBytes, `${grown / MiB} MiB`);
  peer.socket.resume();
  for (const read of reads) assert.ok("result" in (await peer.answer(read)));
});

test("findAndModify of large documents waits for a peer that does not read", async (t) => {
  const { peer, other, grownBytes } = await makeScene(t, [big]);
  peer.socket.pause();
  const modify = {
    kind: "findAndModify",
    action: "update",
    ...on,
    durability: "committed",
    filter: { _id: "big" },
    update: { $inc: { n: 1 } },
    upsert: false,
    returnNew: true,
  };
  const count = 200;
  const writes = Array.from({ length: count }, () => peer.request(modify));
  // Each has a commit of its own, which follows those of what had arrived.
  for (let n = 0; n < count; n += 1) {
    const write = other.request({ ...modify, filter: { _id: "none" } });
    assert.ok("result" in (await other.answer(write)));
  }
  const grown = await grownBytes();
  const expected = connectionInFlightBytesMax + sendBufferBytesMax;
  assert.ok(grown < expected + slackBytes, `${grown / MiB} MiB`);
  peer.socket.resume();
  const seen = new Set<number>();
  for (const write of writes) {
    const answer = await peer.answer(write);
    assert.ok("result" in answer);
    const { value } = answer.result as { value: Uint8Array };
    seen.add((decodeBody(value) as { n: number }).n);
  }
  assert.equal(seen.size, count);
});

test("large requests wait in the socket while earlier ones are under way", async (t) => {
  const many = Array.from({ length: searchInTransactionDocumentsMax + 1 }, (_, _id) => ({ _id }));
  const { peer, other, grownBytes } = await makeScene(t, many);
  const slow = { input: { $range: [0, 5_000_000] }, cond: { $lt: ["$$this", 0] } };
  const never = { $expr: { $eq: [{ $size: { $filter: slow } }, 1] } };
  // It has the only thread of the pool, where the updates are searched for, for as long as we like.
  const blocker = other.request({ kind: "aggregate", ...on, pipeline: endless(never) });
  const count = 60;
  const update = {
    kind: "update",
    ...on,
    durability: "committed",
    filter: { none: 1 },
    update: { $set: { text: "x".repeat(2 * MiB) } },
    replacement: false,
    multi: false,
    upsert: false,
  };
  const writes = Array.from({ length: count }, () => peer.request(update));
  // Each turn of the Host's loop reads 64 KiB of what waits in its sockets.
  await pings(other, (count * 2 * MiB) / (64 * 1024));
  const grown = await grownBytes();
  assert.ok(peer.socket.writableLength > 0);
  const largest = 2 * MiB;
  assert.ok(grown < connectionInFlightBytesMax + largest + slackBytes, `${grown / MiB} MiB`);
  other.send(FrameKind.cancel, blocker, null);
  await other.answer(blocker);
  for (const write of writes) await peer.answer(write);
});

function endless(match: Document): Document[] {
  return Array.from({ length: 900 }, () => ({ $match: match }));
}

async function pings(peer: RawPeer, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await peer.answer(peer.request({ kind: "ping" }));
    peer.frames.length = 0;
  }
}
