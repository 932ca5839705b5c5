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
 *
 * cbor-x keeps its extensions in the module, not in the codec: `addExtension` of an application that
 * shares our copy of cbor-x reaches us. We add none, so nothing of ours reaches the application.
 */
// The package's main entry also loads streams and looks for an addon (measured: 10 ms).
import { Encoder } from "cbor-x/encode";
import { correctDates } from "./date.js";
import { copyWritten, writeItem, written } from "./write-item.js";

/** What cbor-x offers beyond its type declarations (encode modes, and the end of a reused source). */
interface Codec {
  encode(value: unknown, mode: number): Buffer;
  decode(source: Uint8Array, end?: number): unknown;
  useBuffer(target: Buffer): void;
}

const codec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  copyBuffers: true,
  // Plain byte strings: tag 64 would make a Uint8Array and a Buffer two different values.
  tagUint8Array: false,
}) as unknown as Codec;

/** cbor-x: give the space back after the call; the result is valid until the next one. */
const RESET_BUFFER_MODE = 1024;
/** cbor-x grows its working memory to the largest value ever encoded; above this it is replaced. */
const targetBytesMax = 4 * 1024 * 1024;
const targetBytesFresh = 64 * 1024;

/** Small inputs are decoded from here: the view that cbor-x needs of a source exists once. */
const source = Buffer.allocUnsafeSlow(8 * 1024);

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

/** What `write-item.ts` leaves to cbor-x. The result is overwritten by the next call. */
function encodeRare(value: unknown): Buffer {
  const bytes = codec.encode(value, RESET_BUFFER_MODE);
  correctDates(bytes);
  if (bytes.buffer.byteLength > targetBytesMax) {
    codec.useBuffer(Buffer.allocUnsafeSlow(targetBytesFresh));
  }
  return bytes;
}

/**
 * Decodes exactly one item. The result shares no memory with `bytes`. Bytes from outside the process
 * go through `scan` first: it is what keeps other tags, deep nesting and bombs away from cbor-x.
 */
export function decode(bytes: Uint8Array): unknown {
  if (bytes.length <= source.length) {
    source.set(bytes);
    return codec.decode(source, bytes.length);
  }
  return codec.decode(asBuffer(bytes));
}

/** Always a fresh view: cbor-x notes its own view on the object, and binary values become Buffers. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
