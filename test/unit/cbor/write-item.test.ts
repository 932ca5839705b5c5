import assert from "node:assert/strict";
import { test } from "node:test";
import { Encoder } from "cbor-x/encode";
import fc from "fast-check";
import { encode, encodePooled, encodeTransient } from "../../../src/cbor/codec.js";
import { correctDates } from "../../../src/cbor/date.js";
import { anyValue } from "../values/arbitrary-values.js";

const reference = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  copyBuffers: true,
  tagUint8Array: false,
});

function byCborX(value: unknown): Buffer {
  const bytes = Buffer.from(reference.encode(value));
  correctDates(bytes);
  return bytes;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function encodesAsCborX(value: unknown): void {
  const expected = hex(byCborX(value));
  assert.equal(hex(encode(value)), expected);
  assert.equal(hex(encodePooled(value)), expected);
  assert.equal(hex(encodeTransient(value)), expected);
}

test("any value is encoded as cbor-x encodes it", () => {
  fc.assert(fc.property(anyValue, encodesAsCborX), { numRuns: 2_000 });
});

test("the sizes at which headers grow", () => {
  for (const size of [0, 1, 23, 24, 63, 64, 65, 255, 256, 65_535, 65_536, 70_000]) {
    encodesAsCborX("x".repeat(size));
    // Another number of bytes than of characters.
    encodesAsCborX("é".repeat(size));
    encodesAsCborX(`${"x".repeat(size)}😀`);
    encodesAsCborX(Buffer.alloc(size, 7));
    encodesAsCborX(new Array(size).fill(null));
    encodesAsCborX(Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, at])));
  }
});

const numbers = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(
    ...[0, -0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53],
    ...[-1, -24, -25, -256, -257, -65_536, -65_537, -(2 ** 32), -(2 ** 32) - 1, NaN, -Infinity],
  ),
);

test("numbers by themselves and in others are encoded alike", () => {
  fc.assert(
    fc.property(numbers, (number) => {
      encodesAsCborX(number);
      encodesAsCborX({ number, numbers: [number] });
    }),
    { numRuns: 2_000 },
  );
});

test("what only the wire carries, and what is left to cbor-x", () => {
  encodesAsCborX({ a: undefined, b: [undefined] });
  encodesAsCborX({ at: new Date(1_234_567), big: 5n, pattern: /a\/b/gi });
  encodesAsCborX(["\ud800", { "\udfff": 1 }]);
  encodesAsCborX(Object.assign(Object.create(null), { a: 1 }));
});

test("a getter that encodes something does not disturb what is being encoded", () => {
  const value = {
    a: 1,
    get b() {
      return hex(encodePooled({ inner: ["x", 2] }));
    },
    c: "end",
  };
  const b = hex(byCborX({ inner: ["x", 2] }));
  assert.equal(hex(encode(value)), hex(byCborX({ a: 1, b, c: "end" })));
});

test("a getter that throws leaves nothing behind", () => {
  const value = {
    a: "x".repeat(50),
    get b() {
      throw new Error("no");
    },
  };
  assert.throws(() => encode(value), /no/);
  encodesAsCborX({ a: 1 });
});

test("working memory that a large value needed is given back", () => {
  const large = { text: "x".repeat(9 * 1024 * 1024) };
  assert.equal(encodePooled(large).length, byCborX(large).length);
  assert.ok(encodeTransient({ a: 1 }).buffer.byteLength < 1024 * 1024);
});
