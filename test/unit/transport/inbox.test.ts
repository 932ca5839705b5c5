import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { encodeFrame, FrameKind } from "../../../src/protocol/frame.js";
import { Inbox } from "../../../src/transport/inbox.js";

/** An inbox and the record of what it reported: sequences of frames, and events by name. */
function recording(): { inbox: Inbox; seen: (number | string)[] } {
  const seen: (number | string)[] = [];
  const inbox = new Inbox({
    deliver: (frame) => seen.push(frame.sequence),
    fail: (error) => seen.push(String(error.code)),
    flow: () => seen.push("flow"),
    finished: () => seen.push("finished"),
  });
  return { inbox, seen };
}

function frame(sequence: number): Uint8Array {
  return encodeFrame(FrameKind.request, sequence, new Uint8Array(0));
}

test("what arrives between resume() and the delivery of held frames stays behind them", async () => {
  const { inbox, seen } = recording();
  inbox.pause();
  inbox.push(frame(1));
  inbox.push(frame(2));
  inbox.resume();
  inbox.push(frame(3));
  assert.deepEqual(seen, []);
  await turn();
  inbox.push(frame(4));
  assert.deepEqual(seen, [1, 2, 3, "flow", 4]);
});

test("the end of the source waits for the frames before it, and comes once", async () => {
  const { inbox, seen } = recording();
  inbox.pause();
  inbox.push(frame(1));
  inbox.endSource();
  await turn();
  assert.deepEqual(seen, []);
  inbox.resume();
  await turn();
  inbox.discard();
  await turn();
  assert.deepEqual(seen, [1, "finished"]);
});

test("discard() drops what is held and lets the end through, in a later turn", async () => {
  const { inbox, seen } = recording();
  inbox.pause();
  inbox.push(frame(1));
  inbox.endSource();
  inbox.discard();
  assert.deepEqual(seen, []);
  await turn();
  inbox.push(frame(2));
  assert.deepEqual(seen, ["finished"]);
});
