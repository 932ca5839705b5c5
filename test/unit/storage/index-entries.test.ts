import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { indexIdBytesMax, keyPrefixBytes, lmdbKeyBytesMax } from "../../../src/limits.js";
import {
  complemented,
  componentBytesMax,
  componentOf,
  EMPTY_ARRAY,
  emptyArrayKey,
  entryBytes,
  entryIdKey,
  entryValuesEnd,
  faithfulBytes,
  indexPrefix,
  isOpaqueEntry,
  MISSING,
} from "../../../src/storage/index-entries.js";
import { encodeKey } from "../../../src/storage/key.js";
import { compareValues } from "../../../src/values/compare.js";
import { anyScalar, anyString, anyValue } from "../values/arbitrary-values.js";

/** Values as they are compared: an empty array before everything, nothing as null. */
function compareIndexed(a: unknown, b: unknown): number {
  if (a === EMPTY_ARRAY || b === EMPTY_ARRAY) {
    return Number(b === EMPTY_ARRAY) - Number(a === EMPTY_ARRAY);
  }
  return compareValues(a === MISSING ? null : a, b === MISSING ? null : b);
}

const anyIndexed = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<unknown>(MISSING, EMPTY_ARRAY, null, "a\0", "a", "") },
  { weight: 2, arbitrary: anyString },
  { weight: 2, arbitrary: anyScalar },
  { weight: 2, arbitrary: anyValue },
);

test("entries sort as their values do, each in its direction, then by _id", () => {
  const property = fc.property(
    fc.array(fc.tuple(anyIndexed, anyIndexed, fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.tuple(anyScalar, anyScalar),
    (fields, [idA, idB]) => {
      // Often the same, so that the next field decides.
      const pairs = fields.map(([a, b, isSame]) => [a, isSame ? a : b]);
      const keyOf = (side: 0 | 1, id: unknown) => {
        const components = pairs.map((pair, at) => {
          const { key } = componentOf(pair[side], pairs.length);
          return fields[at]![3] ? complemented(key) : key;
        });
        return entryBytes(9, components, encodeKey(id), false).key;
      };
      let expected = 0;
      pairs.forEach(([a, b], at) => {
        expected ||= compareIndexed(a, b) * (fields[at]![3] ? -1 : 1);
      });
      expected ||= compareValues(idA, idB);
      const actual = Buffer.compare(keyOf(0, idA), keyOf(1, idB));
      assert.equal(actual, Math.sign(expected));
    },
  );
  fc.assert(property, { numRuns: 3_000 });
});

test("an entry tells where its values end, whose it is, and whether it is opaque", () => {
  const property = fc.property(anyValue, fc.boolean(), (id, isOpaque) => {
    const idKey = encodeKey(id);
    const components = [encodeKey("value"), complemented(encodeKey(5))];
    const { key, value } = entryBytes(258, components, idKey, isOpaque);
    assert.deepEqual(Buffer.from(key.subarray(0, keyPrefixBytes)), indexPrefix(258));
    const end = entryValuesEnd(value);
    assert.deepEqual(Buffer.from(key.subarray(keyPrefixBytes, end)), Buffer.concat(components));
    assert.deepEqual(Buffer.from(entryIdKey(key, value)), Buffer.from(idKey));
    assert.equal(isOpaqueEntry(value), isOpaque);
  });
  fc.assert(property, { numRuns: 1_000 });
});

test("a long _id is cut in the key and whole in the value", () => {
  const ids = ["x".repeat(1_000), `${"x".repeat(1_000)}y`].map((id) => encodeKey(id));
  const entries = ids.map((idKey) => entryBytes(1, [encodeKey(1)], idKey, false));
  for (const [at, { key, value }] of entries.entries()) {
    assert.equal(key.length, entryValuesEnd(value) + indexIdBytesMax);
    assert.deepEqual(Buffer.from(entryIdKey(key, value)), Buffer.from(ids[at]!));
  }
  assert.notDeepEqual(entries[0]!.key, entries[1]!.key);
});

test("a long value is cut, faithful at its beginning, and different from its neighbours", () => {
  for (const fields of [1, 2, 3, 32]) {
    const bytesMax = componentBytesMax(fields);
    const text = "x".repeat(bytesMax + 100);
    const [one, other] = [componentOf(text, fields), componentOf(`${text}y`, fields)];
    assert.ok(one.isCut && other.isCut);
    assert.equal(one.key.length, bytesMax);
    assert.notDeepEqual(one.key, other.key);
    const faithful = faithfulBytes(fields);
    assert.deepEqual(one.key.subarray(0, faithful), encodeKey(text).subarray(0, faithful));
    // The longest key that fits is kept whole: tag, text, end.
    assert.equal(componentOf("x".repeat(bytesMax - 2), fields).isCut, false);
    assert.equal(componentOf("x".repeat(bytesMax - 1), fields).isCut, true);
  }
});

test("the longest entry fits into a key of LMDB", () => {
  for (let fields = 1; fields <= 32; fields += 1) {
    const components = Array.from(
      { length: fields },
      () => componentOf("x".repeat(3_000), fields).key,
    );
    const { key } = entryBytes(1, components, encodeKey("y".repeat(1_900)), true);
    assert.ok(key.length <= lmdbKeyBytesMax);
  }
});

test("the bytes of the format stay as they are", () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  assert.equal(hex(componentOf(MISSING, 1).key), hex(encodeKey(null)));
  assert.equal(hex(emptyArrayKey), "08");
  const { key, value } = entryBytes(258, [complemented(encodeKey("a"))], encodeKey(1), true);
  assert.equal(hex(key), "00000102e19eff14bff000000000000000");
  assert.equal(hex(value), "010007");
  assert.equal(
    hex(componentOf("x".repeat(2_000), 32).key.subarray(-16)),
    "91d6732e23f9f3130dcdd3c38de7a291",
  );
});
