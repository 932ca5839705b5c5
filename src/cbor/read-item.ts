/**
 * Decodes single items of our subset of CBOR (`codec.ts`) out of bytes that are known to be valid:
 * scanned, or encoded by ourselves. The values are those that cbor-x gives, in 60 % of its time for
 * the small documents that queries read by the hundred thousand: nothing is prepared per call, and
 * field names are recognised by their bytes. Bytes that are not valid give a wrong value or an error,
 * in time linear in their length.
 *
 * The position behind an item is a module variable, because it is wanted after each call and a pair
 * would be an allocation per value. Nothing in here calls out while it holds.
 */
import { type FieldName, liesAt, readName } from "./field-name.js";
import {
  countExpectation,
  isUnsteady,
  keepShape,
  type MapShape,
  newShape,
  nowhere,
  shapeFieldsMax,
  shapeIn,
} from "./map-shape.js";
import { decodeRare } from "./rare-codec.js";
import { damagedItem, decodingFailure, scan } from "./scan.js";

type Fields = Record<string, unknown>;

/** A regular expression is an array of strings. */
const rareLimits = { depthMax: 1, itemsMax: 8 };

/** Position behind the item that {@link readItem} has read last. */
export let itemEnd = 0;

const wide = new DataView(new ArrayBuffer(8));
const { fromCharCode } = String;
const sliceBytes = Uint8Array.prototype.slice;
/** Longest byte string that may lie in Node's pool of small buffers: memory of its own takes a microsecond. */
const pooledBytesMax = 1_024;
/** Documents are for the user, who may transfer what is in them: their byte strings have memory of their own. */
let isPooling = false;
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
};

/** The item at `start`. It shares no memory with `bytes`. */
export function readItem(bytes: Uint8Array, start: number): unknown {
  const head = bytes[start]!;
  switch (head >> 5) {
    case 0:
      return head < 0x1b ? readUint(bytes, start) : readBigUint(bytes, start);
    case 1:
      return head < 0x3b ? -1 - readUint(bytes, start) : -1n - readBigUint(bytes, start);
    case 2:
      return readBinary(bytes, start);
    case 3:
      return readText(bytes, start);
    case 4:
      return readArray(bytes, start);
    case 5:
      return readMap(bytes, start);
    case 6:
      return head === 0xc1 ? readDate(bytes, start) : readRare(bytes, start);
    default:
      return readSimple(bytes, start, head);
  }
}

/** As {@link readItem}, for a whole document: whatever has thrown in the middle of another one is forgotten. */
export function readDocument(bytes: Uint8Array, start: number): unknown {
  outer = top;
  outerField = 0;
  return readItem(bytes, start);
}

/** Where the items of frames belong: their shapes are not those of documents. */
const frames = newShape([]);

/**
 * As {@link readDocument}, for what a scanned frame carries.
 *
 * @param mayPool its byte strings may lie in Node's shared pool: they do not get to a user
 */
export function readBody(bytes: Uint8Array, mayPool: boolean): unknown {
  return readPart(bytes, 0, mayPool, frames, 0);
}

/** As {@link readBody}, for the item at `start`, which belongs to a field of a shape. */
export function readPart(
  bytes: Uint8Array,
  start: number,
  mayPool: boolean,
  around: MapShape,
  field: number,
): unknown {
  outer = around;
  outerField = field;
  isPooling = mayPool;
  try {
    return readItem(bytes, start);
  } finally {
    isPooling = false;
    outer = top;
    outerField = 0;
  }
}

/**
 * Reads a CBOR sequence (RFC 8742): items one after the other, without a header.
 *
 * @throws LioranError CORRUPTED
 */
export function readSequence(bytes: Uint8Array): unknown[] {
  const items: unknown[] = [];
  try {
    for (let at = 0; at < bytes.length; at = itemEnd) items.push(readDocument(bytes, at));
  } catch (error) {
    throw decodingFailure(error);
  }
  return items;
}

/** The argument of a header of at most 32 bits. */
function readUint(bytes: Uint8Array, start: number): number {
  const info = bytes[start]! & 0x1f;
  switch (info) {
    case 24:
      itemEnd = start + 2;
      return bytes[start + 1]!;
    case 25:
      itemEnd = start + 3;
      return (bytes[start + 1]! << 8) | bytes[start + 2]!;
    case 26:
      itemEnd = start + 5;
      return readInt32(bytes, start + 1) >>> 0;
    default:
      itemEnd = start + 1;
      return info;
  }
}

function readBigUint(bytes: Uint8Array, start: number): bigint {
  // What lies behind the end has no first byte, and is taken for a large number.
  if (start + 9 > bytes.length) throw damagedItem();
  loadWide(bytes, start + 1);
  itemEnd = start + 9;
  return wide.getBigUint64(0);
}

function loadWide(bytes: Uint8Array, at: number): void {
  wide.setInt32(0, readInt32(bytes, at));
  wide.setInt32(4, readInt32(bytes, at + 4));
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function readDouble(bytes: Uint8Array, start: number): number {
  loadWide(bytes, start + 1);
  itemEnd = start + 9;
  return wide.getFloat64(0);
}

function readBinary(bytes: Uint8Array, start: number): Buffer {
  const length = readUint(bytes, start);
  const from = itemEnd;
  itemEnd = from + length;
  if (!isPooling || length > pooledBytesMax) {
    return Buffer.from(sliceBytes.call(bytes, from, itemEnd).buffer);
  }
  const copy = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) copy[at] = bytes[from + at]!;
  return copy;
}

/** Longest text that is put together here: for a longer one a call into native code is cheaper. */
const shortTextBytesMax = 15;

function readText(bytes: Uint8Array, start: number): string {
  const length = readUint(bytes, start);
  const from = itemEnd;
  const end = from + length;
  itemEnd = end;
  if (length <= shortTextBytesMax) {
    let union = 0;
    for (let at = from; at < end; at++) union |= bytes[at]!;
    if (union < 0x80)
      return length < 8 ? ascii7(bytes, from, length) : ascii15(bytes, from, length);
  }
  return utf8Slice.call(bytes, from, end);
}

/** One call per string: joining parts costs more than all of it. */
function ascii7(b: Uint8Array, at: number, length: number): string {
  switch (length) {
    case 0:
      return "";
    case 1:
      return fromCharCode(b[at]!);
    case 2:
      return fromCharCode(b[at]!, b[at + 1]!);
    case 3:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    default:
      return ascii7Full(b, at);
  }
}

// biome-ignore format: a table.
function ascii7Full(b: Uint8Array, at: number): string {
  return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!);
}

function ascii15(b: Uint8Array, at: number, length: number): string {
  // biome-ignore format: a table.
  const eight = fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!);
  return length === 8 ? eight : eight + ascii7(b, at + 8, length - 8);
}

/** Damaged bytes must not make us fill the memory. */
function readCount(bytes: Uint8Array, start: number): number {
  const count = readUint(bytes, start);
  if (count > bytes.length - itemEnd) throw damagedItem();
  return count;
}

function readArray(bytes: Uint8Array, start: number): unknown[] {
  const length = readCount(bytes, start);
  const array: unknown[] = [];
  const around = outer;
  const place = outerField;
  for (let i = 0; i < length; i++) {
    outer = around;
    outerField = place;
    array.push(readItem(bytes, itemEnd));
  }
  return array;
}

/**
 * Where the item that is being read belongs: the shape around it, and the field. A map is expected to have
 * the shape that was read there the last time. A wrong expectation costs time and nothing else.
 */
const top = newShape([]);
let outer = top;
let outerField = 0;

function readMap(bytes: Uint8Array, start: number): Fields {
  const length = readCount(bytes, start);
  const around = outer;
  const place = outerField;
  if (length > shapeFieldsMax || isUnsteady(around, place)) {
    return readAnyMap(bytes, length, around, place);
  }
  const shape = shapeIn(around.inner[place]);
  const build = shape?.build;
  if (!build || shape.names.length !== length) {
    countExpectation(around, place, false);
    return readNewMap(bytes, length, around, place, [], []);
  }
  const { names } = shape;
  const values: unknown[] = new Array(length);
  let at = itemEnd;
  for (let i = 0; i < length; i++) {
    const name = names[i]!;
    if (!liesAt(name.bytes, bytes, at)) {
      itemEnd = at;
      countExpectation(around, place, false);
      return readNewMap(bytes, length, around, place, names.slice(0, i), values);
    }
    outer = shape;
    outerField = i;
    values[i] = readItem(bytes, at + name.bytes.length);
    at = itemEnd;
  }
  outer = around;
  outerField = place;
  countExpectation(around, place, true);
  return build(values);
}

/** A map of which nothing is expected, nor of the maps in it. */
function readAnyMap(bytes: Uint8Array, length: number, around: MapShape, place: number): Fields {
  const fields: Fields = {};
  outer = nowhere;
  let at = itemEnd;
  for (let i = 0; i < length; i++) {
    const name = readName(bytes, at);
    fields[name.text] = readItem(bytes, at + name.bytes.length);
    at = itemEnd;
  }
  outer = around;
  outerField = place;
  return fields;
}

/** A map of another shape than the expected one: it has these names at first, which have been read. */
function readNewMap(
  bytes: Uint8Array,
  length: number,
  around: MapShape,
  place: number,
  names: FieldName[],
  values: readonly unknown[],
): Fields {
  const fields: Fields = {};
  names.forEach((name, i) => {
    fields[name.text] = values[i];
  });
  // Its own shape is known when its names are.
  const unknown = newShape(names);
  let at = itemEnd;
  for (let i = names.length; i < length; i++) {
    const name = readName(bytes, at);
    names.push(name);
    outer = unknown;
    outerField = i;
    fields[name.text] = readItem(bytes, at + name.bytes.length);
    at = itemEnd;
  }
  outer = around;
  outerField = place;
  const slot = keepShape(names, unknown.inner);
  if (slot !== undefined) around.inner[place] = slot;
  return fields;
}

function readDate(bytes: Uint8Array, start: number): Date {
  const isWide = bytes[start + 1] === 0xfb;
  const seconds = isWide ? readDouble(bytes, start + 1) : readUint(bytes, start + 1);
  return new Date(Math.round(seconds * 1000));
}

function readSimple(bytes: Uint8Array, start: number, head: number): unknown {
  if (head === 0xfb) return readDouble(bytes, start);
  itemEnd = start + 1;
  switch (head) {
    case 0xf4:
      return false;
    case 0xf5:
      return true;
    case 0xf6:
      return null;
    case 0xf7:
      return undefined;
    default:
      throw damagedItem();
  }
}

function readRare(bytes: Uint8Array, start: number): unknown {
  // Damaged bytes must not get to the decoder with other tags: there are some that take it for ever.
  let end: number;
  try {
    end = scan(bytes, rareLimits, start);
  } catch {
    throw damagedItem();
  }
  const value = decodeRare(bytes.subarray(start, end));
  itemEnd = end;
  return value;
}
