import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idKeyBytesMax } from "../../../src/limits.js";
import { encodeKey, idKey, typeBracket, writeKey } from "../../../src/storage/key.js";
import { compareValues } from "../../../src/values/compare.js";
import {
  anyBigint,
  anyName,
  anyNumber,
  anyScalar,
  anyString,
  anyValue,
} from "../values/arbitrary-values.js";

function assertSameOrder(a: unknown, b: unknown): void {
  const byBytes = Buffer.compare(encodeKey(a), encodeKey(b));
  assert.equal(byBytes, Math.sign(compareValues(a, b)));
}

const similar: [name: string, values: fc.Arbitrary<unknown>][] = [
  ["all values", anyValue],
  ["numbers and bigints", fc.oneof(anyNumber, anyBigint)],
  ["strings", anyString],
  ["objects", fc.dictionary(anyName, anyScalar, { maxKeys: 2, noNullPrototype: true })],
  ["objects with NUL in names", fc.dictionary(anyString, anyNumber, { maxKeys: 2 })],
  ["arrays", fc.array(anyScalar, { maxLength: 3 })],
];

for (const [name, values] of similar) {
  test(`keys sort exactly as compareValues does: ${name}`, () => {
    fc.assert(fc.property(values, values, assertSameOrder), { numRuns: 2_000 });
  });
}

test("neighbouring bigints and doubles sort exactly", () => {
  const around = (center: bigint) => [center - 1n, center, center + 1n, Number(center)];
  const values = [2n ** 53n, 2n ** 60n, 2n ** 62n, -(2n ** 53n), -(2n ** 60n), 0n].flatMap(around);
  for (const a of values) for (const b of values) assertSameOrder(a, b);
});

test("keys can be concatenated: compound keys sort by their first difference", () => {
  const pair = fc.tuple(anyValue, anyValue);
  const compound = ([a, b]: [unknown, unknown]) => Buffer.concat([encodeKey(a), encodeKey(b)]);
  fc.assert(
    fc.property(pair, pair, (left, right) => {
      const expected = compareValues(left[0], right[0]) || compareValues(left[1], right[1]);
      assert.equal(Buffer.compare(compound(left), compound(right)), Math.sign(expected));
    }),
    { numRuns: 2_000 },
  );
});

test("the bytes of the format stay as they are", () => {
  const hex = (value: unknown) => Buffer.from(encodeKey(value)).toString("hex");
  assert.equal(hex(null), "0a");
  assert.equal(hex(1), "14bff000000000000000");
  assert.equal(hex(-1), "14400fffffffffffff00");
  assert.equal(hex(-0), "14800000000000000000");
  assert.equal(hex(NaN), "14000000000000000000");
  assert.equal(hex(2n ** 53n + 1n), "14c3400000000000000101");
  assert.equal(hex("a\0é"), "1e6100ffc3a900");
  assert.equal(hex({ a: 1, "\u0001": true }), "28146100bff0000000000000004601020001" + "00");
  assert.equal(hex(["x", []]), "321e7800320000");
  assert.equal(hex(Buffer.from([9])), "3c0000000109");
  assert.equal(hex(false), "4600");
  assert.equal(hex(new Date(0)), "508000000000000000");
  assert.equal(hex(/a/i), "5a61006900");
});

test("writeKey appends, and refuses what does not fit", () => {
  for (const value of ["abc", 1, { a: "x" }, Buffer.alloc(5), [1, 2], new Date(), 2n ** 60n + 1n]) {
    const key = encodeKey(value);
    const target = new Uint8Array(key.length + 3);
    assert.equal(writeKey(value, target, 3), target.length);
    assert.deepEqual(target.subarray(3), key);
    assert.throws(() => writeKey(value, new Uint8Array(key.length + 2), 3), { code: 17280 });
  }
});

test("a key may be long, the key of an _id may not", () => {
  const longest = "x".repeat(idKeyBytesMax - 2);
  assert.equal(encodeKey("y".repeat(100_000)).length, 100_002);
  assert.equal(idKey(longest).length, idKeyBytesMax);
  assert.throws(() => idKey(`${longest}x`), { code: 17280, message: /^The _id is too long/ });
  assert.throws(() => idKey({ a: { b: [longest] } }), { code: 17280 });
  assert.deepEqual(idKey("é"), encodeKey("é"));
});

test("a type bracket holds all keys of its class and no others", () => {
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      const [lower, upper] = typeBracket(a);
      const key = encodeKey(b);
      const inside = Buffer.compare(key, lower) >= 0 && Buffer.compare(key, upper) < 0;
      const sameClass = encodeKey(a)[0] === key[0];
      assert.equal(inside, sameClass);
    }),
  );
});
