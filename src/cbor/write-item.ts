/**
 * The encoder of what nearly all values are made of: text, numbers, booleans, byte strings, arrays and plain
 * objects. It writes the same bytes as cbor-x with our settings (`codec.ts`), which encodes everything else, in three
 * quarters of the time: cbor-x is made for more kinds of values and modes than we use.
 */

type Fields = Record<string, unknown>;

/** Encodes a value of another kind. The result is copied at once. */
export type EncodeRare = (value: unknown) => Uint8Array;

/** Longest text that is copied here, character by character: for a longer one a call into native code is cheaper. */
const shortTextMax = 64;
/** The same for byte strings. */
const shortBytesMax = 64;
const uint32Max = 2 ** 32 - 1;
const bytesFresh = 64 * 1024;
/** The working memory grows to the largest value; above this it is given back. */
const bytesKeptMax = 4 * 1024 * 1024;

const UNSIGNED = 0x00;
const NEGATIVE = 0x20;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const MAP = 0xa0;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const UNDEFINED = 0xf7;
const DOUBLE = 0xfb;

let target = Buffer.allocUnsafeSlow(bytesFresh);
let end = 0;
let encodeRare: EncodeRare;
/** A value may have getters, and they may encode something. */
let isWriting = false;

/**
 * Encodes into working memory.
 *
 * @returns how many bytes {@link written} has; undefined when a value is being written already: encode it elsewhere
 */
export function writeItem(value: unknown, rare: EncodeRare): number | undefined {
  if (isWriting) return undefined;
  isWriting = true;
  end = 0;
  encodeRare = rare;
  try {
    write(value);
    return end;
  } finally {
    isWriting = false;
  }
}

/** What was written last, until the next call. */
export function written(): Buffer {
  return target.subarray(0, end);
}

/** Copies what was written last to the beginning of `copy`. */
export function copyWritten(copy: Uint8Array): void {
  if (end > shortBytesMax) copy.set(target.subarray(0, end));
  else for (let at = 0; at < end; at += 1) copy[at] = target[at]!;
  if (target.length > bytesKeptMax) target = Buffer.allocUnsafeSlow(bytesFresh);
}

function write(value: unknown): void {
  switch (typeof value) {
    case "string":
      writeText(value);
      return;
    case "number":
      writeNumber(value);
      return;
    case "boolean":
      writeByte(value ? TRUE : FALSE);
      return;
    case "undefined":
      writeByte(UNDEFINED);
      return;
    case "object":
      writeObject(value);
      return;
    default:
      writeRare(value);
  }
}

function writeObject(value: object | null): void {
  if (value === null) writeByte(NULL);
  else if (Array.isArray(value)) writeArray(value);
  else if (value.constructor === Object) writeMap(value as Fields);
  else if (value instanceof Uint8Array) writeBytes(value);
  else if (isPlain(value)) writeMap(value as Fields);
  else writeRare(value);
}

/** A field may be called "constructor". Objects of other realms are rare. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function writeMap(value: Fields): void {
  const names = Object.keys(value);
  writeHeader(MAP, names.length);
  for (let at = 0; at < names.length; at += 1) {
    const name = names[at]!;
    writeText(name);
    write(value[name]);
  }
}

function writeArray(value: readonly unknown[]): void {
  const { length } = value;
  writeHeader(ARRAY, length);
  for (let at = 0; at < length; at += 1) write(value[at]);
}

function writeBytes(value: Uint8Array): void {
  const { length } = value;
  writeHeader(BYTES, length);
  reserve(length);
  if (length > shortBytesMax) target.set(value, end);
  else for (let at = 0; at < length; at += 1) target[end + at] = value[at]!;
  end += length;
}

function writeText(value: string): void {
  const { length } = value;
  if (length > shortTextMax) {
    writeLongText(value);
    return;
  }
  const start = end;
  writeHeader(TEXT, length);
  reserve(length);
  let union = 0;
  for (let at = 0; at < length; at += 1) {
    const code = value.charCodeAt(at);
    union |= code;
    target[end + at] = code;
  }
  if (union < 0x80) {
    end += length;
    return;
  }
  end = start;
  writeLongText(value);
}

function writeLongText(value: string): void {
  if (!value.isWellFormed()) {
    writeRare(value);
    return;
  }
  reserve(headerBytesMax + 3 * value.length);
  // Most have a byte for each character. Where that makes the header another size, the text moves.
  const guess = headerSize(value.length);
  const length = target.write(value, end + guess, "utf8");
  const size = headerSize(length);
  if (size !== guess) target.copyWithin(end + size, end + guess, end + guess + length);
  writeHeader(TEXT, length);
  end += length;
}

function writeNumber(value: number): void {
  if (Number.isInteger(value)) {
    if (value >= 0) {
      if (value <= uint32Max) {
        writeHeader(UNSIGNED, value);
        return;
      }
    } else if (value >= -uint32Max - 1) {
      writeHeader(NEGATIVE, -1 - value);
      return;
    }
  }
  reserve(9);
  target[end] = DOUBLE;
  target.writeDoubleBE(value, end + 1);
  end += 9;
}

function writeRare(value: unknown): void {
  const bytes = encodeRare(value);
  reserve(bytes.length);
  target.set(bytes, end);
  end += bytes.length;
}

function writeByte(byte: number): void {
  reserve(1);
  target[end] = byte;
  end += 1;
}

const headerBytesMax = 5;

function headerSize(argument: number): number {
  return argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x10000 ? 3 : headerBytesMax;
}

function writeHeader(major: number, argument: number): void {
  reserve(headerBytesMax);
  if (argument < 24) {
    target[end] = major | argument;
    end += 1;
  } else if (argument < 0x100) {
    target[end] = major | 24;
    target[end + 1] = argument;
    end += 2;
  } else if (argument < 0x10000) {
    target[end] = major | 25;
    target[end + 1] = argument >>> 8;
    target[end + 2] = argument;
    end += 3;
  } else {
    target[end] = major | 26;
    target.writeUInt32BE(argument, end + 1);
    end += headerBytesMax;
  }
}

function reserve(bytes: number): void {
  if (end + bytes > target.length) grow(end + bytes);
}

function grow(least: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * target.length, least));
  larger.set(target.subarray(0, end));
  target = larger;
}
