/** Peers that break the rules on the primary's socket, beside a client that keeps them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encode } from "../../src/cbor/codec.js";
import { encodeFrame, FrameKind } from "../../src/protocol/frame.js";
import { encodeBody } from "../../src/protocol/messages.js";
import { encodeDocument } from "../../src/storage/document.js";
import { type Agent, openAgent } from "./agent.js";
import { connectClient, connectRaw, helloOf, type RawPeer } from "./raw-peer.js";
import { Site } from "./site.js";

interface Scene {
  site: Site;
  primary: Agent;
  /** The client that keeps the rules. */
  client: Agent;
}

async function makeScene(t: TestContext): Promise<Scene> {
  const site = new Site(t);
  const primary = await openAgent(site, "primary");
  const client = await openAgent(site, "client", { ipc: "client", reads: "primary" });
  return { site, primary, client };
}

/** The client was never disconnected, and its operations work. */
async function noticesNothing({ client, primary }: Scene): Promise<void> {
  const { insertedId } = await client.things("insertOne", {});
  assert.deepEqual(await client.things("findOne", { _id: insertedId }), { _id: insertedId });
  assert.deepEqual(client.events("primary-lost"), []);
  assert.deepEqual(primary.events("primary-lost"), []);
  assert.equal(primary.process.stderr, "");
}

/** A frame whose header says whatever it is told to. */
function forgedFrame(header: { bytes?: number; kind?: number; version?: number }): Uint8Array {
  const frame = encodeFrame(FrameKind.hello, 0, new Uint8Array(0));
  new DataView(frame.buffer).setUint32(0, header.bytes ?? 0, true);
  frame[4] = header.kind ?? FrameKind.hello;
  frame[5] = header.version ?? 1;
  return frame;
}

test("a wrong handshake is refused with its reason", async (t) => {
  const scene = await makeScene(t);
  const { site } = scene;
  const hello = helloOf(site);
  const { token: _token, ...withoutToken } = hello;
  const wrong: [what: string, code: string, hello: unknown][] = [
    ["another token", "PERMISSION", { ...hello, token: "0".repeat(64) }],
    ["an empty token", "PERMISSION", { ...hello, token: "" }],
    ["no token", "PROTOCOL", withoutToken],
    ["a token of another type", "PROTOCOL", { ...hello, token: 5 }],
    ["another root", "PROTOCOL", { ...hello, rootId: crypto.randomUUID() }],
    ["another version", "PROTOCOL_VERSION", { ...hello, protocol: 99 }],
    ["no UUID", "PROTOCOL", { ...hello, clientId: "../../x" }],
    ["an array", "PROTOCOL", [1, 2]],
  ];
  for (const [what, code, body] of wrong) {
    const peer = await connectRaw(site);
    peer.send(FrameKind.hello, 0, body);
    assert.equal((await peer.disconnected())?.code, code, what);
    assert.deepEqual(
      peer.frames.map(({ kind }) => kind),
      [FrameKind.refuse],
      `${what}: nothing but the refusal`,
    );
  }
  await noticesNothing(scene);
});

test("whoever does not know the token learns nothing about the root", async (t) => {
  const { site } = await makeScene(t);
  const { rootId } = site.lockRecord();
  const peer = await connectRaw(site);
  peer.send(FrameKind.hello, 0, { ...helloOf(site), token: "guess", rootId: "guess" });
  const refusal = await peer.disconnected();
  assert.equal(refusal?.code, "PERMISSION");
  assert.ok(!refusal.message.includes(rootId) && !refusal.message.includes(site.rootPath));
});

test("bytes that are no hello are refused before anything is kept for them", async (t) => {
  const scene = await makeScene(t);
  const { site } = scene;
  const operation = { kind: "dropDatabase", db: "app", durability: "flushed" };
  const request = encodeBody({ acknowledged: 0, resent: false, operation });
  const wrong: [what: string, bytes: Uint8Array][] = [
    ["text", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["noise", randomBytes(10_000)],
    ["an unknown kind", forgedFrame({ kind: 200 })],
    ["kind 0", forgedFrame({ kind: 0 })],
    ["another version of frames", forgedFrame({ version: 9 })],
    ["a frame of 4 GiB", forgedFrame({ bytes: 0xffffffff })],
    ["a frame larger than a handshake", forgedFrame({ bytes: 5_000 })],
    ["an empty hello", forgedFrame({})],
    ["a request before the hello", encodeFrame(FrameKind.request, 1, request)],
    ["a welcome", encodeFrame(FrameKind.welcome, 0, encodeBody({}))],
  ];
  for (const [what, bytes] of wrong) {
    const peer = await connectRaw(site);
    peer.socket.write(bytes);
    const refusal = await peer.disconnected();
    assert.match(String(refusal?.code), /^PROTOCOL/, what);
  }
  await noticesNothing(scene);
});

test("a frame that breaks the protocol after the handshake ends that connection only", async (t) => {
  const scene = await makeScene(t);
  const wrong: [what: string, bytes: Uint8Array][] = [
    ["noise", randomBytes(1_000)],
    ["an unknown kind", forgedFrame({ kind: 77 })],
    ["a frame of 1 GiB", forgedFrame({ bytes: 2 ** 30 })],
    ["a second hello", encodeFrame(FrameKind.hello, 0, encodeBody(helloOf(scene.site)))],
    ["a reply", encodeFrame(FrameKind.reply, 1, encodeBody(1))],
    ["an acknowledge of nothing", encodeFrame(FrameKind.acknowledge, 0, encodeBody({}))],
    ["a goodbye that is no CBOR", encodeFrame(FrameKind.goodbye, 0, Buffer.from([0xff]))],
  ];
  for (const [what, bytes] of wrong) {
    const peer = await connectClient(scene.site);
    peer.socket.write(bytes);
    assert.match(String((await peer.disconnected())?.code), /^PROTOCOL/, what);
  }
  await noticesNothing(scene);
});

test("a bad request gets one failure with its number, and the connection lives on", async (t) => {
  const scene = await makeScene(t);
  const { site } = scene;
  const on = { db: "app", collection: "things" };
  const insert = { kind: "insert", ...on, durability: "flushed", ordered: true, count: 1 };
  const documents = encodeDocument({ _id: 1 });
  const commit = {
    kind: "jobCommit",
    db: "app",
    durability: "flushed",
    job: "none",
    run: 1,
    record: documents,
    writes: [],
  };
  let deep: unknown = 1;
  for (let depth = 0; depth < 200; depth += 1) deep = { a: deep };
  const wrong: unknown[] = [
    null,
    17,
    [],
    {},
    { kind: "nonsense" },
    { kind: "toString" },
    { kind: "__proto__" },
    { kind: 5 },
    { kind: "find", ...on },
    { kind: "find", ...on, filter: "x" },
    { kind: "find", ...on, filter: { $nonsense: 1 } },
    { kind: "find", ...on, filter: { a: { $where: "1" } } },
    { kind: "find", ...on, filter: deep },
    { kind: "find", ...on, filter: {}, sort: { a: 1 } },
    { kind: "find", ...on, filter: {}, sort: [["a", 5]] },
    { kind: "find", ...on, filter: {}, limit: -1 },
    { kind: "find", ...on, filter: {}, batchSize: 1e9 },
    { kind: "find", ...on, filter: {}, maxTimeMs: "long" },
    { kind: "getMore", cursor: 99 },
    { kind: "getMore", cursor: -1 },
    { kind: "killCursors", cursors: "all" },
    { kind: "search", ...on, filter: {}, limit: null },
    { ...insert, documents: "x" },
    { ...insert, documents: new Uint8Array([0xff, 0, 1]) },
    { ...insert, documents: encode("no document") },
    { ...insert, documents: new Uint8Array(0) },
    { ...insert, documents, count: 7 },
    { ...insert, documents, durability: "soon" },
    { ...insert, documents, db: "../outside" },
    { ...insert, documents, db: "__proto__/x" },
    { ...insert, documents, db: "" },
    { ...insert, documents, db: "a".repeat(64) },
    { ...insert, documents, db: ["app"] },
    { ...insert, documents, collection: "system.users" },
    { ...insert, documents, collection: "a\0b" },
    { ...insert, documents, collection: "$cmd" },
    { kind: "update", ...on, durability: "flushed", filter: {}, update: { $inc: { n: 1 } } },
    {
      kind: "update",
      ...on,
      durability: "flushed",
      filter: {},
      update: { $inc: { n: "x" }, $nonsense: 1 },
      replacement: false,
      multi: true,
      upsert: true,
    },
    { kind: "bulk", ...on, durability: "flushed", models: [{ op: "rm" }], ordered: true },
    { ...commit, record: new Uint8Array(0) },
    { ...commit, record: Buffer.concat([documents, documents]) },
    { ...commit, job: "x".repeat(1_000) },
    { ...commit, run: -1 },
    { ...commit, writes: [{ collection: "system.jobs", models: [] }] },
    { ...commit, writes: [{ collection: "a", models: [{ op: "rm" }] }] },
    { ...commit, writes: "all" },
    // There is no such job.
    commit,
    { kind: "find", ...on, filter: {}, idRange: 5 },
    { kind: "renameCollection", ...on, durability: "flushed", to: "../x", dropTarget: false },
    { kind: "dropDatabase", db: "..", durability: "flushed" },
  ];
  const peer = await connectClient(site);
  const sequences = wrong.map((operation) => peer.request(operation));
  for (const [at, sequence] of sequences.entries()) {
    const { code, message } = await peer.failure(sequence);
    const shown = JSON.stringify(wrong[at])?.slice(0, 120);
    assert.notEqual(code, "INTERNAL", `${shown}: ${message}`);
  }
  await pings(peer);
  for (const sequence of sequences) {
    assert.equal(peer.frames.filter((frame) => frame.sequence === sequence).length, 1);
  }
  await noticesNothing(scene);
  assert.equal(existsSync(join(site.folder, "outside")), false);
  const names = readdirSync(site.rootPath).filter((name) => !name.startsWith("."));
  assert.deepEqual(names, ["app"]);
});

test("an envelope that is wrong fails as a request, not as a connection", async (t) => {
  const scene = await makeScene(t);
  const peer = await connectClient(scene.site);
  const ping = { kind: "ping" };
  const wrong: unknown[] = [
    { resent: false, operation: ping },
    { acknowledged: -1, operation: ping },
    { acknowledged: 0, resent: "no", operation: ping },
    { acknowledged: 0, resent: false },
    "ping",
  ];
  for (const [at, body] of wrong.entries()) {
    peer.send(FrameKind.request, 1_000 + at, body);
    assert.equal((await peer.failure(1_000 + at)).code, "PROTOCOL");
  }
  peer.socket.write(encodeFrame(FrameKind.request, 2_000, Buffer.from([0x9f, 0xff])));
  assert.equal((await peer.failure(2_000)).code, "PROTOCOL");
  await pings(peer);
  await noticesNothing(scene);
});

test("a write for a database that cannot be opened fails, also when it is sent again", async (t) => {
  const scene = await makeScene(t);
  mkdirSync(join(scene.site.rootPath, "newer"));
  writeFileSync(join(scene.site.rootPath, "newer/format.json"), '{"format":99}');
  writeFileSync(join(scene.site.rootPath, "file"), "");
  const peer = await connectClient(scene.site);
  let sequence = 100;
  for (const db of ["newer", "file"]) {
    for (const resent of [false, true]) {
      const documents = encodeDocument({ _id: 1 });
      const where = { db, collection: "things", durability: "flushed" };
      const operation = { kind: "insert", ...where, ordered: true, count: 1, documents };
      sequence += 1;
      peer.send(FrameKind.request, sequence, { acknowledged: 0, resent, operation });
      assert.ok((await peer.failure(sequence)).message.includes(db));
    }
  }
  await pings(peer);
  await noticesNothing(scene);
});

test("a request number that is used twice does not keep the primary from closing", async (t) => {
  const scene = await makeScene(t);
  const peer = await connectClient(scene.site);
  const where = { db: "app", collection: "things", durability: "flushed" };
  const documents = encodeDocument({ a: 1, _id: 1 });
  const operation = { kind: "insert", ...where, ordered: true, count: 1, documents };
  const body = encodeBody({ acknowledged: 0, resent: false, operation });
  const frame = encodeFrame(FrameKind.request, 7, body);
  peer.socket.write(Buffer.concat([frame, frame, frame]));
  await peer.answer(7);
  await scene.primary.close();
});

test("a peer that never reads is not read from, and others are still served", async (t) => {
  const scene = await makeScene(t);
  const { client, site } = scene;
  await client.things("insertOne", { _id: "big", text: "x".repeat(200_000) });
  const idle = await residentBytes(scene.primary);

  const peer = await connectClient(site);
  peer.socket.pause();
  // Each of these few bytes asks for 200 KB: unread, all answers would be 2 GB.
  const find = { kind: "find", db: "app", collection: "things", filter: { _id: "big" } };
  for (let n = 0; n < 10_000; n += 1) peer.request({ ...find, comment: "c".repeat(500) });
  // The others are answered again and again while it waits.
  for (let round = 0; round < 50; round += 1) await noticesNothing(scene);

  assert.ok(peer.socket.writableLength > 1_000_000, `${peer.socket.writableLength} bytes wait`);
  const grownBytes = (await residentBytes(scene.primary)) - idle;
  assert.ok(grownBytes < 200e6, `the primary has grown by ${Math.round(grownBytes / 1e6)} MB`);

  // Once it reads, it gets every answer.
  peer.socket.resume();
  await peer.until("all answers", () => (peer.frames.length > 500 ? true : undefined));
  peer.socket.destroy();
  await noticesNothing(scene);
});

test("a connection that says nothing is closed after the time for the handshake", async (t) => {
  const scene = await makeScene(t);
  const [silent, half] = [await connectRaw(scene.site), await connectRaw(scene.site)];
  const hello = encodeFrame(FrameKind.hello, 0, encodeBody(helloOf(scene.site)));
  half.socket.write(hello.subarray(0, 20));
  for (const peer of [silent, half]) {
    assert.equal((await peer.disconnected())?.code, "PROTOCOL");
  }
  await noticesNothing(scene);
});

test("peers that vanish in the middle of a frame or of their requests leave nothing behind", async (t) => {
  const scene = await makeScene(t);
  const find = { kind: "find", db: "app", collection: "things", filter: {}, batchSize: 1 };
  await scene.client.things("insertMany", [{}, {}, {}]);
  for (let n = 0; n < 20; n += 1) {
    const peer = await connectClient(scene.site);
    peer.request(find);
    peer.request({ ...find, filter: { a: 1 } });
    peer.socket.write(encodeFrame(FrameKind.request, 9, randomBytes(100)).subarray(0, 50));
    peer.socket.destroy();
  }
  await noticesNothing(scene);
  const status = (await scene.client.chain(["status"])) as { host: { clients: number } };
  assert.equal(status.host.clients, 2);
});

async function pings(peer: RawPeer): Promise<void> {
  assert.deepEqual(await peer.answer(peer.request({ kind: "ping" })), { result: { ok: 1 } });
}

async function residentBytes(agent: Agent): Promise<number> {
  return (await agent.call("residentBytes")) as number;
}
