/**
 * The receiving half of a channel: bytes in, frames out, with a stop in between.
 *
 * Owned by one channel. Invariants:
 * 1. Frames are delivered in the order of the stream, one at a time, never inside `resume()`.
 * 2. While paused or after `discard()` nothing is delivered.
 * 3. What a pause holds back is what had arrived already: the channel stops its source itself.
 * 4. `finished` is reported once, after every frame that arrived before the end of the source.
 */
import { LioranError } from "../errors.js";
import { frameBytesMax } from "../limits.js";
import { type Frame, FrameParser } from "../protocol/frame.js";

/** What an {@link Inbox} tells its channel. */
export interface InboxEvents {
  /** The next frame. */
  deliver(frame: Frame): void;
  /** The stream broke the protocol; the inbox discards everything from here on. */
  fail(error: LioranError): void;
  /** A pause is over and nothing is held back any more: the source may go on. */
  flow(): void;
  /** The source has ended and nothing is held back. Nothing else is reported after this. */
  finished(): void;
}

/** Parses, holds back and delivers the frames of one stream. */
export class Inbox {
  readonly #events: InboxEvents;
  readonly #parser: FrameParser;
  /** Frames that arrived in a pause, from `#heldAt` on. */
  #held: Frame[] = [];
  #heldAt = 0;
  #paused = false;
  #discarding = false;
  #flowScheduled = false;
  #sourceEnded = false;
  #finished = false;

  constructor(events: InboxEvents) {
    this.#events = events;
    this.#parser = new FrameParser((frame) => this.#accept(frame));
  }

  /** Whether frames wait for the end of a pause. */
  get isHolding(): boolean {
    return this.#heldAt < this.#held.length;
  }

  /** Whether the source has to stop: in a pause, and until everything held back is delivered. */
  get isStopped(): boolean {
    return !this.#discarding && (this.#paused || this.isHolding);
  }

  /** Whether the stream stands inside a frame. */
  get isInsideFrame(): boolean {
    return !this.#discarding && this.#parser.isInsideFrame;
  }

  allowLargeFrames(): void {
    this.#parser.bodyBytesMax = frameBytesMax;
  }

  push(chunk: Uint8Array): void {
    if (this.#discarding) return;
    this.#guard(() => this.#parser.push(chunk));
  }

  /** Nothing will be pushed any more. */
  endSource(): void {
    this.#sourceEnded = true;
    this.#finishIfDone();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#flowScheduled) return;
    this.#flowScheduled = true;
    setImmediate(() => {
      this.#flowScheduled = false;
      this.#guard(() => this.#deliverHeld());
    });
  }

  /** Drops what is held and all that still comes. */
  discard(): void {
    this.#discarding = true;
    this.#held = [];
    this.#heldAt = 0;
    // Not from here: the owner's call that discards must not run into its own callback.
    if (this.#sourceEnded) setImmediate(() => this.#finishIfDone());
  }

  #accept(frame: Frame): void {
    if (this.#discarding) return;
    if (this.#paused || this.isHolding) this.#held.push(frame);
    else this.#events.deliver(frame);
  }

  #deliverHeld(): void {
    while (!this.#paused && this.isHolding) {
      const frame = this.#held[this.#heldAt++]!;
      if (!this.isHolding) {
        this.#held = [];
        this.#heldAt = 0;
      }
      this.#events.deliver(frame);
    }
    if (this.isStopped) return;
    if (this.#sourceEnded) this.#finishIfDone();
    else this.#events.flow();
  }

  #finishIfDone(): void {
    if (this.#finished || this.isStopped) return;
    this.#finished = true;
    this.#discarding = true;
    this.#events.finished();
  }

  /** Separates what the peer did wrong, which ends its channel, from our own bugs, which crash. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const byPeer =
        error instanceof LioranError &&
        (error.code === "PROTOCOL" || error.code === "PROTOCOL_VERSION");
      if (!byPeer) throw error;
      // An owner that has ended the channel meanwhile is not interested any more.
      if (this.#discarding) return;
      this.discard();
      this.#events.fail(error);
    }
  }
}
