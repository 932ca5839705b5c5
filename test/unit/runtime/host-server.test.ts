import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encode } from "../../../src/cbor/codec.js";
import { Dispatcher } from "../../../src/dispatch/dispatcher.js";
import { IndexBuilds } from "../../../src/dispatch/index-builds.js";
import { WriteExecutor } from "../../../src/dispatch/write-executor.js";
import { Writer } from "../../../src/dispatch/writer.js";
import { connectionsRefusedMax, handshakeTimeoutMs } from "../../../src/limits.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { protocolVersion } from "../../../src/protocol/messages.js";
import { HostServer } from "../../../src/runtime/host-server.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { connectTo } from "../../process/raw-peer.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a hello that has arrived while the Host was busy is not late", async (t) => {
  const { endpoint, identity } = await startServer(t);
  const hello = () => ({
    ...identity,
    protocol: protocolVersion,
    clientId: crypto.randomUUID(),
    pid: process.pid,
  });
  const peer = await connectTo(endpoint);
  // They are accepted in order: once this one is served, the other waits for its hello.
  const later = await connectTo(endpoint);
  later.send(FrameKind.hello, 0, hello());
  const isWelcome = ({ kind }: { kind: FrameKind }) => kind === FrameKind.welcome;
  await later.until("welcome", () => later.frames.find(isWelcome));
  peer.send(FrameKind.hello, 0, hello());
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobody, 0, 0, handshakeTimeoutMs + 100);
  await peer.until("answer", () => peer.frames[0]);
  assert.deepEqual(
    peer.frames.map(({ kind }) => kind),
    [FrameKind.welcome],
  );
  // Who says nothing is still told so.
  const silent = await connectTo(endpoint);
  assert.match((await silent.disconnected())!.message, /No hello within 5000 ms/);
});

test("a connection beyond the limit is told why, one far beyond is closed, and there is room again later", async (t) => {
  const { endpoint } = await startServer(t, 2);
  const [first, second] = [await connectTo(endpoint), await connectTo(endpoint)];
  const refused = await connectTo(endpoint);
  const refusal = await refused.disconnected();
  assert.deepEqual([refusal?.code, refusal?.retryable], ["QUEUE_FULL", true]);
  assert.match(refusal!.message, /2 connections/);
  // Those that do not leave when they are told to are not told without end.
  const stubborn = [];
  for (let n = 0; n < connectionsRefusedMax; n += 1) {
    stubborn.push(await connectTo(endpoint, { allowHalfOpen: true }));
  }
  for (const one of stubborn) await one.until("refusal", () => one.frames[0]);
  const unheard = await connectTo(endpoint);
  assert.equal(await unheard.disconnected(), undefined);
  for (const one of stubborn) one.socket.destroy();
  second.socket.destroy();
  // Its place is free once the server has seen that it has left.
  for (;;) {
    const later = await connectTo(endpoint);
    later.socket.write("no frame at all, but long enough for one");
    const code = (await later.disconnected())?.code;
    if (code === "PROTOCOL_VERSION" || code === "PROTOCOL") break;
    // Closed without a word, as long as there are too many.
    if (code) assert.equal(code, "QUEUE_FULL");
  }
  assert.equal(first.closed, false);
});

async function startServer(t: TestContext, connectionsMax?: number) {
  const { rootPath, remove } = temporaryRoot();
  mkdirSync(rootPath);
  const databases = acquireDatabases(rootPath, "write");
  const writer = new Writer(databases, encode);
  const builds = new IndexBuilds(databases, writer);
  const writes = new WriteExecutor(databases, writer, builds, undefined);
  const dispatcher = new Dispatcher({ databases, reads: "local" });
  const identity = { rootPath, rootId: crypto.randomUUID(), epoch: 1, token: "token" };
  const forgetSession = () => {};
  const server = new HostServer(
    identity,
    dispatcher,
    writes,
    databases,
    forgetSession,
    undefined,
    connectionsMax,
  );
  const endpoint = await server.listen([join(rootPath, "socket")]);
  t.after(async () => {
    server.stopReading();
    await server.close("the test ends", 1_000);
    await databases.release();
    remove();
  });
  return { endpoint, identity };
}
