import assert from "node:assert/strict";
import { test } from "node:test";
import { v7 } from "uuid";
import { documentKey, type IdKeyRange } from "../../../src/storage/collection.js";
import { divideRange, middleKey } from "../../../src/storage/divide-range.js";
import { Environment } from "../../../src/storage/environment.js";
import { idKey } from "../../../src/storage/key.js";
import { temporaryRoot } from "../../support/temporary-root.js";

const collectionId = 7;
const documents = 20_000;
const wanted = 32;
const numbers = Array.from({ length: documents }, (_, n) => n);

/** Ids as they occur, and as they should not. */
const distributions: Record<string, unknown[]> = {
  "whole numbers": numbers,
  "numbers around zero": numbers.map((n) => n - documents / 2),
  "growing distances": numbers.map((n) => 1.001 ** n),
  "ids of our own": numbers.map(() => v7()),
  "texts with a common beginning": numbers.map((n) => `customer-${String(n).padStart(9, "0")}`),
  "one crowd and a few far away": numbers.map((n) => (n % 1_000 === 0 ? `z${n}` : `aaaaaaa${n}`)),
  "dates of a minute": numbers.map((n) => new Date(1_700_000_000_000 + 3 * n)),
  "several types": numbers.map((n) => (n % 3 === 0 ? n : n % 3 === 1 ? `t${n}` : { n })),
};

for (const [name, ids] of Object.entries(distributions)) {
  test(`${name}: parts hold every document once, and none holds a large share`, async () => {
    using root = temporaryRoot();
    const environment = filled(root.rootPath, ids);
    const keys = ids.map((id) => idKey(id)).sort(Buffer.compare);
    const parts = divideRange(environment, collectionId, {}, wanted);
    const counts = parts.map((part) => keys.filter((key) => isInside(key, part)).length);
    assert.equal(sum(counts), documents);
    assert.deepEqual(
      parts.flatMap((part) => keys.filter((key) => isInside(key, part))),
      keys,
    );
    // A thread that has taken the largest part last is what the others wait for.
    assert.ok(Math.max(...counts) < documents / 3, `${counts.join(" ")}`);
    assert.ok(parts.length >= 8 && parts.length <= 4 * wanted, `${parts.length} parts`);
    await environment.close();
  });
}

test("a range is divided within its bounds", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, numbers);
  const range: IdKeyRange = {
    lower: { key: idKey(5_000), inclusive: false },
    upper: { key: idKey(15_000), inclusive: true },
  };
  const parts = divideRange(environment, collectionId, range, wanted);
  assert.deepEqual(parts[0]!.lower, range.lower);
  assert.deepEqual(parts.at(-1)!.upper, range.upper);
  const counts = parts.map((part) => numbers.filter((n) => isInside(idKey(n), part)).length);
  assert.equal(sum(counts), 10_000);
  await environment.close();
});

test("long ids that differ only near their ends are not divided, and no key gets too long", async () => {
  using root = temporaryRoot();
  const ids = numbers.slice(0, 500).map((n) => `${"x".repeat(1_966)}${String(n).padStart(4, "0")}`);
  const environment = filled(root.rootPath, ids);
  assert.equal(divideRange(environment, collectionId, {}, wanted).length, 1);
  await environment.close();
});

test("what is empty or small is one part", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, [1, 2, 3]);
  assert.equal(divideRange(environment, collectionId, {}, wanted).length, 1);
  assert.equal(divideRange(environment, collectionId + 1, {}, wanted).length, 1);
  await environment.close();
});

test("the middle of two keys lies between them, also when they are neighbours", () => {
  const cases: [number[], number[]][] = [
    [[1], [3]],
    [[1], [2]],
    [
      [5, 5],
      [5, 5, 0, 0, 0, 0, 0, 9],
    ],
  ];
  for (const [low, high] of cases) {
    const middle = middleKey(Uint8Array.from(low), Uint8Array.from(high));
    assert.ok(middle, `${low} and ${high}`);
    assert.equal(Buffer.compare(Uint8Array.from(low), middle), -1);
    assert.equal(Buffer.compare(middle, Uint8Array.from(high)), -1);
  }
  assert.equal(middleKey(Uint8Array.of(5), Uint8Array.of(5, 0)), undefined);
  const almost = Uint8Array.of(1, 255, 255, 255, 255, 255, 255);
  assert.equal(middleKey(almost, Uint8Array.of(2)), undefined);
});

function filled(folder: string, ids: readonly unknown[]): Environment {
  const writing = Environment.open(folder, "write")!;
  writing.commit(() => {
    for (const id of ids) {
      writing.stores.documents.putSync(documentKey(collectionId, idKey(id)), Buffer.alloc(1));
    }
  }, false);
  writing.close();
  const environment = Environment.open(folder, "read")!;
  environment.refreshForWalk();
  return environment;
}

function isInside(key: Uint8Array, { lower, upper }: IdKeyRange): boolean {
  if (lower) {
    const order = Buffer.compare(key, lower.key);
    if (order < 0 || (order === 0 && !lower.inclusive)) return false;
  }
  if (!upper) return true;
  const order = Buffer.compare(key, upper.key);
  return order < 0 || (order === 0 && upper.inclusive);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
