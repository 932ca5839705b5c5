/**
 * What every way of moving frames offers. The owner of a channel sets the three callbacks, calls
 * `start()` and from then on sends and receives frames; it never sees whether a socket or a message
 * port lies below.
 *
 * A channel belongs to the thread that made it. Its callbacks run in a turn of their own, never
 * inside a call of one of its methods.
 */
import type { LioranError } from "../errors.js";
import { InvariantError } from "../invariant.js";
import { sendBufferBytesMax } from "../limits.js";
import type { Frame, FrameKind } from "../protocol/frame.js";

/**
 * Once a channel was over `sendBufferBytesMax`, it has drained when it is down to this: low enough
 * that a producer does not stop and go at every frame, high enough that the peer never starves.
 */
export const sendBufferLowWaterBytes = sendBufferBytesMax / 2;

/** Moves frames to and from one peer, in order. */
export interface FrameChannel {
  /**
   * Queues a frame; the frames of one turn leave as one write, those of a long one as several. Never
   * blocks. Does nothing once the channel is ending or closed. The bytes of `body` must not change
   * afterwards.
   */
  send(kind: FrameKind, sequence: number, body: Uint8Array): void;
  /** Bytes queued here or on the way that the kernel (socket) or the peer (port) has not taken. */
  readonly bufferedBytes: number;
  /**
   * Called for each frame. A `PROTOCOL` or `PROTOCOL_VERSION` error thrown by it counts as one of
   * the stream: the peer is told in a refuse frame and the channel closes. Anything else is a bug
   * and goes through as an uncaught exception.
   */
  onFrame: (frame: Frame) => void;
  /**
   * `bufferedBytes` was over `sendBufferBytesMax` and is down to {@link sendBufferLowWaterBytes}. Also when
   * the peer has left while this end is paused: an owner that paused until now reads on, and so meets the end.
   */
  onDrain: () => void;
  /**
   * The channel is closed. Called exactly once, after the last frame. `undefined`: it ended in order,
   * between two frames. A peer that was killed can look the same: only its goodbye frame tells.
   */
  onClose: (error: LioranError | undefined) => void;
  /** Begins to deliver frames. Sending works before. */
  start(): void;
  /** No frame is delivered until `resume()`; the peer's `bufferedBytes` grows meanwhile. */
  pause(): void;
  resume(): void;
  /** Accepts bodies up to `frameBytesMax` instead of `handshakeBytesMax`: after the handshake. */
  allowLargeFrames(): void;
  /**
   * Stops receiving, flushes what is queued, then closes. A peer that never reads delays that
   * without end: whoever cannot wait calls `destroy()` after a time of its choice.
   */
  end(): void;
  /** Closes now and drops what is queued. `error` is handed to `onClose`. */
  destroy(error?: LioranError): void;
  /** Lets the channel keep the event loop alive, which is the default. */
  ref(): void;
  unref(): void;
}

/** The default of the callbacks: an owner that forgot to set one finds out at once. */
export function callbackMissing(): never {
  throw new InvariantError("a channel's callbacks are set before it is used");
}
