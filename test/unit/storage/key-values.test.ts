import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { complemented } from "../../../src/storage/index-entries.js";
import { encodeKey } from "../../../src/storage/key.js";
import { isReadable, readKey } from "../../../src/storage/key-values.js";
import { anyDate, anyNumber, anyString, anyValue } from "../values/arbitrary-values.js";

const readable = fc
  .oneof(fc.constantFrom(null, true, false), anyNumber, anyDate, anyString)
  .filter(isReadable)
  // Half of a surrogate pair is no character: UTF-8 has no bytes for it.
  .filter((value) => typeof value !== "string" || value.isWellFormed());

test("what is readable comes back from its key, ascending and complemented", () => {
  const property = fc.property(readable, readable, fc.boolean(), (value, next, isDescending) => {
    const stored = (one: unknown) =>
      isDescending ? complemented(encodeKey(one)) : Buffer.from(encodeKey(one));
    const [first, second] = [stored(value), stored(next)];
    const bytes = Buffer.concat([Buffer.of(7, 7), first, second]);
    const read = readKey(bytes, 2, isDescending);
    assert.deepEqual(read, { value, end: 2 + first.length });
    const readNext = readKey(bytes, read.end, isDescending);
    assert.deepEqual(readNext, { value: next, end: bytes.length });
  });
  fc.assert(property, { numRuns: 3_000 });
});

test("only values that their key determines are readable", () => {
  for (const value of [1n, 2n ** 60n, -0, { a: 1 }, [1], /a/, Buffer.of(1), undefined]) {
    assert.equal(isReadable(value), false);
  }
  for (const value of [null, true, "", "a\0", 0, 1.5, Number.NaN, new Date(0)]) {
    assert.equal(isReadable(value), true);
  }
  const property = fc.property(anyValue, (value) => {
    if (isReadable(value)) assert.deepEqual(readKey(encodeKey(value), 0, false).value, value);
  });
  fc.assert(property, { numRuns: 1_000 });
});

test("a damaged key of a descending field was read without end", () => {
  const damaged = [complemented(encodeKey("abc")).subarray(0, 3), Buffer.of(0x28, 1), Buffer.of()];
  for (const bytes of damaged) {
    assert.throws(() => readKey(bytes, 0, true), { code: "CORRUPTED" });
  }
});
