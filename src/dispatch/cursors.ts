/**
 * Open cursors of one caller: a connection in the Host, the manager in its own process.
 *
 * Owning thread: the dispatcher's.
 *
 * Invariants
 *  1. A source is closed exactly once: at its end, when it fails, when it is killed, after
 *     `cursorIdleTimeoutMs` without a call, or with the table.
 *  2. At most one `next` of a cursor is under way.
 */
import { LioranError } from "../errors.js";
import { cursorIdleTimeoutMs, cursorsPerConnectionMax } from "../limits.js";
import type { CursorResult, EncodedBatch } from "./operation.js";

/** Where the batches of a cursor come from: the pool, or the owner. */
export interface BatchSource {
  next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }>;
  /** Frees everything. Idempotent. */
  close(): void;
}

interface OpenCursor {
  source: BatchSource;
  busy: boolean;
  lastUsedMs: number;
}

/** Idle cursors are looked for this often. */
const sweepIntervalMs = cursorIdleTimeoutMs / 10;

export class CursorTable {
  readonly #open = new Map<number, OpenCursor>();
  /** Begins anywhere: a cursor of a connection that is gone must not name one of the next connection. */
  #nextId = 1 + Math.floor(Math.random() * 2 ** 48);
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  /** How many cursors are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes over a source that has more to give. @returns the id for `getMore` */
  add(source: BatchSource): number {
    if (this.#closed) {
      source.close();
      throw new LioranError("CLOSED", "The connection closed while the query ran.");
    }
    if (this.#open.size >= cursorsPerConnectionMax) {
      source.close();
      throw new LioranError(
        "QUEUE_FULL",
        `Too many open cursors (${cursorsPerConnectionMax}). Close cursors that are not read to their end.`,
      );
    }
    const id = this.#nextId;
    this.#nextId += 1;
    this.#open.set(id, { source, busy: false, lastUsedMs: performance.now() });
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepIntervalMs).unref();
    return id;
  }

  /** The next batch. @throws CURSOR_NOT_FOUND, or what ends the query */
  async next(id: number, batchSize: number | undefined): Promise<CursorResult> {
    const cursor = this.#open.get(id);
    if (!cursor) throw notFound(id);
    if (cursor.busy) throw new LioranError("BAD_VALUE", `Cursor ${id} is already being read.`);
    cursor.busy = true;
    let batch: { batch: EncodedBatch; done: boolean };
    try {
      batch = await cursor.source.next(batchSize);
    } catch (error) {
      this.kill(id);
      throw error;
    }
    cursor.busy = false;
    cursor.lastUsedMs = performance.now();
    if (batch.done) this.kill(id);
    return { batch: batch.batch, cursor: batch.done ? 0 : id };
  }

  /** Closes a cursor. @returns whether it was open */
  kill(id: number): boolean {
    const cursor = this.#open.get(id);
    if (!cursor) return false;
    this.#open.delete(id);
    cursor.source.close();
    if (this.#open.size === 0) this.#stopSweeping();
    return true;
  }

  /** Closes all cursors; later ones are refused. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#open.keys()]) this.kill(id);
  }

  #sweep(): void {
    const now = performance.now();
    for (const [id, cursor] of this.#open) {
      if (!cursor.busy && now - cursor.lastUsedMs > cursorIdleTimeoutMs) this.kill(id);
    }
  }

  #stopSweeping(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

function notFound(id: number): LioranError {
  return new LioranError(
    "CURSOR_NOT_FOUND",
    `Cursor ${id} is not open: it was closed, was idle for ${cursorIdleTimeoutMs / 60_000} minutes, or its ` +
      "primary is gone. Run the query again.",
  );
}
