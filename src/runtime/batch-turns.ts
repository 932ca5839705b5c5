/**
 * Turns for the next batches of a connection's cursors: each answer may be large, so only a few are made at once,
 * and none while the peer does not read what it got.
 *
 * Owning thread: the Host.
 */
import { batchesPerConnectionMax } from "../limits.js";

export class BatchTurns {
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #isHeld = false;

  /** Runs `work` when it is its turn. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isHeld || this.#underWay >= batchesPerConnectionMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      this.#next();
    }
  }

  /** None begins until `letGo`. */
  hold(): void {
    this.#isHeld = true;
  }

  letGo(): void {
    this.#isHeld = false;
    while (this.#next());
  }

  /** Nobody waits for those any more that have not begun. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** @returns whether there was one that may begin */
  #next(): boolean {
    if (this.#isHeld || this.#underWay >= batchesPerConnectionMax) return false;
    const begin = this.#waiting.shift();
    if (!begin) return false;
    // Counted here: it begins in a later microtask.
    this.#underWay += 1;
    begin();
    return true;
  }
}
