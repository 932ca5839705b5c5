/**
 * Hostile bytes against the scanner and the document validator: they answer or throw a LioranError, and
 * whatever they accept decodes, keys and re-encodes without a throw.
 *
 * `LIORAN_FUZZ_RUNS` sets the runs of each property (default 3,000); fast-check prints the seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../src/cbor/codec.js";
import { scan } from "../../src/cbor/scan.js";
import { LioranError } from "../../src/errors.js";
import {
  decodeDocument,
  documentId,
  encodeDocument,
  idKeyOfDocument,
  validateDocumentBytes,
} from "../../src/storage/document.js";
import { encodeKey } from "../../src/storage/key.js";
import { compareValues } from "../../src/values/compare.js";
import { anyDocument, anyValue } from "../unit/values/arbitrary-values.js";

const numRuns = Number(process.env.LIORAN_FUZZ_RUNS ?? 3_000);
const limits = { depthMax: 20, itemsMax: 10_000 };

/** First bytes that lead deep into the scanner. */
const tokens = fc.constantFrom(
  ...[0x00, 0x18, 0x1a, 0x1b, 0x3b, 0x41, 0x60, 0x63, 0x78, 0x81, 0x9a, 0xa0, 0xa1, 0xb8, 0xba],
  ...[0xc1, 0xc2, 0xd8, 0x1b, 0x83, 0x9f, 0xf4, 0xf6, 0xf7, 0xf9, 0xfa, 0xfb, 0xff, 0x7f, 0xd9],
);
const noise = fc
  .array(fc.oneof(tokens, fc.integer({ min: 0, max: 255 })), { maxLength: 60 })
  .map((bytes) => Uint8Array.from(bytes));

interface Mutation {
  kind: "set" | "insert" | "remove" | "repeat";
  place: number;
  byte: number;
}
const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("set", "insert", "remove", "repeat"),
    place: fc.nat(10_000),
    byte: fc.oneof(tokens, fc.integer({ min: 0, max: 255 })),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(original: Uint8Array, changes: Mutation[]): Uint8Array {
  const bytes = [...original];
  for (const { kind, place, byte } of changes) {
    const at = bytes.length === 0 ? 0 : place % bytes.length;
    if (kind === "set") bytes[at] = byte;
    else if (kind === "insert") bytes.splice(at, 0, byte);
    else if (kind === "remove") bytes.splice(at, 1);
    else bytes.splice(at, 0, ...bytes.slice(at, at + (byte & 0x0f)));
  }
  return Uint8Array.from(bytes);
}

/** Runs `check` and tells whether it accepted; anything but a LioranError is a failure. */
function accepts(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof LioranError) return false;
    throw error;
  }
}

function assertScanIsSafe(bytes: Uint8Array): void {
  let end = 0;
  if (!accepts(() => (end = scan(bytes, limits)))) return;
  assert.ok(end > 0 && end <= bytes.length);
  const value = decode(bytes.subarray(0, end));
  encode(value);
  assert.equal(compareValues(value, decode(encode(value))), 0);
  encodeKey(value);
}

function assertValidationIsSafe(bytes: Uint8Array): void {
  let end = 0;
  if (!accepts(() => (end = validateDocumentBytes(bytes)))) return;
  const stored = bytes.subarray(0, end);
  const document = decodeDocument(stored);
  assert.deepEqual(encode(documentId(stored)), encode(document._id));
  if (!accepts(() => idKeyOfDocument(stored))) return;
  assert.deepEqual(idKeyOfDocument(encodeDocument(document)), idKeyOfDocument(stored));
}

test("random bytes: scan throws a LioranError or accepts what decodes", () => {
  fc.assert(fc.property(noise, assertScanIsSafe), { numRuns });
});

test("mutated values: scan throws a LioranError or accepts what decodes", () => {
  const property = fc.property(anyValue, mutations, (value, changes) => {
    assertScanIsSafe(mutate(encode(value), changes));
  });
  fc.assert(property, { numRuns });
});

test("random bytes: validation throws a LioranError or accepts what can be stored", () => {
  const head = Buffer.from("a2635f6964", "hex");
  const property = fc.property(noise, (tail) => {
    assertValidationIsSafe(tail);
    assertValidationIsSafe(Buffer.concat([head, tail]));
  });
  fc.assert(property, { numRuns });
});

test("mutated documents: validation throws a LioranError or accepts what can be stored", () => {
  const property = fc.property(anyDocument, mutations, (document, changes) => {
    assertValidationIsSafe(mutate(encodeDocument(document), changes));
  });
  fc.assert(property, { numRuns });
});

test("the canary: a check that throws anything else would be noticed", () => {
  assert.throws(() => accepts(() => JSON.parse("{")), SyntaxError);
});
