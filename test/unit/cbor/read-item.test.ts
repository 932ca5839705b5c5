import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../../src/cbor/codec.js";
import { itemEnd, readItem, readSequence } from "../../../src/cbor/read-item.js";
import { scan } from "../../../src/cbor/scan.js";
import { anyDocument, anyValue } from "../values/arbitrary-values.js";

/** Reads the item from among other bytes, as it lies in a page of many. */
function read(item: Uint8Array): unknown {
  const bytes = Buffer.concat([Buffer.from([0xff, 0x61]), item, Buffer.from([0xff, 0x62])]);
  const value = readItem(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), 2);
  assert.equal(itemEnd, 2 + item.length);
  return value;
}

test("an item is read as the codec decodes it, with the fields in their order", () => {
  fc.assert(
    fc.property(fc.oneof(anyValue, anyDocument), (value) => {
      const item = encode(value);
      const seen = read(item);
      assert.deepEqual(seen, decode(item));
      assert.deepEqual(encode(seen), item);
    }),
    { numRuns: 5_000 },
  );
});

const forms: [name: string, hex: string][] = [
  ["a double that is an integer", "fb4014000000000000"],
  ["minus zero as a double", "fb8000000000000000"],
  ["undefined", "f7"],
  ["a date of whole seconds", "c11a5f5e1000"],
  [
    "the least and greatest integers of each width",
    "8818ff38ff19ffff39ffff1affffffff3affffffff0020",
  ],
  ["bigints", "821b7fffffffffffffff3b7fffffffffffffff"],
  ["a regular expression", "d81b8366526567457870616162676d"],
  ["text that is no UTF-8", "8463ff616262c3416be4b8a0fff0908061ed9ff063eda080"],
  ["text that ends within a character", "8161e4"],
  ["a name that is no UTF-8", "a262ff6101617a02"],
  ["a name that occurs twice", "a2616101616102"],
];
for (const [name, hex] of forms) {
  test(`${name}, as another encoder may send it, is read as the codec decodes it`, () => {
    const item = Buffer.from(hex, "hex");
    assert.equal(scan(item, { depthMax: 9, itemsMax: 99 }), item.length);
    assert.deepEqual(read(item), decode(item));
  });
}

test("maps of a few shapes, met often and in any order, are read exactly", () => {
  const shaped = fc.array(
    fc.array(fc.tuple(fc.constantFrom("_id", "a", "b", "7", "constructor", "x y"), anyValue), {
      maxLength: 4,
    }),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(shaped, fc.array(fc.nat(2), { minLength: 300, maxLength: 400 }), (maps, order) => {
      // Values differ where names are the same: an expected shape must not bring its values along.
      const items = maps.map((fields) => {
        const map = Object.fromEntries(fields);
        return [encode(map), encode({ ...map, inner: [map, { ...map, _id: 1 }, 2, map] })];
      });
      for (const [i, at] of order.entries()) {
        const item = items[at % items.length]![i & 1]!;
        const seen = read(item);
        assert.deepEqual(seen, decode(item));
        assert.deepEqual(encode(seen), item);
      }
    }),
    { numRuns: 60 },
  );
});

test("names that are too long to be kept are read exactly, also those that end behind the end", () => {
  const long = encode({ ["n".repeat(200)]: 1, b: { ["m".repeat(70_000)]: 2 } });
  for (let times = 0; times < 100; times++) assert.deepEqual(read(long), decode(long));
  // A map of one field whose name is said to be 4 GiB long.
  assert.throws(() => {
    if (readItem(Uint8Array.of(0xa1, 0x7a, 0xff, 0xff, 0xff, 0xff, 0x01), 0) && itemEnd !== 7) {
      throw new Error("other than its length");
    }
  });
});

test("a map that ends early, after others of its shape, is an error, and the next is read exactly", () => {
  const item = encode({ _id: 1, text: "abc", inner: { a: [1, 2], b: 3 } });
  for (let times = 0; times < 100; times++) read(item);
  for (let end = 1; end < item.length; end++) {
    const cut = new Uint8Array(item.subarray(0, end));
    assert.throws(() => {
      if (readItem(cut, 0) && itemEnd !== cut.length) throw new Error("other than its length");
    });
    assert.deepEqual(read(item), decode(item));
  }
});

test("text of any length and alphabet is read exactly, a byte order mark in front included", () => {
  for (const letter of ["x", "é", "漢", "😀", "\ufeff", "\0"]) {
    for (let length = 0; length < 80; length++) {
      const text = `${letter.repeat(length)}end`;
      assert.equal(read(encode(text)), text);
      assert.deepEqual(read(encode({ [`n${text}`]: 1 })), { [`n${text}`]: 1 });
    }
  }
});

test("names that push each other out of the memory of names are read exactly", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `name ${i * 7919}`);
  const documents = names.map((name, i) => ({ _id: i, [name]: i, [names[(i * 31) % 500]!]: name }));
  for (const document of [...documents, ...documents.reverse()]) {
    assert.deepEqual(read(encode(document)), document);
  }
});

test("binary values share no memory with what they were read from, nor with each other", () => {
  const bytes = encode([Buffer.from("one"), Buffer.from("two")]);
  const [one, two] = readItem(bytes, 0) as [Buffer, Buffer];
  assert.ok(Buffer.isBuffer(one));
  bytes.fill(0);
  assert.equal(`${one} ${two}`, "one two");
  assert.notEqual(one.buffer, two.buffer);
});

test("damaged bytes are an error and do not fill the memory", () => {
  for (const hex of ["9affffffff", "baffffffff6161", "f8ff", "a1", "81".repeat(50), "8301"]) {
    assert.throws(() => readItem(Buffer.from(hex, "hex"), 0), { code: "CORRUPTED" });
  }
});

test("a sequence is read as its items", () => {
  const items = [{ a: 1 }, "b", [2n], Buffer.from([1])];
  assert.deepEqual(readSequence(Buffer.concat(items.map(encode))), items);
  assert.deepEqual(readSequence(new Uint8Array(0)), []);
});
