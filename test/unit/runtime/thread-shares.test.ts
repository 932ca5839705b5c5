import assert from "node:assert/strict";
import { test } from "node:test";
import { poolQueueMax } from "../../../src/limits.js";
import { ThreadShares } from "../../../src/runtime/thread-shares.js";

test("a query gets what it wants, or what is free", async () => {
  const shares = new ThreadShares(4);
  const first = await shares.acquire({}, 3, Number.POSITIVE_INFINITY);
  assert.equal(first.length, 3);
  assert.equal((await shares.acquire({}, 3, Number.POSITIVE_INFINITY)).length, 1);
  const third = shares.acquire({}, 2, Number.POSITIVE_INFINITY);
  assert.equal(shares.waiting, 1);
  first[0]!.release();
  assert.equal((await third).length, 1);
  assert.equal(shares.waiting, 0);
});

test("callers take turns, whoever came with how many", async () => {
  const shares = new ThreadShares(1);
  const [greedy, other, third] = [{}, {}, {}];
  let [share] = await shares.acquire(greedy, 1, Number.POSITIVE_INFINITY);
  const granted: string[] = [];
  const ask = (name: string, caller: object) =>
    shares.acquire(caller, 1, Number.POSITIVE_INFINITY).then(([next]) => {
      share = next;
      granted.push(name);
    });
  const all = [
    ...["g1", "g2", "g3"].map((name) => ask(name, greedy)),
    ask("o1", other),
    ask("t1", third),
    ask("o2", other),
  ];
  for (const _ of all) {
    share!.release();
    await Promise.resolve();
    await Promise.resolve();
  }
  await Promise.all(all);
  assert.deepEqual(granted, ["g1", "o1", "t1", "g2", "o2", "g3"]);
});

test("who waits too long is told so, and takes no thread later", async () => {
  const shares = new ThreadShares(1);
  const [share] = await shares.acquire({}, 1, Number.POSITIVE_INFINITY);
  await assert.rejects(shares.acquire({}, 1, 5), { code: 50 });
  assert.equal(shares.waiting, 0);
  share!.release();
  assert.equal((await shares.acquire({}, 1, 5)).length, 1);
});

test("a thread that is given back twice counts once", async () => {
  const shares = new ThreadShares(2);
  const [one, other] = await shares.acquire({}, 2, Number.POSITIVE_INFINITY);
  one!.release();
  one!.release();
  assert.equal((await shares.acquire({}, 2, Number.POSITIVE_INFINITY)).length, 1);
  other!.release();
  assert.equal((await shares.acquire({}, 2, Number.POSITIVE_INFINITY)).length, 1);
});

test("a caller that is held back gets no thread, and what it asked for comes later in its order", async () => {
  const shares = new ThreadShares(1);
  const [behind, other] = [{}, {}];
  const granted: string[] = [];
  const ask = async (name: string, caller: object) => {
    const [share] = await shares.acquire(caller, 1, Number.POSITIVE_INFINITY);
    granted.push(name);
    return share!;
  };
  const first = await ask("b1", behind);
  const early = ask("b2", behind);
  shares.hold(behind);
  shares.hold(behind);
  const late = ask("b3", behind);
  // Nobody who may have the thread waits for it.
  assert.equal(shares.waiting, 0);
  first.release();
  const others = await ask("o1", other);
  others.release();
  assert.equal(shares.busy, 0);
  shares.letGo(behind);
  (await early).release();
  (await late).release();
  assert.deepEqual(granted, ["b1", "o1", "b2", "b3"]);
  assert.equal(shares.busy, 0);
});

test("who waits too long while it is held back is told so", async () => {
  const shares = new ThreadShares(1);
  const behind = {};
  shares.hold(behind);
  await assert.rejects(shares.acquire(behind, 1, 5), { code: 50 });
  shares.letGo(behind);
  assert.equal((await shares.acquire(behind, 1, 5)).length, 1);
});

test("a caller that asks for too much is refused, others are not", async () => {
  const shares = new ThreadShares(1);
  const [share] = await shares.acquire({}, 1, Number.POSITIVE_INFINITY);
  const greedy = {};
  const ask = () => shares.acquire(greedy, 1, Number.POSITIVE_INFINITY);
  for (let n = 0; n < poolQueueMax; n += 1) ask();
  await assert.rejects(ask(), { code: "QUEUE_FULL", retryable: true });
  const other = shares.acquire({}, 1, Number.POSITIVE_INFINITY);
  share!.release();
  shares.hold(greedy);
  assert.equal(shares.waiting, 1);
  // The greedy one has it for now.
  assert.equal(shares.busy, 1);
  other.catch(() => {});
});
