import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encode } from "../../../src/cbor/codec.js";
import { Dispatcher } from "../../../src/dispatch/dispatcher.js";
import { IndexBuilds } from "../../../src/dispatch/index-builds.js";
import { WriteExecutor } from "../../../src/dispatch/write-executor.js";
import { Writer } from "../../../src/dispatch/writer.js";
import { connectionsRefusedMax } from "../../../src/limits.js";
import { HostServer } from "../../../src/runtime/host-server.js";
import { acquireDatabases } from "../../../src/storage/databases.js";
import { connectTo } from "../../process/raw-peer.js";
import { temporaryRoot } from "../../support/temporary-root.js";

test("a connection beyond the limit is told why, one far beyond is closed, and there is room again later", async (t) => {
  const { rootPath, remove } = temporaryRoot();
  mkdirSync(rootPath);
  const databases = acquireDatabases(rootPath, "write");
  const writer = new Writer(databases, encode);
  const writes = new WriteExecutor(
    databases,
    writer,
    new IndexBuilds(databases, writer),
    undefined,
  );
  const dispatcher = new Dispatcher({ databases, reads: "local" });
  const identity = { rootPath, rootId: crypto.randomUUID(), epoch: 1, token: "token" };
  const server = new HostServer(identity, dispatcher, writes, databases, () => {}, undefined, 2);
  const endpoint = await server.listen([join(rootPath, "socket")]);
  t.after(async () => {
    server.stopReading();
    await server.close("the test ends", 1_000);
    await databases.release();
    remove();
  });
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
