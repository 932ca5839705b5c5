import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { frameHeaderBytes } from "../../../src/limits.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { PortChannel } from "../../../src/transport/port-channel.js";
import { observe } from "./channel-pairs.js";

const empty = new Uint8Array(0);
const countBytes = 8;

test("frames of one turn leave as one transferred buffer, bodies stay usable", async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const { channel } = observe(new PortChannel(port1));
  const messages: number[] = [];
  port2.on("message", (message: ArrayBuffer) => messages.push(message.byteLength));
  const body = new Uint8Array([1, 2, 3]);
  channel.send(FrameKind.request, 1, body);
  channel.send(FrameKind.request, 2, body);
  await once(port2, "message");
  assert.deepEqual(messages, [countBytes + 2 * (frameHeaderBytes + body.length)]);
  assert.deepEqual(body, new Uint8Array([1, 2, 3]));
});

test("a turn lasts until its promises have run: their frames leave in the same message", async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const { channel } = observe(new PortChannel(port1));
  const messages: number[] = [];
  port2.on("message", (message: ArrayBuffer) => messages.push(message.byteLength));
  const later = async () => {
    for (let hops = 0; hops < 10; hops++) await undefined;
    channel.send(FrameKind.request, 2, empty);
  };
  // From a callback of the event loop, as frames arrive, not from the promise this test runs in.
  setImmediate(() => {
    channel.send(FrameKind.request, 1, empty);
    later();
  });
  await once(port2, "message");
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.deepEqual(messages, [countBytes + 2 * frameHeaderBytes]);
});

test("what a paused peer has not seen stays counted, to the byte", async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const near = observe(new PortChannel(port1));
  const far = observe(new PortChannel(port2));
  near.channel.start();
  far.channel.start();
  far.onFrame = ({ sequence }) => {
    if (sequence === 2) far.channel.pause();
  };
  for (let sequence = 1; sequence <= 5; sequence++) {
    near.channel.send(FrameKind.request, sequence, new Uint8Array(84));
  }
  assert.equal(near.channel.bufferedBytes, 500);
  await far.until(() => far.frames.length === 2);
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(near.channel.bufferedBytes, 300);
  far.channel.resume();
  await far.until(() => far.frames.length === 5);
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(near.channel.bufferedBytes, 0);
});

test("an idle pair exchanges no messages", async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const near = observe(new PortChannel(port1));
  const far = observe(new PortChannel(port2));
  near.channel.start();
  far.channel.start();
  near.channel.send(FrameKind.request, 1, empty);
  await far.until(() => far.frames.length === 1);
  for (let turns = 0; turns < 5; turns++) await turn();
  let messages = 0;
  port1.on("message", () => messages++);
  port2.on("message", () => messages++);
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(messages, 0);
});
