import assert from "node:assert/strict";
import { test } from "node:test";
import { ThreadShares } from "../../../src/runtime/thread-shares.js";

test("a query gets what it wants, or what is free", async () => {
  const shares = new ThreadShares(4);
  assert.equal(await shares.acquire({}, 3, 0), 3);
  assert.equal(await shares.acquire({}, 3, 0), 1);
  const third = shares.acquire({}, 2, 0);
  assert.equal(shares.waiting, 1);
  shares.release();
  assert.equal(await third, 1);
  assert.equal(shares.waiting, 0);
});

test("callers take turns, whoever came with how many", async () => {
  const shares = new ThreadShares(1);
  const [greedy, other, third] = [{}, {}, {}];
  await shares.acquire(greedy, 1, 0);
  const granted: string[] = [];
  const ask = (name: string, caller: object) =>
    shares.acquire(caller, 1, 0).then(() => granted.push(name));
  const all = [
    ...["g1", "g2", "g3"].map((name) => ask(name, greedy)),
    ask("o1", other),
    ask("t1", third),
    ask("o2", other),
  ];
  for (const _ of all) {
    shares.release();
    await Promise.resolve();
    await Promise.resolve();
  }
  await Promise.all(all);
  assert.deepEqual(granted, ["g1", "o1", "t1", "g2", "o2", "g3"]);
});

test("who waits too long is told so, and takes no thread later", async () => {
  const shares = new ThreadShares(1);
  await shares.acquire({}, 1, 0);
  await assert.rejects(shares.acquire({}, 1, 5), { code: 50 });
  assert.equal(shares.waiting, 0);
  shares.release();
  assert.equal(await shares.acquire({}, 1, 5), 1);
});

test("a thread that was not taken cannot be given back", () => {
  assert.throws(() => new ThreadShares(1).release(), /given back once/);
});
