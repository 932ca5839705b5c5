/** Streams of frames that are nearly right: what is wrong with them follows from the random numbers alone. */
import { encodeFrame, FrameKind } from "../../../src/protocol/frame.js";
import { encodeBody } from "../../../src/protocol/messages.js";
import type { Random } from "../../support/soak.js";
import { Absurd } from "./absurd.js";
import { rightOperations } from "./right-operations.js";

/** Heads of CBOR items that lead deep into a decoder, ours or not: tags, bombs, lengths without end. */
const heads = [
  [0x9f],
  [0xbf],
  [0x5f, 0x41],
  [0x7f],
  [0xff],
  [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x9a, 0xff, 0xff, 0xff, 0xff],
  [0xba, 0x7f, 0xff, 0xff, 0xff],
  [0x5a, 0xff, 0xff, 0xff, 0xff],
  [0x7a, 0x7f, 0xff, 0xff, 0xff],
  [0xc2, 0x59, 0xff, 0xff],
  [0xc3, 0x41, 1],
  [0xd8, 0x1b, 0x83],
  [0xd9, 0xdf, 0xff, 0x80],
  [0xd8, 0x40, 0x41, 0],
  [0xc1, 0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xf9, 0x7e, 0],
  [0xf8, 0xff],
  [0xa1, 0x69, ...Buffer.from("__proto__"), 0xa0],
  [0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

export interface Hello {
  [field: string]: unknown;
}

/** A piece of a stream, and how often each request in it is to be answered, unless the connection ends. */
export interface Piece {
  bytes: Buffer;
  asked: Map<number, number>;
}

export class SpoiledFrames {
  readonly #random: Random;
  readonly #absurd: Absurd;
  #nextSequence = 1;

  constructor(random: Random) {
    this.#random = random;
    this.#absurd = new Absurd(random);
  }

  /** A first frame: right, or wrong in a field, or another one. */
  hello(right: Hello): Buffer {
    const random = this.#random;
    if (random.below(8) === 0) return frame(FrameKind.hello, 0, encoded(right));
    const body = random.below(3) === 0 ? this.#body() : encoded(this.#absurd.spoiled(right));
    const kind = random.below(4) === 0 ? this.#kind() : FrameKind.hello;
    return this.#spoiledBytes(frame(kind, random.below(8) === 0 ? this.#sequence() : 0, body));
  }

  /**
   * So many frames, one behind the other.
   *
   * @param isBroken whether there are some among them after which no connection goes on
   */
  stream(frames: number, isBroken: boolean): Piece {
    const random = this.#random;
    const parts: Buffer[] = [];
    const asked = new Map<number, number>();
    const ask = (body: Buffer) => {
      this.#nextSequence += 1;
      // The same again, as no client asks.
      const times = random.below(12) === 0 ? 2 : 1;
      for (let n = 0; n < times; n += 1) {
        parts.push(frame(FrameKind.request, this.#nextSequence, body));
      }
      asked.set(this.#nextSequence, times);
      // Nor in this order.
      if (random.below(50) === 0) parts.reverse();
    };
    for (let n = 0; n < frames; n += 1) {
      const choice = random.below(20);
      if (choice < 13) ask(this.#request());
      else if (choice < 16) ask(this.#body());
      else if (choice < 18) parts.push(frame(FrameKind.cancel, this.#sequence(), Buffer.alloc(0)));
      else if (choice < 19 || !isBroken) {
        const acknowledged = random.pick([0, 1, this.#nextSequence, 2 ** 40]);
        parts.push(frame(FrameKind.acknowledge, 0, encoded({ acknowledged })));
      } else if (random.below(5) === 0) {
        parts.push(this.#spoiledBytes(frame(this.#kind(), this.#sequence(), this.#body())));
      }
    }
    return { bytes: Buffer.concat(parts), asked };
  }

  #sequence(): number {
    return this.#random.pick([0, 1, this.#nextSequence, 2 ** 32, 2 ** 53 - 1]);
  }

  #kind(): FrameKind {
    return this.#random.below(12) as FrameKind;
  }

  /** A request whose operation is spoiled, or whose envelope is. */
  #request(): Buffer {
    const random = this.#random;
    const kind = random.pick(Object.keys(rightOperations));
    const right = random.pick(rightOperations[kind as keyof typeof rightOperations]);
    const operation = { kind, ...(random.below(4) === 0 ? right : this.#absurd.spoiled(right)) };
    const envelope = { acknowledged: 0, resent: random.below(4) === 0, operation };
    return encoded(random.below(10) === 0 ? this.#absurd.spoiled(envelope) : envelope);
  }

  /** Bytes where one item of CBOR belongs. */
  #body(): Buffer {
    const random = this.#random;
    const choice = random.below(6);
    if (choice === 0) return Buffer.alloc(0);
    if (choice === 1) return noise(random, random.below(300));
    if (choice === 2) return encoded(this.#absurd.value());
    if (choice === 3) return Buffer.from(random.pick(heads));
    // Deep nesting, or many small items.
    if (choice === 4)
      return Buffer.alloc(random.pick([10, 115, 117, 5_000]), random.pick([0x81, 0xa1, 0x00]));
    const body = this.#request();
    const head = Buffer.from(random.pick(heads));
    const at = random.below(body.length);
    if (random.below(2)) return Buffer.concat([body.subarray(0, at), head, body.subarray(at)]);
    head.copy(body, at);
    return body;
  }

  /** A frame of which the header, or the length, is not right. */
  #spoiledBytes(bytes: Buffer): Buffer {
    const random = this.#random;
    switch (random.below(8)) {
      case 0:
        bytes.writeUInt32LE(random.pick([0, 1, 4_096, 4_097, 2 ** 26, 2 ** 31, 2 ** 32 - 1]), 0);
        return bytes;
      case 1:
        bytes[4 + random.below(4)] = random.below(256);
        return bytes;
      case 2:
        bytes.writeBigUInt64LE(random.pick([0n, 2n ** 53n, 2n ** 64n - 1n]), 8);
        return bytes;
      case 3:
        return bytes.subarray(0, random.below(bytes.length + 1));
      case 4:
        bytes[random.below(bytes.length)] ^= 1 << random.below(8);
        return bytes;
      default:
        return bytes;
    }
  }
}

function frame(kind: FrameKind, sequence: number, body: Buffer): Buffer {
  return Buffer.from(encodeFrame(kind, sequence, body));
}

function encoded(value: unknown): Buffer {
  try {
    return Buffer.from(encodeBody(value));
  } catch {
    // Too deep for the encoder.
    return Buffer.of(0xf6);
  }
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
