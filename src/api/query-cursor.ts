/** What the cursors of `find()` and `aggregate()` share: their results come from an operation. */
import type { CursorResult } from "../dispatch/operation.js";
import type { Execute, Runtime } from "../runtime/runtime.js";
import { AbstractCursor, type CursorFeed } from "./cursor.js";
import type { Document } from "./types.js";

export abstract class QueryCursor<T> extends AbstractCursor<T> {
  protected readonly runtime: Runtime;
  protected readonly signal: AbortSignal | undefined;
  /** Set during a call that reads several batches. */
  #execute: Execute | undefined;

  constructor(runtime: Runtime, signal: AbortSignal | undefined) {
    super();
    this.runtime = runtime;
    this.signal = signal;
  }

  /** Runs the operation and gives its first batch. */
  protected abstract begin(execute: Execute, batchSize: number | undefined): Promise<CursorResult>;

  /** Runs what takes several operations as one call, which closing the manager waits for. */
  protected whole<R>(work: (execute: Execute) => Promise<R>): Promise<R> {
    return this.#execute ? work(this.#execute) : this.runtime.call(work);
  }

  protected override inOneCall<R>(work: () => Promise<R>): Promise<R> {
    return this.runtime.call(async (execute) => {
      this.#execute = execute;
      try {
        return await work();
      } finally {
        this.#execute = undefined;
      }
    });
  }

  protected override feed(): CursorFeed {
    const { runtime } = this;
    const execute = this.#execute ?? runtime.execute;
    return {
      first: (batchSize) => this.begin(execute, batchSize),
      more: (cursor, batchSize) =>
        execute<"getMore">(defined({ kind: "getMore", cursor, batchSize }), this.signal),
      kill: async (cursor) => {
        // Closing the manager closes its cursors.
        if (runtime.isClosing && !this.#execute) return;
        await execute<"killCursors">({ kind: "killCursors", cursors: [cursor] });
      },
    };
  }
}

/** A copy without members that are undefined: they would travel as such. */
export function defined<T extends object>(value: T): T {
  // Deleting them would make a slow object.
  const copy: Document = {};
  for (const name in value) if (value[name] !== undefined) copy[name] = value[name];
  return copy as T;
}
