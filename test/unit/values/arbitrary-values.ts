/** Random storable values, biased towards the edges of every type and towards near-equal pairs. */
import fc from "fast-check";
import type { Document } from "../../../src/values/document.js";

const edgeNumbers = [
  0,
  1,
  -1,
  23,
  24,
  255,
  256,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 32),
  2 ** 40,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  -(2 ** 63),
  0.1,
  5e-324,
  Number.MAX_VALUE,
  Infinity,
  -Infinity,
  NaN,
];

const edgeBigints = [
  0n,
  5n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 60n + 1n,
  2n ** 62n - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 63n) + 1n,
];

export const anyNumber = fc.oneof(fc.constantFrom(...edgeNumbers), fc.double(), fc.integer());
export const anyBigint = fc.oneof(
  fc.constantFrom(...edgeBigints),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
export const anyString = fc.oneof(
  fc.constantFrom("", "a", "a\0", "a\0b", "\u0001", "ab", "é", "\uffff", "\ue000", "😀", "𐀀"),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "binary-ascii", maxLength: 80 }),
);
export const anyName = fc
  .oneof(fc.constantFrom("a", "b", "ab", "constructor", "toString", "7", "\u0001", "é"), anyString)
  .filter((name) => name !== "" && name !== "__proto__" && !name.includes("\0"));
export const anyDate = fc.oneof(
  fc.constantFrom(0, -1, 1, 8.64e15, -8.64e15, 2 ** 32 * 1000).map((ms) => new Date(ms)),
  fc.integer({ min: -8.64e15, max: 8.64e15 }).map((ms) => new Date(ms)),
);
export const anyRegex = fc.constantFrom(/a/, /a/i, /a\/b/gi, /(?:)/, /é😀/u, /b/);
export const anyBinary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

export const anyScalar = fc.oneof(
  fc.constantFrom(null, true, false),
  anyNumber,
  anyBigint,
  anyString,
  anyDate,
  anyRegex,
  anyBinary,
);

const tree = fc.letrec<{ value: unknown; object: Document }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    { weight: 4, arbitrary: anyScalar },
    { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 4 }) },
    { weight: 1, arbitrary: tie("object") },
  ),
  object: fc.dictionary(anyName, tie("value"), { maxKeys: 5, noNullPrototype: true }),
}));

export const anyValue: fc.Arbitrary<unknown> = tree.value;

/** A document with an `_id` that may be stored. */
export const anyDocument: fc.Arbitrary<Document> = fc
  .tuple(
    fc.oneof(
      anyString,
      anyNumber,
      anyBigint,
      anyDate,
      anyBinary,
      fc.constantFrom(null, true, { a: 1, b: ["x"] }),
    ),
    tree.object,
  )
  .map(([_id, rest]) => ({ ...rest, _id }));
