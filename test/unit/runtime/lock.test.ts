import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { LioranError } from "../../../src/errors.js";
import { type LockRecord, RootLock } from "../../../src/runtime/lock.js";

const record: LockRecord = {
  pid: 4711,
  epoch: 7,
  endpoint: "/somewhere/.lioran-7.sock",
  token: "0123456789abcdef",
  protocol: 1,
  rootId: "b9f9f2c8-8b33-4a2f-9f6a-2f0f3a1f7c11",
  startedAt: "2026-01-02T03:04:05.678Z",
};

function makeRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "lock-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function withContent(t: TestContext, content: string): RootLock {
  const lock = new RootLock(makeRoot(t));
  writeFileSync(lock.path, content);
  return lock;
}

test("a written record is read back, by its writer and by others", (t) => {
  const root = makeRoot(t);
  const owner = new RootLock(root);
  assert.equal(owner.tryAcquire(), true);
  owner.write(record);
  assert.deepEqual(owner.read(), record);
  assert.deepEqual(new RootLock(root).read(), record);
  owner.release();
  assert.deepEqual(new RootLock(root).read(), record);
});

test("a shorter record leaves nothing of a longer one behind", (t) => {
  const lock = new RootLock(makeRoot(t));
  assert.equal(lock.tryAcquire(), true);
  lock.write({ ...record, endpoint: "x".repeat(1_000) });
  const bytesBefore = statSync(lock.path).size;
  lock.write({ ...record, endpoint: "" });
  assert.equal(statSync(lock.path).size, bytesBefore);
  assert.deepEqual(lock.read(), { ...record, endpoint: "" });
  lock.release();
});

test("a record that does not fit is refused and changes nothing", (t) => {
  const lock = new RootLock(makeRoot(t));
  assert.equal(lock.tryAcquire(), true);
  lock.write(record);
  const tooLong = { ...record, endpoint: "x".repeat(4_000) };
  assert.throws(
    () => lock.write(tooLong),
    (error: LioranError) => error.code === "IO",
  );
  assert.deepEqual(lock.read(), record);
  lock.release();
});

test("a record that was cut at any byte reads as nothing", (t) => {
  const text = JSON.stringify(record);
  const lock = withContent(t, text);
  for (let bytes = 0; bytes < text.length; bytes += 1) {
    writeFileSync(lock.path, text.slice(0, bytes));
    assert.equal(lock.read(), undefined, `cut after ${bytes} bytes`);
  }
});

for (const [what, content] of [
  ["nothing", ""],
  ["blanks only", " ".repeat(2048)],
  ["text", "hello"],
  ["null", "null"],
  ["an array", "[1, 2]"],
  ["a number", "17"],
  ["zero bytes", "\0".repeat(2048)],
  ["a record without a pid", JSON.stringify({ ...record, pid: undefined })],
  ["a record with a fraction as epoch", JSON.stringify({ ...record, epoch: 1.5 })],
  ["a record with a number as token", JSON.stringify({ ...record, token: 5 })],
  ["a record and more behind it", `${JSON.stringify(record)}x`],
] as const) {
  test(`a lock file that holds ${what} reads as nothing`, (t) => {
    const lock = withContent(t, content);
    assert.equal(lock.read(), undefined);
    assert.equal(lock.previous().rootId, undefined);
  });
}

test("the next take-over knows the epoch and the identity of the root", (t) => {
  const lock = withContent(t, JSON.stringify(record).padEnd(2048));
  const { epoch, rootId } = lock.previous();
  assert.deepEqual({ epoch, rootId }, { epoch: record.epoch, rootId: record.rootId });
});

test("a root without a lock file is at epoch 0", (t) => {
  assert.deepEqual(new RootLock(makeRoot(t)).previous(), { epoch: 0, rootId: undefined });
});

test("an unreadable record makes the epoch jump ahead, never back", (t) => {
  const lock = withContent(t, JSON.stringify(record).slice(0, 40));
  assert.ok(lock.previous().epoch > 1_000_000_000);
});

test("one of two locks of a root gets it, the other after the release", (t) => {
  const root = makeRoot(t);
  const first = new RootLock(root);
  const second = new RootLock(root);
  assert.equal(first.tryAcquire(), true);
  assert.equal(first.tryAcquire(), true, "taking it twice is no step");
  assert.equal(second.tryAcquire(), false);
  assert.equal(second.held, false);
  first.release();
  first.release();
  assert.equal(second.tryAcquire(), true);
  second.release();
  assert.ok(statSync(first.path).isFile(), "the file is never deleted");
});

test("an attempt that fails does not change what the holder wrote", (t) => {
  const root = makeRoot(t);
  const holder = new RootLock(root);
  holder.tryAcquire();
  holder.write(record);
  const before = readFileSync(holder.path);
  assert.equal(new RootLock(root).tryAcquire(), false);
  assert.deepEqual(readFileSync(holder.path), before);
  holder.release();
});

test("a folder in the place of the lock file is an error that names it", (t) => {
  const lock = new RootLock(makeRoot(t));
  mkdirSync(lock.path);
  for (const attempt of [() => lock.tryAcquire(), () => lock.read()]) {
    assert.throws(attempt, (error: LioranError) => {
      assert.equal(error.code, "ROOT_INVALID");
      assert.ok(error.message.includes(lock.path), error.message);
      return true;
    });
  }
});

for (const [what, change] of [
  ["an epoch behind which there is none", { epoch: Number.MAX_SAFE_INTEGER }],
  ["a negative epoch", { epoch: -7 }],
  ["a negative pid", { pid: -1 }],
  ["an identity that fills the record", { rootId: "x".repeat(1_900) }],
  ["a token that fills the record", { token: "x".repeat(1_900) }],
  ["a token of another type", { token: 7 }],
  ["an endpoint with NUL", { endpoint: "a\0b" }],
  ["an endpoint of another type", { endpoint: { port: 1 } }],
] as const) {
  test(`a forged record is none: ${what}`, (t) => {
    const lock = withContent(t, JSON.stringify({ ...record, ...change }));
    assert.equal(lock.read(), undefined);
    const { epoch, rootId } = lock.previous();
    assert.ok(epoch > record.epoch && Number.isSafeInteger(epoch + 1));
    assert.equal(rootId, undefined);
  });
}
