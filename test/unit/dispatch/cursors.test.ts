import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { type BatchSource, CursorTable } from "../../../src/dispatch/cursors.js";
import { LioranError } from "../../../src/errors.js";
import { cursorIdleTimeoutMs, cursorsPerConnectionMax } from "../../../src/limits.js";

const batch = { count: 0, bytes: new Uint8Array() };

/** Gives a batch when it is told to, and counts how often it was closed. */
class Source implements BatchSource {
  closed = 0;
  answer: (() => void) | undefined;
  fail: ((error: Error) => void) | undefined;

  next(): ReturnType<BatchSource["next"]> {
    return new Promise((resolve, reject) => {
      this.answer = () => resolve({ batch, done: false });
      this.fail = reject;
    });
  }

  close(): void {
    this.closed += 1;
  }
}

let nowMs = 0;

beforeEach(() => {
  nowMs = 1_000;
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(performance, "now", () => nowMs);
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

function pass(milliseconds: number): void {
  nowMs += milliseconds;
  mock.timers.tick(milliseconds);
}

test("a cursor nobody reads is closed after ten minutes, and is then unknown", async () => {
  const table = new CursorTable();
  const source = new Source();
  const id = table.add(source);
  pass(cursorIdleTimeoutMs - 1);
  assert.deepEqual([table.size, source.closed], [1, 0]);
  pass(cursorIdleTimeoutMs / 10 + 1);
  assert.deepEqual([table.size, source.closed], [0, 1]);
  await assert.rejects(table.next(id, undefined), { code: 43, retryable: true });
  assert.equal(table.kill(id), false);
  assert.equal(source.closed, 1);
});

test("reading a cursor keeps it, and one that is being read is not idle", async () => {
  const table = new CursorTable();
  const source = new Source();
  const id = table.add(source);
  pass(cursorIdleTimeoutMs - 1);
  const first = table.next(id, undefined);
  pass(2 * cursorIdleTimeoutMs);
  assert.equal(source.closed, 0);
  source.answer?.();
  assert.equal((await first).cursor, id);
  pass(cursorIdleTimeoutMs - 1);
  assert.equal(source.closed, 0, "idle since its last batch, not since it was opened");
  pass(cursorIdleTimeoutMs / 5);
  assert.equal(source.closed, 1);
});

test("a cursor that fails is closed once, and others stay", async () => {
  const table = new CursorTable();
  const [failing, other] = [new Source(), new Source()];
  const id = table.add(failing);
  table.add(other);
  const next = table.next(id, undefined);
  await assert.rejects(table.next(id, undefined), { code: 2 }, "one read at a time");
  const failure = new LioranError("SNAPSHOT_TOO_OLD", "too old");
  failing.fail?.(failure);
  await assert.rejects(next, { code: 239, retryable: true });
  assert.deepEqual([failing.closed, other.closed, table.size], [1, 0, 1]);
  table.close();
  assert.deepEqual([failing.closed, other.closed, table.size], [1, 1, 0]);
  const late = new Source();
  assert.throws(() => table.add(late), { code: "CLOSED" });
  assert.equal(late.closed, 1);
});

test("a connection has a bounded number of cursors", () => {
  const table = new CursorTable();
  for (let n = 0; n < cursorsPerConnectionMax; n += 1) table.add(new Source());
  const refused = new Source();
  assert.throws(() => table.add(refused), { code: "QUEUE_FULL", retryable: true });
  assert.deepEqual([refused.closed, table.size], [1, cursorsPerConnectionMax]);
  table.close();
});
