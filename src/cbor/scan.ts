/**
 * Walks encoded items without decoding them.
 *
 * {@link scan} stands between untrusted bytes and the decoder: what it accepts lies within the subset of
 * `codec.ts`, is complete, and decodes without a throw in time linear in its length. {@link skip} and
 * {@link readHeader} trust their input: bytes that were scanned or that we encoded ourselves.
 *
 * Nothing is allocated per item. The state of a scan is in module variables, because a scan runs to its
 * end on one thread without calling out.
 *
 * {@link skip} ends for damaged bytes too: at the latest where they do.
 */
import { isUtf8 } from "node:buffer";
import { LioranError } from "../errors.js";

/** What an untrusted item may cost at most. */
export interface ScanLimits {
  /** Deepest nesting of arrays and maps; the outermost one counts as 1. */
  depthMax: number;
  /** Most items in all: every array element, and every key and value of a map. */
  itemsMax: number;
  /** Whether `undefined` may occur. Default true; stored documents have none. */
  undefinedAllowed?: boolean;
}

export const MAJOR_BYTES = 2;
export const MAJOR_TEXT = 3;
export const MAJOR_ARRAY = 4;
export const MAJOR_MAP = 5;

const REGEX_HEAD = Buffer.from([0xd8, 0x1b, 0x83, 0x66, ...Buffer.from("RegExp")]);
const PROTO = Buffer.from("__proto__");
/** Least argument of a header with 1, 2 and 4 bytes of argument. */
const SHORTEST = [24, 0x100, 0x1_0000];
const dateMsMax = 8.64e15;

const wide = new DataView(new ArrayBuffer(8));
let input: Uint8Array = new Uint8Array(0);
let itemsLeft = 0;
let depthMax = 0;
let undefinedAllowed = true;
/** Argument of the header that was read last: a value or a length. */
let argument = 0;

/**
 * Checks the one item that begins at `start`.
 *
 * @returns the position behind the item
 * @throws LioranError PROTOCOL naming the position and the reason
 */
export function scan(bytes: Uint8Array, limits: ScanLimits, start = 0): number {
  input = bytes;
  itemsLeft = limits.itemsMax;
  depthMax = limits.depthMax;
  undefinedAllowed = limits.undefinedAllowed ?? true;
  return scanItem(start, 0);
}

function scanItem(position: number, depth: number): number {
  if (--itemsLeft < 0) fail(position, "more items than allowed");
  if (position >= input.length) fail(position, "the input ends where an item is due");
  const head = input[position]!;
  const major = head >> 5;
  if (major === 7) return scanSimple(position, head);
  if (major === 6) return scanTagged(position, head);
  if ((head & 0x1f) === 0x1b) return scanInt64(position, major);
  const next = scanArgument(position, head);
  if (major < MAJOR_BYTES) return next;
  const length = argument;
  if (major < MAJOR_ARRAY) {
    if (length > input.length - next) fail(position, "a string is longer than the input");
    return next + length;
  }
  if (depth >= depthMax) fail(position, `nesting deeper than ${depthMax} levels`);
  return major === MAJOR_ARRAY
    ? scanArray(next, length, depth + 1)
    : scanMap(next, length, depth + 1);
}

function scanArray(start: number, length: number, depth: number): number {
  if (length > input.length - start) fail(start, "an array is longer than the input");
  let position = start;
  for (let i = 0; i < length; i++) position = scanItem(position, depth);
  return position;
}

function scanMap(start: number, length: number, depth: number): number {
  if (length > (input.length - start) / 2) fail(start, "a map is longer than the input");
  let position = start;
  for (let i = 0; i < length; i++) {
    const key = position;
    if (key >= input.length || input[key]! >> 5 !== MAJOR_TEXT) {
      fail(key, "a map key that is no text string");
    }
    position = scanItem(key, depth);
    if (argument === PROTO.length && matches(PROTO, position - PROTO.length)) {
      fail(key, 'the map key "__proto__"');
    }
    position = scanItem(position, depth);
  }
  return position;
}

/** Reads a header's argument into {@link argument} and returns the position behind it. */
function scanArgument(position: number, head: number): number {
  const info = head & 0x1f;
  if (info < 24) {
    argument = info;
    return position + 1;
  }
  if (info > 26) fail(position, "an indefinite, 64-bit or reserved length");
  const next = position + 1 + (1 << (info - 24));
  if (next > input.length) fail(position, "the input ends inside a header");
  argument = readArgument(input, position, info);
  // One form per header: the bytes of a field name, such as "_id", can be compared as they are.
  if (argument < (SHORTEST[info - 24] ?? 0)) fail(position, "a header longer than needed");
  return next;
}

function scanInt64(position: number, major: number): number {
  if (major > 1) fail(position, "a length of 64 bits");
  if (position + 9 > input.length) fail(position, "the input ends inside a number");
  if (input[position + 1]! > 0x7f) fail(position, "an integer outside int64");
  return position + 9;
}

function scanSimple(position: number, head: number): number {
  if (head >= 0xf4 && head <= 0xf6) return position + 1;
  if (head === 0xfb) {
    if (position + 9 > input.length) fail(position, "the input ends inside a number");
    return position + 9;
  }
  if (head !== 0xf7) fail(position, "a simple value or float that is not in use here");
  if (!undefinedAllowed) fail(position, "undefined, which no document holds");
  return position + 1;
}

function scanTagged(position: number, head: number): number {
  if (head === 0xc1) return scanDate(position + 1);
  if (head === REGEX_HEAD[0] && matches(REGEX_HEAD, position)) return scanRegex(position);
  fail(position, "a tag that is not in use here");
}

function scanDate(position: number): number {
  const head = input[position];
  if (head === 0x1a && position + 5 <= input.length) return position + 5;
  if (head !== 0xfb || position + 9 > input.length) fail(position, "a malformed date");
  if (!(Math.abs(Math.round(readDouble(input, position) * 1000)) <= dateMsMax)) {
    fail(position, "a date outside the range of Date");
  }
  return position + 9;
}

/** Rare enough to allocate: only compiling an expression tells whether decoding it would throw. */
function scanRegex(position: number): number {
  const start = position + REGEX_HEAD.length;
  const sourceEnd = scanRegexText(start);
  const end = scanRegexText(sourceEnd);
  try {
    new RegExp(regexText(start, sourceEnd), regexText(sourceEnd, end));
  } catch {
    fail(position, "an invalid regular expression");
  }
  return end;
}

function scanRegexText(position: number): number {
  if (position >= input.length || input[position]! >> 5 !== MAJOR_TEXT) {
    fail(position, "a malformed regular expression");
  }
  const end = scanItem(position, depthMax);
  if (!isUtf8(input.subarray(position + headerBytes(input[position]!), end))) {
    fail(position, "a regular expression that is not UTF-8");
  }
  return end;
}

function regexText(start: number, end: number): string {
  return Buffer.from(input.subarray(start + headerBytes(input[start]!), end)).toString("utf8");
}

function matches(expected: Uint8Array, position: number): boolean {
  if (position + expected.length > input.length) return false;
  for (let i = 0; i < expected.length; i++) {
    if (input[position + i] !== expected[i]) return false;
  }
  return true;
}

function fail(position: number, reason: string): never {
  throw new LioranError("PROTOCOL", `Malformed CBOR at byte ${position}: ${reason}.`);
}

/** Bytes of an item by its first byte, where that tells: short strings and what has no parts; else 0. */
const itemBytes = Uint8Array.from({ length: 256 }, (_, head) => {
  const major = head >> 5;
  const info = head & 0x1f;
  if (major < MAJOR_BYTES || major === 7) return info < 0x1c ? headerBytes(head) : 0;
  return major <= MAJOR_TEXT && info < 24 ? 1 + info : 0;
});

/** Position behind the item at `start`, in bytes that are known to be valid. */
export function skip(bytes: Uint8Array, start: number): number {
  const size = itemBytes[bytes[start]!]!;
  return size > 0 ? start + size : skipLong(bytes, start);
}

function skipLong(bytes: Uint8Array, start: number): number {
  let position = start;
  for (let pending = 1; pending > 0; pending--) {
    // In damaged bytes a length can be anything: each item has a byte at least.
    if (pending > bytes.length - position) throw damagedItem();
    const head = bytes[position]!;
    const major = head >> 5;
    const info = head & 0x1f;
    const next = position + headerBytes(head);
    position = next;
    if (major === 6) pending++;
    else if (major >= MAJOR_BYTES && major <= MAJOR_MAP) {
      const length = info < 24 ? info : readArgument(bytes, next - (1 << (info - 24)) - 1, info);
      if (major < MAJOR_ARRAY) position += length;
      else pending += major === MAJOR_ARRAY ? length : 2 * length;
    }
  }
  return position;
}

/** For bytes that were checked before they were stored and that are no item now. */
export function damagedItem(): LioranError {
  return new LioranError(
    "CORRUPTED",
    "The database is damaged: the bytes of a stored document are no CBOR of ours. Restore it from a backup.",
  );
}

/** What it means that bytes could not be decoded: they are damaged, unless the decoder itself could not be loaded. */
export function decodingFailure(error: unknown): LioranError {
  return error instanceof LioranError && error.code === "IO" ? error : damagedItem();
}

/** Bytes of a header, with its argument (and so of a whole number), by its first byte. */
export function headerBytes(head: number): number {
  const info = head & 0x1f;
  return info < 24 ? 1 : 1 + (1 << (info - 24));
}

/** The length in the header at `position` of a valid string, array or map. */
export function readLength(bytes: Uint8Array, position: number): number {
  const info = bytes[position]! & 0x1f;
  return info < 24 ? info : readArgument(bytes, position, info);
}

/** The double at `position` (0xfb and eight bytes). */
export function readDouble(bytes: Uint8Array, position: number): number {
  for (let i = 0; i < 8; i++) wide.setUint8(i, bytes[position + 1 + i]!);
  return wide.getFloat64(0);
}

function readArgument(bytes: Uint8Array, position: number, info: number): number {
  let value = bytes[position + 1]!;
  if (info === 24) return value;
  value = value * 0x100 + bytes[position + 2]!;
  if (info === 25) return value;
  return (value * 0x100 + bytes[position + 3]!) * 0x100 + bytes[position + 4]!;
}
