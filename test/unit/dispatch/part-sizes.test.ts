import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf } from "../../../src/dispatch/divided/divide.js";
import type { IdKeyRange } from "../../../src/storage/collection.js";

/** The slice from one key to the next, of which the first and the last have no bound. */
function slices(count: number): IdKeyRange[] {
  return Array.from({ length: count }, (_, at) => ({
    ...(at > 0 && { lower: { key: Uint8Array.of(at), inclusive: true } }),
    ...(at < count - 1 && { upper: { key: Uint8Array.of(at + 1), inclusive: false } }),
  }));
}

function slicesIn({ lower, upper }: IdKeyRange, count: number): number {
  return (upper?.key[0] ?? count) - (lower?.key[0] ?? 0);
}

for (const isReverse of [false, true]) {
  test(`parts become smaller to the end of the walk, and leave nothing out (reverse: ${isReverse})`, () => {
    const parts = partsOf(slices(128), 2, isReverse);
    const sizes = parts.map((part) => slicesIn(part, 128));
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      128,
    );
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => b - a),
    );
    assert.equal(sizes[0], 4);
    assert.deepEqual(sizes.slice(-4), [1, 1, 1, 1]);
    const ordered = isReverse ? parts.toReversed() : parts;
    assert.deepEqual(
      ordered.slice(1).map(({ lower }) => lower?.key),
      ordered.slice(0, -1).map(({ upper }) => upper?.key),
    );
    assert.equal(ordered[0]!.lower, undefined);
    assert.equal(ordered.at(-1)!.upper, undefined);
  });
}

test("a few slices are as many parts", () => {
  assert.deepEqual(partsOf(slices(3), 64, false), slices(3));
});
