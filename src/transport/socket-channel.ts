/**
 * Frames over a Unix socket or a Windows named pipe.
 *
 * Owned by the thread that holds the socket. Invariants:
 * 1. Frames go to the kernel in the order of `send`, those of one turn in one write, unless the turn is long.
 * 2. `onClose` runs exactly once, after the socket has closed: no callback follows it.
 * 3. A stream that broke the protocol is never read again; the peer is told why, then disconnected.
 */
import type { Socket } from "node:net";
import { LioranError } from "../errors.js";
import { faultPoint } from "../fault.js";
import { invariant } from "../invariant.js";
import { frameGatheringMs, sendBufferBytesMax } from "../limits.js";
import { type Frame, FrameKind } from "../protocol/frame.js";
import { encodeRefuse } from "../protocol/messages.js";
import { callbackMissing, type FrameChannel, sendBufferLowWaterBytes } from "./channel.js";
import { atEndOfTurn } from "./end-of-turn.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";

/** A {@link FrameChannel} over a connected (or connecting) `net.Socket`, which it takes over. */
export class SocketChannel implements FrameChannel {
  onFrame: (frame: Frame) => void = callbackMissing;
  onDrain: () => void = callbackMissing;
  onClose: (error: LioranError | undefined) => void = callbackMissing;

  readonly #socket: Socket;
  readonly #outbox = new Outbox();
  readonly #inbox: Inbox;
  #started = false;
  #flushScheduled = false;
  /** Since when the frames that have not been written are gathered, in this turn. */
  #gatheringSinceMs = 0;
  /** Nothing may be sent any more. */
  #ending = false;
  #destroyed = false;
  /** Set while `bufferedBytes` has been over its limit and `onDrain` is owed. */
  #overfull = false;
  /** The first failure; handed to `onClose`. */
  #error: LioranError | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#inbox = new Inbox({
      deliver: (frame) => this.onFrame(frame),
      fail: (error) => this.#refuse(error),
      flow: () => {
        // Data without a listener would be lost.
        if (this.#started) this.#socket.resume();
      },
      finished: () => this.onClose(this.#error),
    });
    socket.on("error", (cause) => {
      this.#error ??= new LioranError(
        "IO",
        `The connection to the peer process failed: ${cause.message}`,
        { cause },
      );
    });
    socket.on("end", () => {
      // Node ends our side as well and fails any write from here on.
      this.#ending = true;
      this.#outbox.clear();
      if (!this.#inbox.isInsideFrame) return;
      this.#error ??= new LioranError(
        "IO",
        "The peer process closed the connection in the middle of a frame: it died or was stopped.",
      );
    });
    socket.on("close", () => {
      this.#ending = true;
      this.#outbox.clear();
      if (this.#overfull && this.#inbox.isStopped) this.onDrain();
      this.#inbox.endSource();
    });
  }

  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#outbox.bytes + this.#socket.writableLength;
  }

  start(): void {
    invariant(!this.#started, "a channel is started once");
    this.#started = true;
    this.#socket.on("data", (chunk: Buffer) => {
      this.#inbox.push(chunk);
      if (this.#inbox.isStopped) this.#socket.pause();
    });
    // After a pause that came first, a listener alone does not make data flow.
    if (!this.#inbox.isStopped) this.#socket.resume();
  }

  send(kind: FrameKind, sequence: number, body: Uint8Array): void {
    if (this.#ending) return;
    this.#outbox.add(kind, sequence, body);
    if (this.bufferedBytes > sendBufferBytesMax) this.#overfull = true;
    const nowMs = performance.now();
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      this.#gatheringSinceMs = nowMs;
      atEndOfTurn(this.#flush);
    } else if (nowMs - this.#gatheringSinceMs > frameGatheringMs) {
      // The peer begins with these while the turn goes on.
      this.#gatheringSinceMs = nowMs;
      this.#write();
    }
  }

  pause(): void {
    this.#inbox.pause();
    if (this.#inbox.isStopped) this.#socket.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  allowLargeFrames(): void {
    this.#inbox.allowLargeFrames();
  }

  end(): void {
    // Reads on, without listening, until the peer closes its side too: closing with unread input
    // would break its connection before it has read our last frames.
    this.#inbox.discard();
    this.#socket.resume();
    if (this.#ending) return;
    this.#ending = true;
    this.#write();
    this.#socket.end();
  }

  destroy(error?: LioranError): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#ending = true;
    this.#error ??= error;
    this.#outbox.clear();
    this.#inbox.discard();
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    this.#write();
  };

  #write(): void {
    if (this.#outbox.bytes === 0) return;
    const segments = this.#outbox.takeSegments();
    if (segments.length === 1) this.#socket.write(segments[0]!, this.#written);
    else {
      this.#socket.cork();
      for (const segment of segments) this.#socket.write(segment, this.#written);
      this.#socket.uncork();
    }
    faultPoint("after-socket-write");
  }

  readonly #written = (): void => {
    // What a destroyed socket still had queued counts as written, without an error.
    if (!this.#overfull || this.#ending || this.#socket.destroyed) return;
    if (this.bufferedBytes > sendBufferLowWaterBytes) return;
    this.#overfull = false;
    this.onDrain();
  };

  #refuse(error: LioranError): void {
    this.#error ??= error;
    if (this.#ending) return;
    this.send(FrameKind.refuse, 0, encodeRefuse(error));
    this.#ending = true;
    this.#write();
    // Not end(): a peer that does not speak the protocol need not close its side either.
    this.#socket.destroySoon();
  }
}
