/**
 * How a running query is stopped: it asks its control at each key it looks at. A thread inside LMDB
 * is never terminated, so this is the only way.
 */
import { LioranError } from "../errors.js";
import { inlineBytesMax, inlineKeysMax, inlineMsMax, inlinePassedKeysMax } from "../limits.js";

/** Asked by the executor for each key. */
export interface Control {
  /**
   * Called before a key is looked at.
   *
   * @param bytes size of the stored document
   * @throws what ends the query
   */
  step(bytes: number): void;
  /**
   * Called before keys are passed over inside LMDB, which takes a thirtieth of the time of looking at them.
   *
   * @throws what ends the query
   */
  pass(keys: number): void;
  /** A walk that will look at more keys is not begun. */
  readonly keysMax?: number;
  /**
   * Called by a loop inside an expression for each of its steps; without it, they count as keys.
   *
   * @throws what ends the query
   */
  loop?(): void;
}

/** A flag in shared memory: set on one thread, polled by the query on another. */
export class CancelFlag {
  /** Called on the thread that cancels; for work that is under way in another process. */
  onCancel: (() => void) | undefined;
  #cell: Int32Array<SharedArrayBuffer> | undefined;
  /** As long as no other thread has the cell. */
  #isCancelled = false;

  constructor(cell?: Int32Array<SharedArrayBuffer>) {
    this.#cell = cell;
  }

  /** Travels to the worker; both sides see the same cell. Made when it is asked for: most reads need none. */
  get cell(): Int32Array<SharedArrayBuffer> {
    this.#cell ??= new Int32Array(new SharedArrayBuffer(4)).fill(this.#isCancelled ? 1 : 0);
    return this.#cell;
  }

  cancel(): void {
    const was = this.cancelled;
    this.#isCancelled = true;
    if (this.#cell) Atomics.store(this.#cell, 0, 1);
    if (!was) this.onCancel?.();
  }

  get cancelled(): boolean {
    return this.#cell ? Atomics.load(this.#cell, 0) === 1 : this.#isCancelled;
  }
}

/** Ends an inline attempt that turned out to be heavy; the query then starts again on the pool. */
export class InlineBudgetExceeded extends Error {}

/** For reads on a thread that must not be blocked: gives up after a fixed amount of work. */
export class InlineBudget implements Control {
  readonly keysMax = inlineKeysMax;
  #keysLeft = inlineKeysMax;
  #bytesLeft = inlineBytesMax;
  #passedKeysLeft = inlinePassedKeysMax;
  readonly #endMs = performance.now() + inlineMsMax;

  step(bytes: number): void {
    this.#keysLeft -= 1;
    this.#bytesLeft -= bytes;
    if (this.#keysLeft < 0 || this.#bytesLeft < 0) throw new InlineBudgetExceeded();
    // What is asked about a document can take longer than reading it, such as an expression.
    if ((this.#keysLeft & 15) === 0 && performance.now() > this.#endMs) {
      throw new InlineBudgetExceeded();
    }
  }

  pass(keys: number): void {
    this.#passedKeysLeft -= keys;
    if (this.#passedKeysLeft < 0) throw new InlineBudgetExceeded();
  }
}

const pollEveryKeys = 32;
const pollEveryBytes = 256 * 1024;

/** For heavy reads: polls the flag and the clock every 32 keys, and more often when documents are large. */
export class CancellableControl implements Control {
  readonly #flag: CancelFlag | undefined;
  readonly #deadlineMs: number;
  readonly #maxTimeMs: number;
  #untilPoll = 1;
  #bytesUntilPoll = pollEveryBytes;

  /**
   * @param maxTimeMs 0: no limit
   * @param usedMs what of it has passed already
   */
  constructor(flag: CancelFlag | undefined, maxTimeMs: number, usedMs = 0) {
    this.#flag = flag;
    this.#maxTimeMs = maxTimeMs;
    const leftMs = Math.max(1, maxTimeMs - usedMs);
    this.#deadlineMs = maxTimeMs > 0 ? performance.now() + leftMs : Number.POSITIVE_INFINITY;
  }

  step(bytes: number): void {
    this.#untilPoll -= 1;
    this.#bytesUntilPoll -= bytes;
    if (this.#untilPoll > 0 && this.#bytesUntilPoll > 0) return;
    this.#untilPoll = pollEveryKeys;
    this.#bytesUntilPoll = pollEveryBytes;
    this.poll();
  }

  pass(): void {
    this.poll();
  }

  /** @throws ABORTED, MAX_TIME_EXPIRED */
  poll(): void {
    if (this.#flag?.cancelled) throw new LioranError("ABORTED", "The operation was aborted.");
    if (performance.now() > this.#deadlineMs) {
      throw new LioranError(
        "MAX_TIME_EXPIRED",
        `The operation exceeded its time limit of ${this.#maxTimeMs} ms (maxTimeMS).`,
      );
    }
  }
}

/** For work that is bounded otherwise, such as a write that has the transaction open. */
export const unlimited: Control = { step() {}, pass() {} };
