/**
 * The field names of encoded maps. A collection has few names and repeats them in every document, so a
 * name is made a string once and recognised by its bytes from then on.
 */
import { damagedItem, headerBytes, readLength } from "./scan.js";

/** A field name: as it lies in a map, header included, and as a string. */
export interface FieldName {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly hash: number;
  /** Slot of the name that was read after this one the last time: most likely the next one again. */
  nextSlot: number;
}

/** More names than a process meets; those that share a slot push each other out. */
const slots = 2048;
/** Names that are longer are data that was made a name, and not worth keeping. */
export const keptBytesMax = 64;
const kept: (FieldName | undefined)[] = new Array(slots).fill(undefined);
let previous: FieldName = { bytes: new Uint8Array(0), text: "", hash: 0, nextSlot: 0 };

const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
};

/** The name whose header is at `start`, in valid bytes. */
export function readName(bytes: Uint8Array, start: number): FieldName {
  const expected = kept[previous.nextSlot];
  if (expected !== undefined && liesAt(expected.bytes, bytes, start)) {
    previous = expected;
    return expected;
  }
  return findName(bytes, start);
}

/** Whether `wanted` lies in `bytes` from `start` on. */
export function liesAt(wanted: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < wanted.length; i++) {
    if (bytes[start + i] !== wanted[i]) return false;
  }
  return true;
}

function findName(bytes: Uint8Array, start: number): FieldName {
  const from = start + headerBytes(bytes[start]!);
  const end = from + readLength(bytes, start);
  if (end - start > keptBytesMax) return nameAt(bytes, start, from, end, 0);
  const hash = hashOf(bytes, start, end);
  const slot = hash & (slots - 1);
  let name = kept[slot];
  if (name?.bytes.length !== end - start || !liesAt(name.bytes, bytes, start)) {
    name = nameAt(bytes, start, from, end, hash);
    kept[slot] = name;
  }
  previous.nextSlot = slot;
  previous = name;
  return name;
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) hash = (hash * 31 + bytes[at]!) | 0;
  return hash;
}

function nameAt(
  bytes: Uint8Array,
  start: number,
  from: number,
  end: number,
  hash: number,
): FieldName {
  const text = utf8Slice.call(bytes, from, end);
  // Nobody writes it; as a field it would be the prototype of the object.
  if (text === "__proto__") throw damagedItem();
  const copy = Uint8Array.prototype.slice.call(bytes, start, end);
  return { bytes: copy, text, hash, nextSlot: 0 };
}
