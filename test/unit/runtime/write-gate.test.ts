import assert from "node:assert/strict";
import { test } from "node:test";
import type { LioranError } from "../../../src/errors.js";
import { WriteGate } from "../../../src/runtime/write-gate.js";

const isFull = (error: LioranError) => error.code === "QUEUE_FULL" && error.retryable;

/** Whether a promise has settled by the time everything that can run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const turn = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise.catch(() => {}), turn])) !== pending;
}

test("there are exactly as many places as allowed", () => {
  const gate = new WriteGate({ maxSize: 3, mode: "wait", timeoutMs: 10_000 });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => gate.tryEnter()),
    [true, true, true, false],
  );
  gate.leave();
  assert.equal(gate.tryEnter(), true);
  assert.equal(gate.tryEnter(), false);
});

test("mode reject: a write beyond the limit is refused at once, and says which limit", async () => {
  const gate = new WriteGate({ maxSize: 1, mode: "reject", timeoutMs: 10_000 });
  assert.equal(gate.tryEnter(), true);
  await assert.rejects(gate.enter(), (error: LioranError) => {
    assert.match(error.message, /writeQueue\.maxSize/);
    return isFull(error);
  });
  gate.leave();
  assert.equal(gate.tryEnter(), true, "a refusal takes no place");
});

test("mode wait: a write waits for a place", async () => {
  const gate = new WriteGate({ maxSize: 1, mode: "wait", timeoutMs: 10_000 });
  assert.equal(gate.tryEnter(), true);
  const waiting = gate.enter();
  assert.equal(await isSettled(waiting), false);
  gate.leave();
  await waiting;
  assert.equal(gate.tryEnter(), false, "the place is taken again");
});

test("mode wait: the turn is that of the calls", async () => {
  const gate = new WriteGate({ maxSize: 1, mode: "wait", timeoutMs: 10_000 });
  gate.tryEnter();
  const order: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) => gate.enter().then(() => order.push(n)));
  for (const each of all) {
    gate.leave();
    await each;
  }
  assert.deepEqual(order, [1, 2, 3, 4, 5]);
});

test("nobody overtakes those who wait", async () => {
  const gate = new WriteGate({ maxSize: 1, mode: "wait", timeoutMs: 10_000 });
  gate.tryEnter();
  const waiting = gate.enter();
  await isSettled(waiting);
  gate.leave();
  assert.equal(gate.tryEnter(), false);
  await waiting;
});

test("mode wait: a write that waited too long is refused and leaves no trace", async () => {
  const gate = new WriteGate({ maxSize: 1, mode: "wait", timeoutMs: 5 });
  gate.tryEnter();
  await assert.rejects(gate.enter(), isFull);
  await assert.rejects(gate.enter(), isFull);
  gate.leave();
  await gate.enter();
  gate.leave();
  assert.equal(gate.tryEnter(), true);
});

test("all who wait are refused when their time is over, whatever their turn", async () => {
  const gate = new WriteGate({ maxSize: 2, mode: "wait", timeoutMs: 10 });
  gate.tryEnter();
  gate.tryEnter();
  const outcomes = await Promise.allSettled([gate.enter(), gate.enter(), gate.enter()]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.ok(isFull((outcome as PromiseRejectedResult).reason));
  }
  gate.leave();
  gate.leave();
  // The turn passes through those who gave up, which takes some promises: so wait for it.
  await gate.enter();
});
