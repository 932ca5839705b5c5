/**
 * Values as bytes that sort like the values: `compareBytes(key(a), key(b))` has the sign of
 * `compareValues(a, b)`. A key is self-delimiting, so keys can be concatenated into compound ones.
 *
 *     key      tag payload           the tags are ORDER in values/compare.ts, all within 0x06..0xfe
 *     null     -
 *     number   8 bytes: the double next below, made order-preserving (NaN all zero, -0 as 0);
 *              then 0x00 when that is exact, else the distance r as two bytes 1 + (r >> 8), r & 255
 *     string   UTF-8, 0x00 as 0x00 0xff; 0x00
 *     object   per field: tag, name, payload; 0x00. In a name 0x00 is 0x01 0x01 and 0x01 is
 *              0x01 0x02, because what follows the end of a name may be any byte
 *     array    keys of the elements; 0x00
 *     binary   length as uint32, big-endian; the bytes
 *     boolean  0x00 or 0x01
 *     date     milliseconds as int64, big-endian, sign flipped
 *     regex    source and flags, each as a string payload
 */
import { LioranError } from "../errors.js";
import { idKeyBytesMax } from "../limits.js";
import { ORDER, type Order, orderOf } from "../values/compare.js";

const wide = new DataView(new ArrayBuffer(8));
const wideBytes = new Uint8Array(wide.buffer);
const scratch = new Uint8Array(4096);
const idScratch = scratch.subarray(0, idKeyBytesMax);

/**
 * Writes the key of `value` into `target` from `at` on.
 *
 * @returns the position behind the key
 * @throws LioranError KEY_TOO_LONG when the key does not fit; `target` is then partly written
 */
export function writeKey(value: unknown, target: Uint8Array, at: number): number {
  // Stores behind the end of a typed array are no-ops, so one check at the end is enough.
  const end = writeTagged(value, target, at);
  if (end > target.length) throw tooLong(target.length);
  return end;
}

/** The key of `value` in memory of its own, however long it is. */
export function encodeKey(value: unknown): Uint8Array {
  let target = scratch;
  for (;;) {
    const end = writeTagged(value, target, 0);
    if (end <= target.length) return target.slice(0, end);
    target = new Uint8Array(Math.max(end, target.length * 4));
  }
}

/**
 * The key of an `_id`, in memory of its own.
 *
 * @throws LioranError KEY_TOO_LONG when it has more than {@link idKeyBytesMax} bytes
 */
export function idKey(id: unknown): Uint8Array {
  const end = writeTagged(id, idScratch, 0);
  if (end > idKeyBytesMax) throw idTooLong();
  return idScratch.slice(0, end);
}

/** The range of the keys of all values of the same class: from `lower`, up to but without `upper`. */
export function typeBracket(value: unknown): [lower: Uint8Array, upper: Uint8Array] {
  const order = orderOf(value);
  return [Uint8Array.of(order), Uint8Array.of(order + 1)];
}

function writeTagged(value: unknown, target: Uint8Array, at: number): number {
  if (typeof value === "string") {
    target[at] = ORDER.string;
    return writeString(value, target, at + 1);
  }
  const order = orderOf(value);
  target[at] = order;
  return writePayload(order, value, target, at + 1);
}

function writePayload(order: Order, value: unknown, target: Uint8Array, at: number): number {
  switch (order) {
    case ORDER.null:
      return at;
    case ORDER.number:
      return typeof value === "bigint"
        ? writeBigint(value, target, at)
        : writeNumber(value as number, target, at);
    case ORDER.string:
      return writeString(value as string, target, at);
    case ORDER.object:
      return writeObject(value as Record<string, unknown>, target, at);
    case ORDER.array:
      return writeArray(value as unknown[], target, at);
    case ORDER.binary:
      return writeBinary(value as Uint8Array, target, at);
    case ORDER.boolean:
      target[at] = value ? 1 : 0;
      return at + 1;
    case ORDER.date:
      wide.setBigInt64(0, BigInt((value as Date).getTime()));
      wideBytes[0]! ^= 0x80;
      return writeWide(target, at);
    case ORDER.regex: {
      const { source, flags } = value as RegExp;
      return writeString(flags, target, writeString(source, target, at));
    }
  }
}

function writeNumber(value: number, target: Uint8Array, at: number): number {
  const end = writeDouble(value, target, at);
  target[end] = 0;
  return end + 1;
}

/** The greatest double that is not above `value`, then how far above it `value` is. */
function writeBigint(value: bigint, target: Uint8Array, at: number): number {
  let double = Number(value);
  if (BigInt(double) > value) double = doubleBelow(double);
  const rest = Number(value - BigInt(double));
  const end = writeDouble(double, target, at);
  if (rest === 0) {
    target[end] = 0;
    return end + 1;
  }
  target[end] = 1 + (rest >> 8);
  target[end + 1] = rest & 0xff;
  return end + 2;
}

function doubleBelow(double: number): number {
  wide.setFloat64(0, double);
  wide.setBigInt64(0, wide.getBigInt64(0) + (double > 0 ? -1n : 1n));
  return wide.getFloat64(0);
}

function writeDouble(value: number, target: Uint8Array, at: number): number {
  if (Number.isNaN(value)) {
    wide.setFloat64(0, 0);
  } else {
    // Adding 0 turns -0 into 0. Negative doubles sort by their complement, in front of the others.
    wide.setFloat64(0, value + 0);
    const high = wide.getInt32(0);
    if (high < 0) {
      wide.setInt32(0, ~high);
      wide.setInt32(4, ~wide.getInt32(4));
    } else {
      wide.setInt32(0, high ^ 0x80000000);
    }
  }
  return writeWide(target, at);
}

function writeWide(target: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) target[at + i] = wideBytes[i]!;
  return at + 8;
}

function writeString(text: string, target: Uint8Array, at: number): number {
  const length = text.length;
  // No string has fewer bytes than UTF-16 units: do not walk what cannot fit.
  if (at + length >= target.length) return at + length + 1;
  let end = at;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) {
      end = writeWideUnit(text, i, unit, target, end);
      if (isPair(text, i, unit)) i++;
    } else {
      target[end++] = unit;
      if (unit === 0) target[end++] = 0xff;
    }
  }
  target[end] = 0;
  return end + 1;
}

function writeName(name: string, target: Uint8Array, at: number): number {
  let end = at;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit > 0x7f) {
      end = writeWideUnit(name, i, unit, target, end);
      if (isPair(name, i, unit)) i++;
    } else if (unit <= 1) {
      target[end++] = 1;
      target[end++] = unit + 1;
    } else {
      target[end++] = unit;
    }
  }
  target[end] = 0;
  return end + 1;
}

function isPair(text: string, index: number, unit: number): boolean {
  return (unit & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
}

/** UTF-8 of the character above U+007F that begins at `index`. */
function writeWideUnit(
  text: string,
  index: number,
  unit: number,
  target: Uint8Array,
  at: number,
): number {
  if (unit < 0x800) {
    target[at] = 0xc0 | (unit >> 6);
    target[at + 1] = 0x80 | (unit & 0x3f);
    return at + 2;
  }
  if (isPair(text, index, unit)) {
    const point = text.codePointAt(index)!;
    target[at] = 0xf0 | (point >> 18);
    target[at + 1] = 0x80 | ((point >> 12) & 0x3f);
    target[at + 2] = 0x80 | ((point >> 6) & 0x3f);
    target[at + 3] = 0x80 | (point & 0x3f);
    return at + 4;
  }
  target[at] = 0xe0 | (unit >> 12);
  target[at + 1] = 0x80 | ((unit >> 6) & 0x3f);
  target[at + 2] = 0x80 | (unit & 0x3f);
  return at + 3;
}

function writeObject(object: Record<string, unknown>, target: Uint8Array, at: number): number {
  let end = at;
  for (const name of Object.keys(object)) {
    const value = object[name];
    const order = orderOf(value);
    target[end] = order;
    end = writePayload(order, value, target, writeName(name, target, end + 1));
  }
  target[end] = 0;
  return end + 1;
}

function writeArray(array: unknown[], target: Uint8Array, at: number): number {
  let end = at;
  for (const element of array) end = writeTagged(element, target, end);
  target[end] = 0;
  return end + 1;
}

function writeBinary(bytes: Uint8Array, target: Uint8Array, at: number): number {
  wide.setUint32(0, bytes.length);
  for (let i = 0; i < 4; i++) target[at + i] = wideBytes[i]!;
  const end = at + 4 + bytes.length;
  if (end <= target.length) target.set(bytes, at + 4);
  return end;
}

function tooLong(bytesMax: number): LioranError {
  return new LioranError(
    "KEY_TOO_LONG",
    `The key of an indexed value is longer than ${bytesMax} bytes: index a shorter field instead.`,
  );
}

function idTooLong(): LioranError {
  return new LioranError(
    "KEY_TOO_LONG",
    `The _id is too long: its key may have ${idKeyBytesMax} bytes. Use a shorter _id, such as a hash.`,
  );
}
