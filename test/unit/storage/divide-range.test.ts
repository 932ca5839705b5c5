import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { v7 } from "uuid";
import { documentKey, type IdKeyRange } from "../../../src/storage/collection.js";
import { divideRange } from "../../../src/storage/divide-range.js";
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
    assert.ok(Math.max(...counts) < (2.5 * documents) / wanted, `${counts.join(" ")}`);
    assert.equal(parts.length, wanted);
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

test("long ids that differ only near their ends are divided like others", async () => {
  using root = temporaryRoot();
  const ids = numbers.slice(0, 500).map((n) => `${"x".repeat(1_966)}${String(n).padStart(4, "0")}`);
  const environment = filled(root.rootPath, ids);
  assert.equal(divideRange(environment, collectionId, {}, wanted).length, wanted);
  await environment.close();
});

test("other collections have no share in it", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, numbers, [collectionId - 1, collectionId + 1]);
  for (const id of [collectionId - 1, collectionId, collectionId + 1]) {
    const keys = numbers.map((n) => idKey(n)).sort(Buffer.compare);
    const parts = divideRange(environment, id, {}, wanted);
    assert.equal(parts.length, wanted);
    const counts = parts.map((part) => keys.filter((key) => isInside(key, part)).length);
    assert.ok(Math.max(...counts) < (2 * documents) / wanted, `${counts.join(" ")}`);
  }
  await environment.close();
});

test("a file that is not what it seems is not divided", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, numbers);
  const file = join(root.rootPath, "data.mdb");
  const bytes = readFileSync(file);
  for (const damaged of [bytes.subarray(0, 100), bytes.subarray(0, 8_300), Buffer.alloc(0)]) {
    const copy = join(root.rootPath, "copy");
    mkdirSync(copy, { recursive: true });
    writeFileSync(join(copy, "data.mdb"), damaged);
    const elsewhere = Object.create(environment, { folder: { value: copy } }) as Environment;
    assert.deepEqual(divideRange(elsewhere, collectionId, {}, wanted), [{}]);
  }
  await environment.close();
});

test("parts follow each other and lie in their range, whatever stands in the branches of the file", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, numbers);
  const bytes = readFileSync(join(root.rootPath, "data.mdb"));
  const pageBytes = 4_096;
  let branches = 0;
  for (let page = 0; page < bytes.length; page += pageBytes) {
    const isBranch = bytes.readUInt16LE(page + 18) === 1;
    if (!isBranch) continue;
    branches += 1;
    // Its nodes the other way round.
    const count = bytes.readUInt16LE(page + 20) >> 1;
    const nodes = new Uint16Array(bytes.buffer, bytes.byteOffset + page + 24, count);
    nodes.subarray(1).reverse();
  }
  assert.ok(branches > 0);
  const copy = join(root.rootPath, "copy");
  mkdirSync(copy);
  writeFileSync(join(copy, "data.mdb"), bytes);
  const elsewhere = Object.create(environment, { folder: { value: copy } }) as Environment;
  for (const range of [{}, { lower: { key: idKey(5_000), inclusive: false } }]) {
    const parts = divideRange(elsewhere, collectionId, range, wanted);
    const counts = parts.map((part) => numbers.filter((n) => isInside(idKey(n), part)).length);
    assert.equal(sum(counts), range.lower ? documents - 5_001 : documents);
  }
  await environment.close();
});

test("what is empty or small is one part", async () => {
  using root = temporaryRoot();
  const environment = filled(root.rootPath, [1, 2, 3]);
  assert.equal(divideRange(environment, collectionId, {}, wanted).length, 1);
  assert.equal(divideRange(environment, collectionId + 1, {}, wanted).length, 1);
  await environment.close();
});

function filled(folder: string, ids: readonly unknown[], others: number[] = []): Environment {
  const writing = Environment.open(folder, "write")!;
  writing.commit(() => {
    for (const collection of [collectionId, ...others]) {
      for (const id of ids) {
        writing.stores.documents.putSync(documentKey(collection, idKey(id)), Buffer.alloc(1));
      }
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
