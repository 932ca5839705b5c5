import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../../../src/cbor/codec.js";
import { correctDates } from "../../../src/cbor/date.js";

test("far dates whose nearest double reads back one millisecond off are exact", () => {
  const dates = [
    new Date("+143707-02-22T11:55:00.605Z"),
    new Date("+142315-01-20T15:55:58.063Z"),
    new Date(8.64e15 - 1),
    new Date(-8.64e15 + 1),
  ];
  const value = { dates, nested: [{ text: "é", bytes: Buffer.from([0xc1, 0xfb]), dates }] };
  assert.deepEqual(decode(encode(value)), value);
});

test("bytes that only look like a date inside a binary value stay as they are", () => {
  const far = encode(new Date(8.64e15 - 1));
  const bytes = encode(Buffer.from(far));
  const before = Buffer.from(bytes);
  correctDates(bytes);
  assert.deepEqual(Buffer.from(bytes), before);
});
