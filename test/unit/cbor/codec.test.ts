import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode, encodePooled, encodeTransient } from "../../../src/cbor/codec.js";
import { anyDate, anyValue } from "../values/arbitrary-values.js";

const exact: [name: string, value: unknown][] = [
  ["small and large numbers", [0, 23, 24, 255, 65535, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 1]],
  ["negative numbers", [-1, -24, -25, -256, -65537, -(2 ** 31), -(2 ** 32), -(2 ** 53)]],
  ["fractions and specials", [0.1, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE]],
  ["bigints", [0n, 5n, -5n, 2n ** 40n, -(2n ** 63n), 2n ** 63n - 1n]],
  ["strings", ["", "a\0b", "😀", "é".repeat(100), "x".repeat(70_000), "\0"]],
  ["empty containers", [[], {}, { a: {} }, [[]], { a: [] }]],
  ["names of the prototype", { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: [] }],
  ["regular expressions", [/a\/b/gi, /(?:)/, /é/u]],
  ["literals", [null, true, false]],
  ["a large map", Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
];

for (const [name, value] of exact) {
  test(`${name} survive a round trip exactly`, () => {
    assert.deepEqual(decode(encode(value)), value);
  });
}

test("a date survives to the millisecond over the whole range of Date", () => {
  fc.assert(
    fc.property(anyDate, (date) => {
      const back = decode(encode(date));
      assert.ok(back instanceof Date);
      assert.equal(back.getTime(), date.getTime());
    }),
    { numRuns: 5_000 },
  );
});

test("every storable value survives a round trip", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      assert.deepEqual(withoutNegativeZero(decode(encode(value))), withoutNegativeZero(value));
    }),
  );
});

/** `-0` is stored as `0`, and strict equality tells the two apart. */
function withoutNegativeZero(value: unknown): unknown {
  if (typeof value === "number") return value + 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (
    typeof value !== "object" ||
    value === null ||
    Object.getPrototypeOf(value) !== Object.prototype
  ) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutNegativeZero(v)]));
}

test("binary values are Buffers that share no memory with the input", () => {
  for (const size of [0, 1, 30, 20_000]) {
    const bytes = encode({ a: new Uint8Array(size).fill(7) });
    const decoded = decode(bytes) as { a: Buffer };
    bytes.fill(0);
    encode({ a: "overwrites what the decoder reads from".repeat(10) });
    assert.ok(Buffer.isBuffer(decoded.a));
    assert.deepEqual(decoded.a, Buffer.alloc(size, 7));
  }
});

test("encoded bytes keep no working memory alive", () => {
  const bytes = encode({ a: 1 });
  assert.equal(bytes.buffer.byteLength, bytes.length);
  assert.ok(encodePooled({ a: 1 }).buffer.byteLength <= Buffer.poolSize);
});

test("the working memory shrinks again after a large value", () => {
  encode("x".repeat(9_000_000));
  assert.ok(encodeTransient(1).buffer.byteLength <= 64 * 1024);
});
