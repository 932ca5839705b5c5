/**
 * Cursors: results batch by batch.
 *
 *   new --first read--> open --end, close, error--> closed --rewind--> new
 */

import { readSequence } from "../cbor/read-item.js";
import type { CursorResult } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { batchDocumentsMax } from "../limits.js";
import { inTurn, turnOfOthers } from "../runtime/turns.js";
import type { Document } from "../values/document.js";
import { kindOf } from "./arguments.js";

type State = "new" | "open" | "closed";

/** Where a cursor gets its batches; the API's view of the dispatcher. */
export interface CursorFeed {
  first(batchSize: number | undefined): Promise<CursorResult>;
  more(cursor: number, batchSize: number | undefined): Promise<CursorResult>;
  kill(cursor: number): Promise<unknown>;
}

/** What all cursors can do. `T` is what they give. */
export abstract class AbstractCursor<T> implements AsyncIterable<T>, AsyncDisposable {
  #state: State = "new";
  #buffer: unknown[] = [];
  #at = 0;
  #cursorId = 0;
  /** The batch that is on its way: calls that overlap wait for the same one. */
  #fetching: Promise<void> | undefined;
  /** Which reading of the cursor it is; closing or rewinding begins another one. */
  #reading = 0;
  #batchSize: number | undefined;
  #transforms: ((value: never) => unknown)[] = [];

  /** The way to the data, made when the first result is asked for. */
  protected abstract feed(): CursorFeed;

  /** All results, when they can be read without waiting; undefined when they cannot. */
  protected readNow(): unknown[] | undefined {
    return undefined;
  }

  /** Runs what takes several batches: closing the manager waits for all of it. */
  protected inOneCall<R>(work: () => Promise<R>): Promise<R> {
    return work();
  }

  /** Whether the cursor gives no more results. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Documents per batch: a hint that does not change the results. @throws once reading has begun */
  batchSize(size: number): this {
    this.assertNew("batchSize");
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new LioranError("BAD_VALUE", "batchSize must be an integer of 0 or more.");
    }
    // A hint: more than the most there is means the most.
    this.#batchSize = Math.min(size, batchDocumentsMax) || undefined;
    return this;
  }

  /** Turns each result into something else. @throws once reading has begun */
  map<U>(transform: (value: T) => U): AbstractCursor<U> {
    this.assertNew("map");
    checkFunction("map", transform);
    this.#transforms.push(transform as (value: never) => unknown);
    return this as unknown as AbstractCursor<U>;
  }

  /** The next result, or `null` at the end. */
  async next(): Promise<T | null> {
    // A call that overlaps with this one may have taken what the other has waited for.
    while (this.#at >= this.#buffer.length) if (!(await this.#fill())) return null;
    return this.#take();
  }

  /** As {@link next}: nothing arrives later at the end of these cursors. */
  tryNext(): Promise<T | null> {
    return this.next();
  }

  /** Whether there is a next result. */
  hasNext(): Promise<boolean> {
    return this.#fill();
  }

  /** All remaining results; the cursor is then closed. */
  toArray(): Promise<T[]> {
    if (this.#state === "new") {
      try {
        const all = this.readNow();
        if (all) return inTurn(this.#takeAll(all));
      } catch (error) {
        this.#finish();
        return Promise.reject(error);
      }
    }
    return this.inOneCall(async () => {
      const all: T[] = [];
      try {
        while (await this.#fill()) while (this.#at < this.#buffer.length) all.push(this.#take());
      } finally {
        await this.close();
      }
      return all;
    });
  }

  /** Calls `visit` for each result, until it returns false. */
  async forEach(visit: (value: T) => unknown): Promise<void> {
    checkFunction("forEach", visit);
    await this.inOneCall(async () => {
      for await (const value of this) if (visit(value) === false) return;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      while (await this.#fill()) if (this.#at < this.#buffer.length) yield this.#take();
    } finally {
      // Leaving a loop early must free the snapshot behind the cursor.
      await this.close();
    }
  }

  /** Frees what the cursor holds. Idempotent. */
  async close(): Promise<void> {
    const cursorId = this.#cursorId;
    this.#finish();
    if (cursorId !== 0) await this.feed().kill(cursorId);
  }

  /** Makes the cursor begin again, with the data of then. */
  rewind(): void {
    const cursorId = this.#cursorId;
    this.#finish();
    this.#state = "new";
    if (cursorId !== 0)
      this.feed()
        .kill(cursorId)
        .catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws BAD_VALUE once reading has begun */
  protected assertNew(call: string): void {
    if (this.#state === "new") return;
    throw new LioranError("BAD_VALUE", `${call}() must be called before the cursor is read.`);
  }

  /** Gives a copy the same batch size and transforms. */
  protected copySettings(copy: AbstractCursor<T>): void {
    copy.#batchSize = this.#batchSize;
    copy.#transforms = [...this.#transforms];
  }

  /** Makes sure that there is a result in the buffer. @returns false at the end */
  async #fill(): Promise<boolean> {
    while (this.#at >= this.#buffer.length) {
      if (this.#state === "closed") return false;
      if (this.#fetching) {
        await this.#fetching;
        continue;
      }
      if (this.#state === "open" && this.#cursorId === 0) {
        this.#finish();
        return false;
      }
      const fetching = this.#fetch().finally(() => {
        if (this.#fetching === fetching) this.#fetching = undefined;
      });
      this.#fetching = fetching;
      await fetching;
    }
    return true;
  }

  async #fetch(): Promise<void> {
    const isFirst = this.#state === "new";
    this.#state = "open";
    const reading = this.#reading;
    let result: CursorResult;
    try {
      const all = isFirst ? this.readNow() : undefined;
      if (all) {
        this.#buffer = all;
        const others = turnOfOthers();
        if (others) await others;
        return;
      }
      result = isFirst
        ? await this.feed().first(this.#batchSize)
        : await this.feed().more(this.#cursorId, this.#batchSize);
    } catch (error) {
      // The other side has closed it when it failed there, but not when it was aborted here.
      if (reading === this.#reading) await this.close().catch(() => {});
      throw error;
    }
    // It may have been closed or rewound while the batch was on its way.
    if (reading !== this.#reading) {
      if (result.cursor !== 0)
        this.feed()
          .kill(result.cursor)
          .catch(() => {});
      return;
    }
    this.#buffer = documentsOf(result);
    this.#at = 0;
    this.#cursorId = result.cursor;
  }

  #take(): T {
    const value = this.#buffer[this.#at];
    this.#at += 1;
    return this.#transformed(value);
  }

  #takeAll(results: unknown[]): T[] {
    this.#finish();
    if (this.#transforms.length === 0) return results as T[];
    return results.map((value) => this.#transformed(value));
  }

  #transformed(result: unknown): T {
    let value = result;
    for (const transform of this.#transforms) value = transform(value as never);
    return value as T;
  }

  #finish(): void {
    this.#state = "closed";
    this.#reading += 1;
    this.#fetching = undefined;
    this.#cursorId = 0;
    this.#buffer = [];
    this.#at = 0;
  }
}

/** The documents of a batch. */
export function documentsOf({ batch }: CursorResult): Document[] {
  return "documents" in batch ? batch.documents : (readSequence(batch.bytes) as Document[]);
}

function checkFunction(call: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new LioranError("BAD_VALUE", `${call}() needs a function, not ${kindOf(value)}.`);
}

/** A cursor over something small that is known at once, such as the list of collections. */
export class ListCursor<T> extends AbstractCursor<T> {
  readonly #list: () => Promise<T[]>;

  constructor(list: () => Promise<T[]>) {
    super();
    this.#list = list;
  }

  protected override feed(): CursorFeed {
    return {
      first: async () => ({
        batch: { documents: (await this.#list()) as Record<string, unknown>[] },
        cursor: 0,
      }),
      more: async () => ({ batch: { documents: [] }, cursor: 0 }),
      kill: async () => {},
    };
  }
}
