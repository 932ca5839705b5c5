import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { frameHeaderBytes } from "../../../src/limits.js";
import { encodeFrame, FrameKind, FrameParser } from "../../../src/protocol/frame.js";
import { decodeRefuse } from "../../../src/protocol/messages.js";
import { SocketChannel } from "../../../src/transport/socket-channel.js";
import { observe, socketPair } from "./channel-pairs.js";

const empty = new Uint8Array(0);

test("frames of one turn leave as one write, also those sent from its promises", async (t) => {
  const [socket, raw] = await socketPair(t);
  const chunks: number[] = [];
  raw.on("data", (chunk) => chunks.push(chunk.length));
  const { channel } = observe(new SocketChannel(socket));
  const later = async () => {
    for (let hops = 0; hops < 10; hops++) await undefined;
    channel.send(FrameKind.request, 2, empty);
  };
  // From a callback of the event loop, as frames arrive, not from the promise this test runs in.
  setImmediate(() => {
    channel.send(FrameKind.request, 1, empty);
    later();
  });
  await once(raw, "data");
  assert.deepEqual(chunks, [2 * frameHeaderBytes]);
  channel.send(FrameKind.request, 3, empty);
  await once(raw, "data");
  assert.deepEqual(chunks, [2 * frameHeaderBytes, frameHeaderBytes]);
});

test("a peer that is no LioranDB process is told why and disconnected, though it stays", async (t) => {
  const [socket, raw] = await socketPair(t);
  const observed = observe(new SocketChannel(socket));
  observed.channel.start();
  const told: string[] = [];
  const parser = new FrameParser((frame) => told.push(decodeRefuse(frame.body).message));
  raw.on("data", (chunk) => parser.push(chunk));
  raw.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const error = await observed.closed();
  assert.match(error!.message, /Frame header at byte 0/);
  await once(raw, "close");
  assert.deepEqual(told, [error!.message]);
});

test("an end in the middle of a frame is an error, between frames it is none", async (t) => {
  const frame = encodeFrame(FrameKind.request, 1, new Uint8Array(10));
  for (const sentBytes of [1, frameHeaderBytes, frame.length - 1, frame.length]) {
    const [socket, raw] = await socketPair(t);
    const observed = observe(new SocketChannel(socket));
    observed.channel.start();
    raw.end(frame.subarray(0, sentBytes));
    const error = await observed.closed();
    if (sentBytes === frame.length) assert.equal(error, undefined);
    else assert.match(error!.message, /in the middle of a frame/);
  }
});

test("a failed connection becomes an IO error with its cause", async (t) => {
  const [socket, raw] = await socketPair(t);
  const observed = observe(new SocketChannel(socket));
  const cause = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  socket.destroy(cause);
  const error = await observed.closed();
  assert.equal(error?.code, "IO");
  assert.equal(error.cause, cause);
  await once(raw.resume(), "close");
});

test("a peer that vanishes while answers wait closes the channel once", async (t) => {
  const [socket, raw] = await socketPair(t);
  const observed = observe(new SocketChannel(socket));
  observed.channel.start();
  observed.channel.send(FrameKind.reply, 1, new Uint8Array(16 * 1024 * 1024));
  await turn();
  raw.destroy();
  await observed.closed();
  await turn();
  assert.deepEqual([observed.closes.length, observed.drains], [1, 0]);
});

test("a paused reader stops its peer: the kernel's buffers fill, this process' do not", async (t) => {
  const [socket, raw] = await socketPair(t);
  const observed = observe(new SocketChannel(socket));
  observed.channel.allowLargeFrames();
  observed.channel.start();
  observed.channel.pause();
  const body = new Uint8Array(8 * 1024 * 1024);
  raw.write(encodeFrame(FrameKind.request, 1, body));
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.ok(socket.bytesRead <= 128 * 1024);
  observed.channel.resume();
  await observed.until(() => observed.frames.length === 1);
  assert.equal(observed.frames[0]!.body.length, body.length);
});

test("resume() before start() loses nothing", async (t) => {
  const [socket, raw] = await socketPair(t);
  const observed = observe(new SocketChannel(socket));
  observed.channel.pause();
  observed.channel.resume();
  raw.write(encodeFrame(FrameKind.request, 1, empty));
  for (let turns = 0; turns < 5; turns++) await turn();
  observed.channel.start();
  await observed.until(() => observed.frames.length === 1);
});
