import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/cbor/codec.js";
import { type ScanLimits, scan, skip } from "../../../src/cbor/scan.js";
import type { LioranError } from "../../../src/errors.js";
import { anyValue } from "../values/arbitrary-values.js";

const limits: ScanLimits = { depthMax: 10, itemsMax: 1000 };

function scanHex(hex: string, with_: ScanLimits = limits): number {
  return scan(Buffer.from(hex.replaceAll(" ", ""), "hex"), with_);
}

const refused: [name: string, hex: string, reason: RegExp][] = [
  ["nothing", "", /byte 0: the input ends/],
  ["an indefinite array", "9fff", /indefinite/],
  ["an indefinite string", "7f6161ff", /indefinite/],
  ["a break", "ff", /simple value/],
  ["a 64-bit length", "9b0000000000000001 01", /64 bits/],
  ["reserved additional information", "1c", /reserved/],
  ["a string beyond the input", "6261", /byte 0: a string is longer/],
  ["an array beyond the input", "9affffffff", /an array is longer/],
  ["a map beyond the input", "baffffffff", /a map is longer/],
  ["a cut header", "19 00", /inside a header/],
  ["a cut element", "82 01 19", /byte 2: /],
  ["a cut number", "fb 0000", /inside a number/],
  ["a bignum", "c2 41 01", /tag/],
  ["a negative bignum", "c3 41 01", /tag/],
  ["an unknown tag", "d9d9f7 00", /tag/],
  ["a typed array", "d840 41 00", /tag/],
  ["a Set", "d90102 80", /tag/],
  ["a Map", "d90103 a0", /tag/],
  ["a record", "d9dfff 82 19e000 80", /tag/],
  ["an error object", "d81b 82 65 4572726f72 61 61", /tag/],
  ["a half float", "f9 0000", /simple value/],
  ["a float", "fa 00000000", /simple value/],
  ["a simple value", "f8 20", /simple value/],
  ["an integer above int64", "1b 8000000000000000", /outside int64/],
  ["an integer below int64", "3b 8000000000000000", /outside int64/],
  ["a number as a map key", "a1 01 01", /byte 1: a map key/],
  [
    "the key __proto__",
    `a1 69 ${Buffer.from("__proto__").toString("hex")} 01`,
    /byte 1: .*__proto__/,
  ],
  ["a length in a longer form", "7801 61", /longer than needed/],
  ["a number in a longer form", "1a 0000ffff", /longer than needed/],
  ["an invalid date", "c1 fb 7ff8000000000000", /date outside/],
  ["a date too late", "c1 fb 42a0000000000000", /date outside/],
  ["a date of text", "c1 61 61", /malformed date/],
  ["an invalid regex", "d81b 83 66 526567457870 61 28 60", /invalid regular/],
  ["a regex of numbers", "d81b 83 66 526567457870 01 01", /malformed regular/],
  ["a regex that is not UTF-8", "d81b 83 66 526567457870 61 ff 60", /not UTF-8/],
];

for (const [name, hex, reason] of refused) {
  test(`${name} is refused with position and reason`, () => {
    assert.throws(() => scanHex(hex), { code: "PROTOCOL", message: reason });
  });
}

test("the limits hold exactly", () => {
  const depth = (levels: number) => `${"81".repeat(levels)}01`;
  assert.equal(scanHex(depth(10)), 11);
  assert.throws(() => scanHex(depth(11)), /nesting deeper than 10/);
  assert.equal(scanHex("8201 02", { depthMax: 1, itemsMax: 3 }), 3);
  assert.throws(() => scanHex("8201 02", { depthMax: 1, itemsMax: 2 }), /more items/);
});

test("undefined is refused only where it is not allowed", () => {
  assert.equal(scanHex("f7"), 1);
  assert.throws(() => scanHex("f7", { ...limits, undefinedAllowed: false }), /undefined/);
});

test("scan and skip find the end of every value we encode, at any place", () => {
  fc.assert(
    fc.property(anyValue, fc.nat(5), (value, before) => {
      const bytes = encode(value);
      const padded = Buffer.concat([Buffer.alloc(before, 0xff), bytes, Buffer.alloc(3, 0xff)]);
      const end = before + bytes.length;
      assert.equal(scan(padded, { depthMax: 50, itemsMax: 1e6 }, before), end);
      assert.equal(skip(padded, before), end);
    }),
  );
});

test("every proper prefix of a value is refused", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encode(value);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => scan(bytes.subarray(0, length), { depthMax: 50, itemsMax: 1e6 }), {
          code: "PROTOCOL",
        });
      }
    }),
  );
});

test("a length in damaged bytes that has no end was walked over for minutes", () => {
  for (const head of [
    [0x9a, 0xff, 0xff, 0xff, 0xff],
    [0xba, 0xff, 0xff, 0xff, 0xff],
    [0x5a, 0xff, 0xff, 0xff, 0xff, 0x01],
  ]) {
    const bytes = Buffer.from([0x82, ...head, ...new Array(100).fill(0)]);
    assert.throws(
      () => skip(bytes, 0),
      (error: LioranError) => error.code === "CORRUPTED",
    );
  }
});
