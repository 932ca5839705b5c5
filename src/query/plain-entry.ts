/**
 * The entry of a document in an index, made from the bytes of the document: for indexes over top-level fields, and
 * documents that have short texts, numbers, dates, booleans or null there, as nearly all have. It is the entry that
 * `index-keys.ts` makes of the decoded fields; wherever that is not plain to see, the answer is to do so.
 */
import { readItem } from "../cbor/read-item.js";
import { headerBytes, MAJOR_MAP, MAJOR_TEXT, readLength, skip } from "../cbor/scan.js";
import { indexIdBytesMax, keyPrefixBytes, lmdbKeyBytesMax } from "../limits.js";
import type { IndexEntry } from "../storage/catalog.js";
import { memberAt, wantedMembers } from "../storage/field-reader.js";
import {
  componentBytesMax,
  type IndexEntryBytes,
  plainEntryValue,
} from "../storage/index-entries.js";
import { writeKey } from "../storage/key.js";
import { ORDER } from "../values/compare.js";

/**
 * @param bytes of one whole document
 * @returns nothing when only the decoded fields can tell
 */
export type PlainEntry = (bytes: Uint8Array, idKey: Uint8Array) => IndexEntryBytes | undefined;

/** The work space of all keys that are made here. */
const target = Buffer.allocUnsafeSlow(lmdbKeyBytesMax);
/** Where the value of each field begins in the document; 0: not found. */
const valueStarts = new Int32Array(32);

/** Nothing for an index that asks for more than plain fields. */
export function compilePlainEntry(index: IndexEntry): PlainEntry | undefined {
  const { key, partialFilter } = index;
  const isPlain = key.every(([path]) => path !== "_id" && !path.includes("."));
  if (!isPlain || partialFilter || key.length > valueStarts.length) return undefined;
  const wanted = wantedMembers(key.map(([path], at): [string, number] => [path, at]));
  const fields = key.map(([, direction]) => direction);
  const componentMax = componentBytesMax(fields.length);
  return (bytes, idKey) => {
    if (idKey.length > indexIdBytesMax || !findFields(bytes, wanted, fields.length))
      return undefined;
    target.writeUInt32BE(index.id, 0);
    let end = keyPrefixBytes;
    for (let field = 0; field < fields.length; field += 1) {
      const start = end;
      end = writeComponent(bytes, valueStarts[field]!, start, start + componentMax);
      if (end === 0) return undefined;
      if (fields[field] === -1) for (let at = start; at < end; at += 1) target[at] = ~target[at]!;
    }
    const length = end + idKey.length;
    const entryKey = Buffer.allocUnsafe(length);
    for (let at = 0; at < end; at += 1) entryKey[at] = target[at]!;
    for (let at = end; at < length; at += 1) entryKey[at] = idKey[at - end]!;
    return { key: entryKey, value: plainEntryValue(end) };
  };
}

/** Finds each field once, and an `_id` that can be told from its key. */
function findFields(
  bytes: Uint8Array,
  wanted: ReturnType<typeof wantedMembers<number>>,
  count: number,
): boolean {
  const head = bytes[0]!;
  if (head >> 5 !== MAJOR_MAP) return false;
  for (let field = 0; field < count; field += 1) valueStarts[field] = 0;
  let missing = count;
  // `_id` is the first field, with a name of four bytes.
  let at = headerBytes(head) + 4;
  if (!isPlainHead(bytes[at]!)) return false;
  at = skip(bytes, at);
  for (let left = readLength(bytes, 0) - 1; left > 0 && missing > 0; left -= 1) {
    const member = memberAt(wanted, bytes, at);
    at = member ? at + member.bytes.length : skip(bytes, at);
    if (member) {
      valueStarts[member.what] = at;
      missing -= 1;
    }
    at = skip(bytes, at);
  }
  return missing === 0;
}

/** Numbers but bigints, texts, dates, booleans and null. */
function isPlainHead(head: number): boolean {
  return (
    head < 0x1b ||
    (head >= 0x20 && head < 0x3b) ||
    head >> 5 === MAJOR_TEXT ||
    head === 0xc1 ||
    (head >= 0xf4 && head <= 0xf6) ||
    head === 0xfb
  );
}

/** @returns where it ends; 0 when it is not plain, or reaches beyond `most` */
function writeComponent(bytes: Uint8Array, start: number, at: number, most: number): number {
  const head = bytes[start]!;
  if (head >> 5 === MAJOR_TEXT) return writeAscii(bytes, start, at, most);
  if (!isPlainHead(head)) return 0;
  const value = readItem(bytes, start);
  // It has the key of 0, which it is not.
  if (Object.is(value, -0) || at + scalarKeyBytesMax > target.length) return 0;
  const end = writeKey(value, target, at);
  return end > most ? 0 : end;
}

/** A tag, a double and how far the number is above it; or a tag and a date. */
const scalarKeyBytesMax = 11;

/** The key of ASCII without NUL is the text itself between its tag and a zero. */
function writeAscii(bytes: Uint8Array, start: number, at: number, most: number): number {
  const from = start + headerBytes(bytes[start]!);
  const length = readLength(bytes, start);
  const end = at + length + 2;
  if (end > most || end > target.length) return 0;
  target[at] = ORDER.string;
  for (let i = 0; i < length; i += 1) {
    const byte = bytes[from + i]!;
    if (byte === 0 || byte > 0x7f) return 0;
    target[at + 1 + i] = byte;
  }
  target[end - 1] = 0;
  return end;
}
