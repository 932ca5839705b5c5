/**
 * Entries of secondary indexes as bytes: how the values of a document become keys in the `indexes` store.
 *
 *     key     index id (4 bytes) | component of each key field | id part
 *     value   flags (1 byte) | where the id part begins in the key (2 bytes) | key of `_id`, if it is long
 *
 * A component is the key of a value (`key.ts`), complemented where the field is descending. One that is
 * too long is cut and ends in a digest: such an entry is found by equality and by its beginning, but
 * does not sort as its value does. The id part makes entries with equal values different; it is the key of `_id`
 * unless that is long, in which case it is cut in the same way and the value has the whole.
 */
import { createHash } from "node:crypto";
import { indexIdBytesMax, keyPrefixBytes, lmdbKeyBytesMax } from "../limits.js";
import { encodeKey } from "./key.js";

/** Stands for the values of an empty array, which sorts before everything else. */
export const emptyArrayKey = Uint8Array.of(0x08);
/** What a path that leads nowhere is indexed as. */
const missingKey = encodeKey(null);

/** A value at a key field that is not a value: nothing there, or an array without elements. */
export const MISSING = Symbol("missing");
export const EMPTY_ARRAY = Symbol("empty array");

/** Bytes of the digest that ends a key that was cut. */
const digestBytes = 16;
const entryHeadBytes = 3;

/** The values of the entry cannot be told from its key. */
const opaqueFlag = 1;
/** The whole key of `_id` is in the value. */
const longIdFlag = 2;

/** Longest component in an index of so many fields. */
export function componentBytesMax(fields: number): number {
  return Math.floor((lmdbKeyBytesMax - keyPrefixBytes - indexIdBytesMax) / fields);
}

/** Bytes at the beginning of a component that are those of its value, also when it was cut. */
export function faithfulBytes(fields: number): number {
  return componentBytesMax(fields) - digestBytes;
}

/** A component, before it is complemented for a descending field. */
export interface Component {
  readonly key: Uint8Array;
  /** Cut: it does not sort as its value does. */
  readonly isCut: boolean;
}

/** @param fields how many fields the index has */
export function componentOf(value: unknown, fields: number): Component {
  if (value === MISSING) return { key: missingKey, isCut: false };
  if (value === EMPTY_ARRAY) return { key: emptyArrayKey, isCut: false };
  const key = encodeKey(value);
  const bytesMax = componentBytesMax(fields);
  return key.length <= bytesMax ? { key, isCut: false } : { key: cut(key, bytesMax), isCut: true };
}

function cut(key: Uint8Array, bytesMax: number): Uint8Array {
  const digest = createHash("sha256").update(key).digest();
  const short = new Uint8Array(bytesMax);
  short.set(key.subarray(0, bytesMax - digestBytes));
  short.set(digest.subarray(0, digestBytes), bytesMax - digestBytes);
  return short;
}

/** Bytes in the opposite order. */
export function complemented(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += 1) result[i] = ~bytes[i];
  return result;
}

/** An entry as it is stored. */
export interface IndexEntryBytes {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The entry for a document.
 *
 * @param components one for each key field, complemented where the field is descending
 * @param isOpaque its values cannot be told from its key
 */
export function entryBytes(
  indexId: number,
  components: readonly Uint8Array[],
  idKey: Uint8Array,
  isOpaque: boolean,
): IndexEntryBytes {
  const isLong = idKey.length > indexIdBytesMax;
  const idPart = isLong ? cut(idKey, indexIdBytesMax) : idKey;
  let idAt = keyPrefixBytes;
  for (const component of components) idAt += component.length;
  const key = Buffer.allocUnsafe(idAt + idPart.length);
  key.writeUInt32BE(indexId, 0);
  let at = keyPrefixBytes;
  for (const component of components) {
    key.set(component, at);
    at += component.length;
  }
  key.set(idPart, at);
  const value = Buffer.allocUnsafe(entryHeadBytes + (isLong ? idKey.length : 0));
  value[0] = (isOpaque ? opaqueFlag : 0) | (isLong ? longIdFlag : 0);
  value.writeUInt16BE(idAt, 1);
  if (isLong) value.set(idKey, entryHeadBytes);
  return { key, value };
}

/** The values of entries that say nothing else, by where the id part begins. Nobody changes one. */
const plainValues: Uint8Array[] = [];

/** The value of an entry whose key has the values and the `_id` as they are. */
export function plainEntryValue(idAt: number): Uint8Array {
  plainValues[idAt] ??= Uint8Array.of(0, idAt >> 8, idAt);
  return plainValues[idAt];
}

/** Whether the ids of an index are cut in its entries: they then do not sort as the ids do. */
export function isLongId(idKey: Uint8Array): boolean {
  return idKey.length > indexIdBytesMax;
}

/** The key of the `_id` of the entry's document. Shares memory with the entry. */
export function entryIdKey(key: Uint8Array, value: Uint8Array): Uint8Array {
  if (value[0]! & longIdFlag) return value.subarray(entryHeadBytes);
  return key.subarray(entryValuesEnd(value));
}

/** Whether the key of `_id` is in the value of the entry, and not in its key. */
export function hasLongId(value: Uint8Array): boolean {
  return (value[0]! & longIdFlag) !== 0;
}

/** Where the values in the key of an entry end. */
export function entryValuesEnd(value: Uint8Array): number {
  return (value[1]! << 8) | value[2]!;
}

/** Whether the values cannot be told from the key of the entry. */
export function isOpaqueEntry(value: Uint8Array): boolean {
  return (value[0]! & opaqueFlag) !== 0;
}

/** The first bytes of all entries of an index. */
export function indexPrefix(indexId: number): Uint8Array {
  const prefix = Buffer.allocUnsafe(keyPrefixBytes);
  prefix.writeUInt32BE(indexId, 0);
  return prefix;
}
