/**
 * A stored document: one CBOR map of definite length with text keys (the subset of `cbor/codec.ts`
 * without `undefined`), whose first field is `_id`. The `_id` leads because it is read from the bytes
 * alone, without decoding the rest, whenever a document passes through the writer.
 */
import { isUtf8 } from "node:buffer";
import { decode, encodePooled, encodeTransient } from "../cbor/codec.js";
import { itemEnd, readDocument, readItem } from "../cbor/read-item.js";
import {
  damagedItem,
  decodingFailure,
  headerBytes,
  MAJOR_ARRAY,
  MAJOR_BYTES,
  MAJOR_MAP,
  MAJOR_TEXT,
  readLength,
  type ScanLimits,
  scan,
  skip,
} from "../cbor/scan.js";
import { LioranError } from "../errors.js";
import { documentBytesMax, documentDepthMax, idKeyBytesMax } from "../limits.js";
import { ORDER } from "../values/compare.js";
import type { Document } from "../values/document.js";
import { checkId } from "../values/validate.js";
import { idKey } from "./key.js";

/** `_id` as an encoded key: a text string of three bytes. */
const ID_FIELD = Uint8Array.of(0x63, 0x5f, 0x69, 0x64);
/** First byte of an encoded RegExp: no other two-byte tag is in the subset. */
const REGEX_HEAD = 0xd8;

const LIMITS: ScanLimits = {
  depthMax: documentDepthMax,
  // Every item takes a byte at least, so the size limit is the item limit.
  itemsMax: documentBytesMax,
  undefinedAllowed: false,
};

/**
 * Encodes a document that `toStorable` accepted and that has an `_id`. The result may lie in Node's
 * shared 8 KiB pool: do not transfer it to another thread.
 *
 * @throws LioranError DOCUMENT_TOO_LARGE
 */
export function encodeDocument(document: Document): Buffer {
  return checkEncoded(encodePooled(document));
}

/** As {@link encodeDocument}, without a copy: the result is overwritten by the next encoding of anything. */
export function encodeDocumentTransient(document: Document): Buffer {
  return checkEncoded(encodeTransient(document));
}

function checkEncoded(bytes: Buffer): Buffer {
  if (bytes.length > documentBytesMax) throw tooLarge(bytes.length);
  return startsWithId(bytes, headerBytes(bytes[0]!)) ? bytes : withIdFirst(bytes);
}

/**
 * Decodes a stored document. The result shares no memory with `bytes`.
 *
 * @param length of the document, when other data follow it
 * @throws LioranError CORRUPTED when the bytes are no whole document
 */
export function decodeDocument(bytes: Uint8Array, length = bytes.length): Document {
  let document: unknown;
  try {
    document = readDocument(bytes, 0);
  } catch (error) {
    throw decodingFailure(error);
  }
  if (itemEnd !== length || bytes[0]! >> 5 !== MAJOR_MAP) throw damagedItem();
  return document as Document;
}

/**
 * As {@link decodeDocument}, for a document out of a collection, which has its `_id` in front.
 *
 * @throws LioranError CORRUPTED when the bytes are no whole document
 */
export function decodeStored(bytes: Uint8Array, length = bytes.length): Document {
  const document = decodeDocument(bytes, length);
  if (!startsWithId(bytes, headerBytes(bytes[0]!))) throw damagedItem();
  return document;
}

/**
 * Makes sure that a stored document is one map that ends where the bytes do, without a look at what is in it.
 *
 * @throws LioranError CORRUPTED
 */
export function checkExtent(bytes: Uint8Array): void {
  const isMap = bytes[0]! >> 5 === MAJOR_MAP;
  if (!isMap || skip(bytes, 0) !== bytes.length) throw damagedItem();
}

/**
 * Checks the untrusted document that begins at `start`.
 *
 * @returns the position behind it
 * @throws LioranError PROTOCOL, INVALID_ID_FIELD, DOLLAR_PREFIXED_FIELD or DOCUMENT_TOO_LARGE
 */
export function validateDocumentBytes(bytes: Uint8Array, start = 0): number {
  const end = scan(bytes, LIMITS, start);
  if (end - start > documentBytesMax) throw tooLarge(end - start);
  const head = bytes[start]!;
  if (head >> 5 !== MAJOR_MAP) throw malformed("it is not a map");
  const idStart = start + headerBytes(head);
  if (head === 0xa0 || !startsWithId(bytes, idStart)) throw malformed("_id is not its first field");
  validateId(bytes, idStart + ID_FIELD.length);
  // A second _id would win when the document is decoded, and contradict its key.
  let position = skip(bytes, idStart + ID_FIELD.length);
  while (position < end) {
    if (startsWithId(bytes, position)) throw malformed("it has two fields named _id");
    position = skip(bytes, skip(bytes, position));
  }
  return end;
}

function validateId(bytes: Uint8Array, start: number): void {
  const major = bytes[start]! >> 5;
  if (major === MAJOR_ARRAY) throw invalidId("an array");
  if (bytes[start] === REGEX_HEAD) throw invalidId("a regular expression");
  // Decoders replace malformed UTF-8 in ways of their own; the key of an _id must be one thing.
  const end = skip(bytes, start);
  for (let position = start; position < end; ) {
    const head = bytes[position]!;
    const next = position + headerBytes(head);
    const length =
      head >> 5 === MAJOR_TEXT || head >> 5 === MAJOR_BYTES ? readLength(bytes, position) : 0;
    if (head >> 5 === MAJOR_TEXT && !isUtf8(bytes.subarray(next, next + length))) {
      throw malformed("its _id is not UTF-8");
    }
    position = next + length;
  }
  if (major === MAJOR_MAP) checkId(decode(bytes.subarray(start, end)));
}

/**
 * The order-preserving key of a document's `_id`, in memory of its own; reads only the head.
 *
 * @throws LioranError KEY_TOO_LONG
 */
export function idKeyOfDocument(bytes: Uint8Array): Uint8Array {
  const start = headerBytes(bytes[0]!) + ID_FIELD.length;
  const head = bytes[start]!;
  const major = head >> 5;
  if (major === MAJOR_TEXT) return asciiKey(bytes, start) ?? idKey(documentId(bytes));
  if (major === 0 && head < 0x1b) return idKey(readLength(bytes, start));
  return idKey(documentId(bytes));
}

/** The key of a short text of ASCII without NUL is the text itself between its tag and a zero. */
function asciiKey(bytes: Uint8Array, start: number): Uint8Array | undefined {
  const length = readLength(bytes, start);
  if (length + 2 > idKeyBytesMax) return undefined;
  const first = start + headerBytes(bytes[start]!);
  const key = new Uint8Array(length + 2);
  key[0] = ORDER.string;
  for (let i = 0; i < length; i++) {
    const byte = bytes[first + i]!;
    if (byte === 0 || byte > 0x7f) return undefined;
    key[i + 1] = byte;
  }
  return key;
}

/** The `_id` of a document, without decoding the rest. */
export function documentId(bytes: Uint8Array): unknown {
  const start = headerBytes(bytes[0]!) + ID_FIELD.length;
  return readItem(bytes, start);
}

function startsWithId(bytes: Uint8Array, position: number): boolean {
  for (let i = 0; i < ID_FIELD.length; i++) {
    if (bytes[position + i] !== ID_FIELD[i]) return false;
  }
  return true;
}

/** JavaScript puts names like "7" in front of all others, so `_id` may have to be moved. */
function withIdFirst(bytes: Buffer): Buffer {
  const first = headerBytes(bytes[0]!);
  let start = first;
  while (start < bytes.length && !startsWithId(bytes, start)) {
    start = skip(bytes, skip(bytes, start));
  }
  // Whatever is written has one: what was read and has none is damaged.
  if (start >= bytes.length) throw damagedItem();
  const end = skip(bytes, skip(bytes, start));
  return Buffer.concat([
    bytes.subarray(0, first),
    bytes.subarray(start, end),
    bytes.subarray(first, start),
    bytes.subarray(end),
  ]);
}

function tooLarge(size: number): LioranError {
  return new LioranError(
    "DOCUMENT_TOO_LARGE",
    `The document has ${size} bytes encoded; at most ${documentBytesMax} are allowed. Split it into several documents.`,
  );
}

function malformed(reason: string): LioranError {
  return new LioranError("PROTOCOL", `Malformed document: ${reason}.`);
}

function invalidId(what: string): LioranError {
  return new LioranError(
    "INVALID_ID_FIELD",
    `_id: ${what} cannot be an _id. Use a scalar or an object.`,
  );
}
