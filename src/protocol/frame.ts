/**
 * Frames: the unit that sockets and message ports carry (docs/protocol.md has the layout).
 *
 * A frame is a 16-byte header and a body of CBOR. This file knows bytes only: what a body means is
 * `messages.ts`. It runs on any thread; a parser belongs to one stream.
 *
 * Invariants of {@link FrameParser}:
 * 1. Nothing is allocated for a body whose header was not accepted.
 * 2. Memory held for an unfinished body is at most twice the bytes received of it plus one step.
 * 3. Each received byte is copied at most a constant number of times, however it was cut.
 * 4. After it threw, a parser is dead: the stream has lost its frame boundaries.
 */
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { frameBytesMax, frameHeaderBytes, handshakeBytesMax } from "../limits.js";

/** What a frame is for. The numbers are on the wire: never change or reuse one. */
export const FrameKind = {
  /** Client's first frame: who it is and the token that proves it may read the root. */
  hello: 1,
  /** Primary's answer to a hello it accepts. */
  welcome: 2,
  /** One operation. */
  request: 3,
  /** The result of the request with the same sequence. */
  reply: 4,
  /** The error of the request with the same sequence. */
  failure: 5,
  /** The sender will close the connection in order. */
  goodbye: 6,
  /** Stop working on the request with the same sequence. */
  cancel: 7,
  /** The handshake or the protocol failed; the sender says why and disconnects. */
  refuse: 8,
  /** Only moves the watermark of received replies. */
  acknowledge: 9,
} as const;

/** A number of {@link FrameKind}. */
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/**
 * A received frame. `body` may alias the chunk it arrived in. Nobody overwrites those bytes, but
 * whoever keeps them longer than the current turn copies them, or one small body pins its chunk.
 */
export interface Frame {
  kind: FrameKind;
  /** Number of the request this belongs to, 0 to 2^53-1; 0 where there is none. */
  sequence: number;
  body: Uint8Array;
}

/** Version of the header's layout, in every header. */
export const frameVersion = 1;

const kindMax: number = FrameKind.acknowledge;
const UINT32_RANGE = 2 ** 32;
/** High half of the largest safe integer. */
const sequenceHighMax = 2 ** 21 - 1;
/** What an unfinished body gets first; afterwards its buffer doubles as bytes arrive. */
const bodyGrowthBytes = 64 * 1024;

/** Bytes of the frame around a body of `bodyBytes`. */
export function frameBytes(bodyBytes: number): number {
  return frameHeaderBytes + bodyBytes;
}

/** Writes a header into `target` at `offset`. The body's bytes follow it on the wire. */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  kind: FrameKind,
  sequence: number,
  bodyBytes: number,
): void {
  invariant(Number.isSafeInteger(sequence) && sequence >= 0, "a sequence is a natural number");
  invariant(bodyBytes <= frameBytesMax, "a sender keeps its bodies within frameBytesMax");
  const sequenceHigh = Math.floor(sequence / UINT32_RANGE);
  writeUint32(target, offset, bodyBytes);
  target[offset + 4] = kind;
  target[offset + 5] = frameVersion;
  target[offset + 6] = 0;
  target[offset + 7] = 0;
  writeUint32(target, offset + 8, sequence >>> 0);
  writeUint32(target, offset + 12, sequenceHigh);
}

/** One whole frame in a buffer of its own. */
export function encodeFrame(kind: FrameKind, sequence: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameBytes(body.length));
  writeFrameHeader(frame, 0, kind, sequence, body.length);
  frame.set(body, frameHeaderBytes);
  return frame;
}

/** Cuts a stream of bytes, in whatever pieces it arrives, into frames. */
export class FrameParser {
  /** Longest body accepted from here on. Raise it to `frameBytesMax` after the handshake. */
  bodyBytesMax: number = handshakeBytesMax;

  readonly #onFrame: (frame: Frame) => void;
  /** Bytes of the stream before the chunk being parsed: says where a bad header stands. */
  #streamBytes = 0;
  /** A header that a chunk boundary cut. */
  readonly #header = new Uint8Array(frameHeaderBytes);
  #headerFilled = 0;
  #kind: FrameKind = FrameKind.hello;
  #sequence = 0;
  #bodyBytes = 0;
  /** The body that arrives in pieces; `undefined` while the next byte belongs to a header. */
  #body: Uint8Array | undefined;
  #bodyFilled = 0;
  /** Set during `push`, so that both a throw and a nested call leave it set. */
  #dead = false;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Whether the stream stands inside a frame: an end here has lost the rest of it. */
  get isInsideFrame(): boolean {
    return this.#headerFilled > 0 || this.#body !== undefined;
  }

  /** Bytes allocated for the body that has not arrived completely. */
  get pendingBodyCapacityBytes(): number {
    return this.#body?.length ?? 0;
  }

  /**
   * Takes the next bytes and calls `onFrame` for each frame they complete.
   *
   * @throws LioranError `PROTOCOL` or `PROTOCOL_VERSION` on a header that cannot be accepted;
   *   whatever `onFrame` throws
   */
  push(chunk: Uint8Array): void {
    invariant(!this.#dead, "nothing is pushed into a parser that failed, nor from its own onFrame");
    this.#dead = true;
    let at = 0;
    while (at < chunk.length) {
      if (this.#body === undefined) {
        at = this.#takeHeader(chunk, at);
        if (this.#headerFilled > 0) break;
        const end = at + this.#bodyBytes;
        if (end <= chunk.length) {
          this.#emit(chunk.subarray(at, end));
          at = end;
          continue;
        }
        this.#body = allocate(Math.min(this.#bodyBytes, bodyGrowthBytes));
        this.#bodyFilled = 0;
      }
      at = this.#takeBody(chunk, at, this.#body);
    }
    this.#streamBytes += chunk.length;
    this.#dead = false;
  }

  /** Returns the position behind the header, or behind what there is of it (`#headerFilled` > 0). */
  #takeHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerFilled === 0 && chunk.length - at >= frameHeaderBytes) {
      this.#readHeader(chunk, at, this.#streamBytes + at);
      return at + frameHeaderBytes;
    }
    const end = Math.min(chunk.length, at + frameHeaderBytes - this.#headerFilled);
    this.#header.set(chunk.subarray(at, end), this.#headerFilled);
    this.#headerFilled += end - at;
    if (this.#headerFilled === frameHeaderBytes) {
      this.#headerFilled = 0;
      this.#readHeader(this.#header, 0, this.#streamBytes + end - frameHeaderBytes);
    }
    return end;
  }

  #readHeader(bytes: Uint8Array, at: number, streamOffset: number): void {
    const bodyBytes = readUint32(bytes, at);
    const kind = bytes[at + 4]!;
    const version = bytes[at + 5]!;
    const reserved = bytes[at + 6]! | (bytes[at + 7]! << 8);
    const sequenceHigh = readUint32(bytes, at + 12);

    // The version first: another one may give every other field another meaning.
    if (version !== frameVersion) {
      throw new LioranError(
        "PROTOCOL_VERSION",
        `Frame header at byte ${streamOffset}: version ${version}, but this process speaks version ` +
          `${frameVersion}. Run the same version of @liorandb/core in every process of a root.`,
      );
    }
    if (kind < 1 || kind > kindMax) {
      throw badHeader(streamOffset, `kind ${kind} is not one of 1 to ${kindMax}`);
    }
    if (reserved !== 0) {
      throw badHeader(streamOffset, `the reserved bits are ${reserved}, they must be 0`);
    }
    if (sequenceHigh > sequenceHighMax) {
      throw badHeader(streamOffset, "the sequence is larger than 2^53-1");
    }
    if (bodyBytes > this.bodyBytesMax) {
      const phase = this.bodyBytesMax < frameBytesMax ? " before the handshake is done" : "";
      throw badHeader(
        streamOffset,
        `a body of ${bodyBytes} bytes is announced, at most ${this.bodyBytesMax} are allowed${phase}`,
      );
    }
    this.#kind = kind as FrameKind;
    this.#bodyBytes = bodyBytes;
    this.#sequence = sequenceHigh * UINT32_RANGE + readUint32(bytes, at + 8);
  }

  #takeBody(chunk: Uint8Array, at: number, body: Uint8Array): number {
    const end = Math.min(chunk.length, at + this.#bodyBytes - this.#bodyFilled);
    const filled = this.#bodyFilled + end - at;
    const target = filled <= body.length ? body : this.#grow(body, filled);
    target.set(
      at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end),
      this.#bodyFilled,
    );
    this.#bodyFilled = filled;
    if (filled === this.#bodyBytes) {
      this.#body = undefined;
      this.#emit(target);
    }
    return end;
  }

  #grow(body: Uint8Array, neededBytes: number): Uint8Array {
    const grown = allocate(Math.min(this.#bodyBytes, Math.max(neededBytes, 2 * body.length)));
    grown.set(body.subarray(0, this.#bodyFilled));
    this.#body = grown;
    return grown;
  }

  #emit(body: Uint8Array): void {
    this.#onFrame({ kind: this.#kind, sequence: this.#sequence, body });
  }
}

function badHeader(streamOffset: number, why: string): LioranError {
  return new LioranError(
    "PROTOCOL",
    `Frame header at byte ${streamOffset}: ${why}. The peer is not a LioranDB process, or the ` +
      "stream is damaged; the connection is closed.",
  );
}

/** Not from Node's shared pool: a body that is kept must not pin its neighbours. */
function allocate(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes);
}

function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  );
}
