/**
 * The one configured CBOR codec: of stored documents and of everything on the wire.
 *
 * The subset of CBOR (RFC 8949) that is written, and that `scan.ts` accepts:
 *
 *     0x00..0x1a        unsigned integer of at most 32 bits        number
 *     0x20..0x3a        negative integer of at most 32 bits        number
 *     0x1b, 0x3b        integer of 64 bits, within int64           bigint
 *     0x40..0x5a        byte string                                Buffer
 *     0x60..0x7a        text string                                string
 *     0x80..0x9a        array                                      Array
 *     0xa0..0xba        map with text keys                         object
 *     0xc1 + 0x1a/0xfb  epoch seconds, uint32 or double            Date, exact to the millisecond
 *     0xd81b 0x83       ["RegExp", source, flags]                  RegExp
 *     0xf4..0xf6        false, true, null
 *     0xf7              undefined: on the wire only, never in a stored document
 *     0xfb              double                                     number
 *
 * No indefinite lengths, no other tags, no 64-bit lengths, and every header in its shortest form. So a number never becomes a bigint or the
 * other way round; `-0` becomes `0`.
 */
import { encodeRare } from "./rare-codec.js";
import { itemEnd, readDocument } from "./read-item.js";
import { damagedItem } from "./scan.js";
import { copyWritten, writeItem, written } from "./write-item.js";

/**
 * Encodes into memory of its own, which may be kept and transferred.
 *
 * @param value plain data as `values/validate.ts` leaves it; anything else is a bug of the caller
 */
export function encode(value: unknown): Uint8Array {
  const length = writeItem(value, encodeRare);
  if (length === undefined) return new Uint8Array(encodeRare(value));
  const copy = new Uint8Array(length);
  copyWritten(copy);
  return copy;
}

/**
 * As {@link encode} and twice as fast for small values, but the result may lie in Node's shared 8 KiB
 * pool: fine to write or to copy into a frame, not to transfer or to post to another thread.
 */
export function encodePooled(value: unknown): Buffer {
  const length = writeItem(value, encodeRare);
  if (length === undefined) return Buffer.from(encodeRare(value));
  const copy = Buffer.allocUnsafe(length);
  copyWritten(copy);
  return copy;
}

/** Encodes without a copy: the result is overwritten by the next call of any function here. */
export function encodeTransient(value: unknown): Buffer {
  return writeItem(value, encodeRare) === undefined ? encodeRare(value) : written();
}

/**
 * Decodes exactly one item. The result shares no memory with `bytes`. Bytes from outside the process go through `scan`
 * first.
 *
 * @throws CORRUPTED
 */
export function decode(bytes: Uint8Array): unknown {
  const value = readDocument(bytes, 0);
  if (itemEnd !== bytes.length) throw damagedItem();
  return value;
}
