import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/cbor/codec.js";
import { LioranError } from "../../../src/errors.js";
import { decodeRecord } from "../../../src/storage/stored-record.js";

const isPair = (value: unknown) => Array.isArray(value) && typeof value[0] === "number";

test("a record is what was written, or damage that says of what", () => {
  assert.deepEqual(decodeRecord(encode([1, "a"]), "a pair", isPair), [1, "a"]);
  fc.assert(
    fc.property(fc.nat(20), fc.nat(255), (at, byte) => {
      const bytes = Buffer.from(encode([1, { a: "bc", d: [1.5, null, new Date(0)] }]));
      bytes[at % bytes.length] = byte;
      try {
        assert.ok(isPair(decodeRecord(bytes, "a pair", isPair)));
      } catch (error) {
        assert.ok(error instanceof LioranError && error.code === "CORRUPTED", String(error));
        assert.match(error.message, /a pair/);
      }
    }),
  );
});
