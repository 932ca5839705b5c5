/**
 * Frames over a `MessagePort`, between two threads of one process.
 *
 * Owned by the thread that holds the port; both ends are this class. A message is one transferred
 * `ArrayBuffer`: eight bytes that say how many bytes of frames the sender has consumed so far, then
 * the frames of one turn. A port has no flow control of its own, so `bufferedBytes` counts what the
 * peer has not reported as consumed.
 *
 * Invariants:
 * 1. `#sentBytes - #peerConsumedBytes` is what the peer has not delivered to its owner yet.
 * 2. Consumed bytes are reported within a turn: an idle channel has `bufferedBytes` 0.
 * 3. `onClose` runs exactly once, after the last frame that arrived before the port closed.
 */
import type { MessagePort } from "node:worker_threads";
import type { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { sendBufferBytesMax } from "../limits.js";
import { type Frame, FrameKind, frameBytes } from "../protocol/frame.js";
import { encodeRefuse } from "../protocol/messages.js";
import { callbackMissing, type FrameChannel, sendBufferLowWaterBytes } from "./channel.js";
import { atEndOfTurn } from "./end-of-turn.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";

/** Length of the consumed-bytes count in front of the frames. */
const countBytes = 8;

/** A {@link FrameChannel} over one end of a `MessageChannel`, which it takes over. */
export class PortChannel implements FrameChannel {
  onFrame: (frame: Frame) => void = callbackMissing;
  onDrain: () => void = callbackMissing;
  onClose: (error: LioranError | undefined) => void = callbackMissing;

  readonly #port: MessagePort;
  readonly #outbox = new Outbox();
  readonly #inbox: Inbox;
  #sentBytes = 0;
  #peerConsumedBytes = 0;
  #consumedBytes = 0;
  #flushScheduled = false;
  #referenced = true;
  #started = false;
  /** Nothing may be sent any more. */
  #ending = false;
  #destroyed = false;
  #portClosed = false;
  /** Set while `bufferedBytes` has been over its limit and `onDrain` is owed. */
  #overfull = false;
  /** The first failure; handed to `onClose`. */
  #error: LioranError | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    this.#inbox = new Inbox({
      deliver: (frame) => this.#deliver(frame),
      fail: (error) => this.#refuse(error),
      flow: () => {},
      finished: () => this.onClose(this.#error),
    });
    port.on("close", () => {
      this.#portClosed = true;
      this.#ending = true;
      this.#outbox.clear();
      if (this.#overfull && this.#inbox.isStopped) this.onDrain();
      this.#inbox.endSource();
    });
  }

  get bufferedBytes(): number {
    if (this.#portClosed) return 0;
    return this.#outbox.bytes + this.#sentBytes - this.#peerConsumedBytes;
  }

  start(): void {
    invariant(!this.#started, "a channel is started once");
    this.#started = true;
    this.#port.on("message", (message: ArrayBuffer) => this.#receive(message));
    // A message listener references the port whatever was asked for before.
    if (!this.#referenced) this.#port.unref();
  }

  send(kind: FrameKind, sequence: number, body: Uint8Array): void {
    if (this.#ending) return;
    this.#outbox.add(kind, sequence, body);
    if (this.bufferedBytes > sendBufferBytesMax) this.#overfull = true;
    this.#scheduleFlush();
  }

  pause(): void {
    this.#inbox.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  allowLargeFrames(): void {
    this.#inbox.allowLargeFrames();
  }

  end(): void {
    this.#inbox.discard();
    if (this.#ending) return;
    this.#ending = true;
    this.#post();
    this.#port.close();
  }

  destroy(error?: LioranError): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#ending = true;
    this.#error ??= error;
    this.#outbox.clear();
    this.#inbox.discard();
    this.#port.close();
  }

  ref(): void {
    this.#referenced = true;
    this.#port.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#port.unref();
  }

  #receive(message: ArrayBuffer): void {
    this.#peerConsumedBytes = new DataView(message).getFloat64(0, true);
    if (message.byteLength > countBytes) this.#inbox.push(new Uint8Array(message, countBytes));
    if (!this.#overfull || this.#ending || this.bufferedBytes > sendBufferLowWaterBytes) return;
    this.#overfull = false;
    this.onDrain();
  }

  #deliver(frame: Frame): void {
    this.#consumedBytes += frameBytes(frame.body.length);
    this.#scheduleFlush();
    this.onFrame(frame);
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    atEndOfTurn(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    if (!this.#ending) this.#post();
  };

  #post(): void {
    const framesBytes = this.#outbox.bytes;
    // Memory of its own: a slice of Node's shared pool cannot be transferred.
    const message = Buffer.allocUnsafeSlow(countBytes + framesBytes);
    message.writeDoubleLE(this.#consumedBytes, 0);
    this.#outbox.takeInto(message, countBytes);
    this.#sentBytes += framesBytes;
    const buffer = message.buffer as ArrayBuffer;
    this.#port.postMessage(buffer, [buffer]);
  }

  #refuse(error: LioranError): void {
    this.#error ??= error;
    this.send(FrameKind.refuse, 0, encodeRefuse(error));
    this.end();
  }
}
