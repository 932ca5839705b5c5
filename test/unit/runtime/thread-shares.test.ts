import assert from "node:assert/strict";
import { test } from "node:test";
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
