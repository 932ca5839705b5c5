/**
 * Back-pressure of writes: at most `maxSize` are under way in one manager. Beyond that they queue in
 * the order of their calls, or are refused.
 *
 * Owning thread: the manager's.
 *
 * The turn at the head of the queue is an async-mutex; the places are a plain count, because
 * async-mutex's own semaphore walks over all its permits at each release (measured: with 50,000
 * permits that took a third of the time of an insert).
 */
import { Mutex, withTimeout } from "async-mutex";
import { LioranError } from "../errors.js";
import type { WriteQueueOptions } from "../options.js";

export class WriteGate {
  readonly #options: Required<WriteQueueOptions>;
  readonly #turn = new Mutex();
  #underWay = 0;
  /** Called when a place becomes free; set by whoever has the turn. */
  #onPlace: (() => void) | undefined;

  constructor(options: Required<WriteQueueOptions>) {
    this.#options = options;
  }

  /** Takes a place if one is free and nobody waits for it. */
  tryEnter(): boolean {
    if (this.#turn.isLocked() || this.#underWay >= this.#options.maxSize) return false;
    this.#underWay += 1;
    return true;
  }

  /** Waits for a place. @throws QUEUE_FULL at once, or after `timeoutMs` */
  async enter(): Promise<void> {
    const { maxSize, mode, timeoutMs } = this.#options;
    if (mode === "reject") throw queueFull(maxSize, "");
    const full = queueFull(maxSize, ` and it was not this one's turn within ${timeoutMs} ms`);
    const deadlineMs = performance.now() + timeoutMs;
    const release = await withTimeout(this.#turn, Math.max(1, timeoutMs), full).acquire();
    try {
      if (this.#underWay >= maxSize) await this.#untilPlace(deadlineMs, full);
      this.#underWay += 1;
    } finally {
      release();
    }
  }

  /** Gives a place back. */
  leave(): void {
    this.#underWay -= 1;
    this.#onPlace?.();
  }

  #untilPlace(deadlineMs: number, full: LioranError): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#onPlace = undefined;
          reject(full);
        },
        Math.max(0, deadlineMs - performance.now()),
      );
      this.#onPlace = () => {
        this.#onPlace = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function queueFull(maxSize: number, why: string): LioranError {
  return new LioranError(
    "QUEUE_FULL",
    `${maxSize} writes of this manager wait to be acknowledged (writeQueue.maxSize)${why}. Await writes, or ` +
      "raise the limit.",
  );
}
