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
 *  3. While somebody waits who is not held back, no thread is free.
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
  /** The same for callers that get no thread at the moment. */
  readonly #heldQueues = new Map<object, Waiting[]>();
  #waiting = 0;
  /** How many wait that are not held back, for the threads of a query: all but one may leave it to that one. */
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
    const held = this.#heldQueues.get(caller);
    if (!held && this.#free > 0 && this.#waiting === 0) return Promise.resolve(this.#take(wanted));
    const queue = held ?? this.#queues.get(caller) ?? [];
    if (queue.length >= poolQueueMax) return Promise.reject(queueFull());
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
      queue.push(waiting);
      if (held) return;
      this.#queues.set(caller, queue);
      this.#count(1);
    });
  }

  /** The caller gets no thread until `letGo`: it does not take what it was given. Idempotent. */
  hold(caller: object): void {
    if (this.#heldQueues.has(caller)) return;
    const queue = this.#queues.get(caller) ?? [];
    this.#queues.delete(caller);
    this.#heldQueues.set(caller, queue);
    this.#count(-queue.length);
  }

  letGo(caller: object): void {
    const queue = this.#heldQueues.get(caller);
    if (!queue) return;
    this.#heldQueues.delete(caller);
    if (queue.length === 0) return;
    this.#queues.set(caller, queue);
    this.#count(queue.length);
    this.#grant();
  }

  #release(): void {
    invariant(this.#free < this.#threads, "no more threads are given back than there are");
    this.#free += 1;
    this.#grant();
  }

  #grant(): void {
    while (this.#free > 0) {
      const [next] = this.#queues;
      if (!next) return;
      const [caller, queue] = next;
      const waiting = queue[0]!;
      this.#forget(caller, waiting);
      // The caller's next one comes after those of all others.
      if (this.#queues.delete(caller)) this.#queues.set(caller, queue);
      waiting.grant(this.#take(waiting.threads));
    }
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
    const held = this.#heldQueues.get(caller);
    const queue = held ?? this.#queues.get(caller)!;
    queue.splice(queue.indexOf(waiting), 1);
    if (held) return;
    if (queue.length === 0) this.#queues.delete(caller);
    this.#count(-1);
  }

  #count(change: number): void {
    this.#waiting += change;
    Atomics.store(this.waitingCell, 0, this.#waiting);
  }
}

function queueFull(): LioranError {
  return new LioranError(
    "QUEUE_FULL",
    `${poolQueueMax} queries of this caller wait for a thread already. Try again later, or raise \`cores\`.`,
  );
}

function expired(): LioranError {
  return new LioranError(
    "MAX_TIME_EXPIRED",
    "The operation exceeded its time limit (maxTimeMS) while it waited for a thread.",
  );
}
