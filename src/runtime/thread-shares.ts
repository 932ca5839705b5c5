/**
 * Who may use the threads of a pool, and how many: callers take turns, so that one that asks for a lot does not
 * keep another waiting for all of it. A query gets as many of the threads it wants as are free when its turn
 * comes, at once: the threads of one query wait for each other.
 *
 * Owning thread: the pool's.
 *
 * Invariants
 *  1. No more threads are granted than there are.
 *  2. Requests of one caller are granted in the order they came.
 *  3. While somebody waits, no thread is free.
 */
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { poolQueueMax } from "../limits.js";

interface Waiting {
  readonly threads: number;
  readonly grant: (shares: ThreadShare[]) => void;
}

/** One thread that a query may use. */
export interface ThreadShare {
  /** Gives it back. Idempotent: a thread is done with a query when it says so, or when it fails. */
  release(): void;
}

export class ThreadShares {
  readonly #threads: number;
  #free: number;
  /** By caller, in the order of their turns. A caller that has nothing left is forgotten. */
  readonly #queues = new Map<object, Waiting[]>();
  #waiting = 0;
  /** How many wait, for the threads of a query: all but one may leave it to that one. */
  readonly waitingCell = new Int32Array(new SharedArrayBuffer(4));

  constructor(threads: number) {
    this.#threads = threads;
    this.#free = threads;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Threads that are granted to somebody. */
  get busy(): number {
    return this.#threads - this.#free;
  }

  /**
   * Resolves when it is the caller's turn.
   *
   * @param wanted the most threads that the query can use
   * @param limitMs gives up after this time; Infinity: never
   * @returns those that it may use; each has to be given back
   * @throws QUEUE_FULL, MAX_TIME_EXPIRED
   */
  acquire(caller: object, wanted: number, limitMs: number): Promise<ThreadShare[]> {
    invariant(wanted > 0, "a query needs a thread");
    if (this.#free > 0 && this.#waiting === 0) return Promise.resolve(this.#take(wanted));
    if (this.#waiting >= poolQueueMax) return Promise.reject(queueFull());
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const waiting: Waiting = {
        threads: wanted,
        grant: (shares) => {
          clearTimeout(timer);
          resolve(shares);
        },
      };
      if (Number.isFinite(limitMs)) {
        timer = setTimeout(() => {
          this.#forget(caller, waiting);
          reject(expired());
        }, limitMs);
      }
      const queue = this.#queues.get(caller);
      if (queue) queue.push(waiting);
      else this.#queues.set(caller, [waiting]);
      this.#count(1);
    });
  }

  #release(): void {
    invariant(this.#free < this.#threads, "no more threads are given back than there are");
    this.#free += 1;
    const [next] = this.#queues;
    if (!next) return;
    const [caller, queue] = next;
    const waiting = queue[0]!;
    this.#forget(caller, waiting);
    // The caller's next one comes after those of all others.
    if (this.#queues.delete(caller)) this.#queues.set(caller, queue);
    waiting.grant(this.#take(waiting.threads));
  }

  #take(wanted: number): ThreadShare[] {
    const threads = Math.min(wanted, this.#free);
    this.#free -= threads;
    return Array.from({ length: threads }, () => {
      let isReleased = false;
      return {
        release: () => {
          if (isReleased) return;
          isReleased = true;
          this.#release();
        },
      };
    });
  }

  #forget(caller: object, waiting: Waiting): void {
    const queue = this.#queues.get(caller)!;
    queue.splice(queue.indexOf(waiting), 1);
    if (queue.length === 0) this.#queues.delete(caller);
    this.#count(-1);
  }

  #count(change: 1 | -1): void {
    this.#waiting += change;
    Atomics.store(this.waitingCell, 0, this.#waiting);
  }
}

function queueFull(): LioranError {
  return new LioranError(
    "QUEUE_FULL",
    `${poolQueueMax} queries wait for a thread of this process already. Try again later, or raise \`cores\`.`,
  );
}

function expired(): LioranError {
  return new LioranError(
    "MAX_TIME_EXPIRED",
    "The operation exceeded its time limit (maxTimeMS) while it waited for a thread.",
  );
}
