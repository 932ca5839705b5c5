/**
 * cbor-x, for what our own reader and writer leave to it: writing dates and 64-bit integers, and regular
 * expressions. It is loaded with the first of them: it is a fifth of the code that a short-lived process would compile,
 * and most have none.
 *
 * cbor-x keeps its extensions in the module, not in the codec: `addExtension` of an application that
 * shares our copy of cbor-x reaches us. We add none, so nothing of ours reaches the application.
 */
import { besideUs, lateRequire } from "../late-loading.js";
import { correctDates } from "./date.js";

/** What cbor-x offers beyond its type declarations (encode modes, and the end of a reused source). */
interface Codec {
  encode(value: unknown, mode: number): Buffer;
  decode(source: Uint8Array): unknown;
  useBuffer(target: Buffer): void;
}

/** The file beside ours in the bundle that holds it; undefined outside of it. The bundler puts it here. */
declare const bundledCborX: string | undefined;

/** cbor-x: give the space back after the call; the result is valid until the next one. */
const RESET_BUFFER_MODE = 1024;
/** cbor-x grows its working memory to the largest value ever encoded; above this it is replaced. */
const targetBytesMax = 4 * 1024 * 1024;
const targetBytesFresh = 64 * 1024;

const require = lateRequire(import.meta.url);
let codec: Codec | undefined;

/**
 * The thread that serves other processes loads it before it serves them.
 *
 * @throws IO when too few file descriptors are left to load it
 */
export function loadRareCodec(): Codec {
  codec ??= newCodec();
  return codec;
}

function newCodec(): Codec {
  // The package's own entry also loads streams and looks for an addon (measured: 10 ms).
  const bundled =
    typeof bundledCborX === "undefined" ? undefined : besideUs(import.meta.url, bundledCborX);
  const { Encoder } = require(bundled ?? "cbor-x/encode") as typeof import("cbor-x/encode");
  return new Encoder({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    copyBuffers: true,
    // Plain byte strings: tag 64 would make a Uint8Array and a Buffer two different values.
    tagUint8Array: false,
  }) as unknown as Codec;
}

/** The result is overwritten by the next call. */
export function encodeRare(value: unknown): Buffer {
  const rare = loadRareCodec();
  const bytes = rare.encode(value, RESET_BUFFER_MODE);
  correctDates(bytes);
  if (bytes.buffer.byteLength > targetBytesMax) {
    rare.useBuffer(Buffer.allocUnsafeSlow(targetBytesFresh));
  }
  return bytes;
}

/** Decodes exactly one item, which has been scanned. The result shares no memory with `bytes`. */
export function decodeRare(bytes: Uint8Array): unknown {
  // Always a fresh view: cbor-x notes its own view on the object, and binary values become Buffers.
  return loadRareCodec().decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
