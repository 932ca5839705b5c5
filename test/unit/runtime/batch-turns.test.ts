import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { batchesPerConnectionMax } from "../../../src/limits.js";
import { BatchTurns } from "../../../src/runtime/batch-turns.js";

function work() {
  const begun: (() => void)[] = [];
  const one = () => new Promise<void>((resolve) => begun.push(resolve));
  return { begun, one };
}

test("only so many batches are read at once, and each in its turn", async () => {
  const turns = new BatchTurns();
  const { begun, one } = work();
  const all = Array.from({ length: batchesPerConnectionMax + 2 }, () => turns.run(one));
  await nextTurn();
  assert.equal(begun.length, batchesPerConnectionMax);
  begun[3]!();
  await nextTurn();
  assert.equal(begun.length, batchesPerConnectionMax + 1);
  for (let at = 0; at < batchesPerConnectionMax + 2; at += 1) {
    begun[at]!();
    await nextTurn();
  }
  await Promise.all(all);
});

test("none begins while the peer is behind, and one that fails leaves its turn to the next", async () => {
  const turns = new BatchTurns();
  const { begun, one } = work();
  turns.hold();
  const all = Array.from({ length: 2 * batchesPerConnectionMax }, () => turns.run(one));
  const failing = assert.rejects(turns.run(() => Promise.reject(new Error("gone"))));
  await nextTurn();
  assert.equal(begun.length, 0);
  turns.letGo();
  await nextTurn();
  assert.equal(begun.length, batchesPerConnectionMax);
  turns.hold();
  for (const end of begun) end();
  await nextTurn();
  assert.equal(begun.length, batchesPerConnectionMax);
  turns.letGo();
  await nextTurn();
  for (const end of begun) end();
  await Promise.all([...all, failing]);
});
