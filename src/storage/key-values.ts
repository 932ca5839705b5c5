/**
 * Values out of keys: the inverse of `key.ts` for the scalars that a key determines fully. It is what
 * answers a query from an index alone.
 */
import { ORDER } from "../values/compare.js";
import { damagedRecord } from "./stored-record.js";

const wide = new DataView(new ArrayBuffer(8));

/** What was read, and where the next key begins. */
export interface ReadValue {
  value: unknown;
  end: number;
}

/** Whether the key of a value determines the value. Of bigint and -0 it does not: they equal other numbers. */
export function isReadable(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return !Object.is(value, -0);
    default:
      return value === null || value instanceof Date;
  }
}

/**
 * Reads the value whose key begins at `at`.
 *
 * @param complemented the key is stored in the opposite order
 */
export function readKey(bytes: Uint8Array, at: number, complemented: boolean): ReadValue {
  const mask = complemented ? 0xff : 0;
  switch (bytes[at]! ^ mask) {
    case ORDER.null:
      return { value: null, end: at + 1 };
    case ORDER.boolean:
      return { value: (bytes[at + 1]! ^ mask) === 1, end: at + 2 };
    case ORDER.number:
      // A byte follows that tells bigints from doubles; there are only doubles here.
      return { value: readDouble(bytes, at + 1, mask), end: at + 10 };
    case ORDER.date:
      return { value: readDate(bytes, at + 1, mask), end: at + 9 };
    case ORDER.string:
      return readString(bytes, at + 1, mask);
    default:
      // Entries of indexes that are read have only scalars in their keys.
      throw damagedRecord("an entry of an index");
  }
}

function readDouble(bytes: Uint8Array, at: number, mask: number): number {
  for (let i = 0; i < 8; i += 1) wide.setUint8(i, bytes[at + i]! ^ mask);
  const high = wide.getInt32(0);
  if (high < 0) {
    wide.setInt32(0, high ^ 0x80000000);
  } else if (high === 0 && wide.getInt32(4) === 0) {
    return Number.NaN;
  } else {
    wide.setInt32(0, ~high);
    wide.setInt32(4, ~wide.getInt32(4));
  }
  return wide.getFloat64(0);
}

function readDate(bytes: Uint8Array, at: number, mask: number): Date {
  for (let i = 0; i < 8; i += 1) wide.setUint8(i, bytes[at + i]! ^ mask);
  wide.setUint8(0, wide.getUint8(0) ^ 0x80);
  return new Date(Number(wide.getBigInt64(0)));
}

/** Text ends at 0x00 that is not followed by 0xff, which stands for NUL itself. */
function readString(bytes: Uint8Array, start: number, mask: number): ReadValue {
  let end = start;
  let isPlain = mask === 0;
  for (;;) {
    if (end >= bytes.length) throw damagedRecord("an entry of an index");
    if ((bytes[end]! ^ mask) === 0) {
      if (end + 1 >= bytes.length || (bytes[end + 1]! ^ mask) !== 0xff) break;
      isPlain = false;
      end += 1;
    }
    end += 1;
  }
  if (isPlain) return { value: textOf(bytes, start, end), end: end + 1 };
  const text = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i]! ^ mask;
    text[length++] = byte;
    if (byte === 0) i += 1;
  }
  return { value: text.toString("utf8", 0, length), end: end + 1 };
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}
