/** What the module of a job is handed beside its documents. */
import type { BulkModel, JobWrite } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { bulkModelsMax } from "../limits.js";
import { checkCollectionName } from "../names.js";
import { prepareModel } from "./bulk.js";
import type { Database } from "./database.js";
import type { Document, Filter, Hint, Sort, UpdateFilter } from "./types.js";

/** What every function of a job's module is handed. */
export interface JobBaseContext<A = unknown> {
  /** What `parallel()` was given as `args`. */
  readonly args: A;
  /** The job's database, for reading: what is written through it is no part of a batch. Not in a thread. */
  readonly db: Database;
  /** Fires when the job ends early; the child is ended a moment later. */
  readonly signal: AbortSignal;
}

/** What `init` of a job's module is handed: once in each child. */
export interface JobInitContext<A = unknown> extends JobBaseContext<A> {
  readonly jobId: string;
}

/** What `finish` of a job's module is handed. */
export interface JobFinishContext<A = unknown> extends JobInitContext<A> {
  /** Batches that were given up: their values are missing. */
  readonly failed: number;
}

/** What `map` of a job's module is handed. */
export interface JobContext<A = unknown> extends JobBaseContext<A> {
  readonly batch: {
    readonly jobId: string;
    readonly number: number;
    /** 1 at the first attempt. */
    readonly attempt: number;
  };
  /**
   * A collection of the job's database to write to. What is written takes effect when `map` has returned: all of it,
   * together with the record that the batch is done, or nothing. Not in a thread.
   */
  collection<T extends object = Document>(name: string): JobCollection<T>;
}

/** Collects writes of a batch. Nothing is sent before `map` has returned. */
export interface JobCollection<T extends object = Document> {
  insertOne(document: Partial<T> & object): void;
  insertMany(documents: readonly (Partial<T> & object)[]): void;
  updateOne(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: JobUpdateOptions & { sort?: Sort },
  ): void;
  updateMany(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: JobUpdateOptions,
  ): void;
  replaceOne(
    filter: Filter<T>,
    replacement: object,
    options?: { upsert?: boolean; hint?: Hint; sort?: Sort },
  ): void;
  deleteOne(filter: Filter<T>, options?: { hint?: Hint }): void;
  deleteMany(filter: Filter<T>, options?: { hint?: Hint }): void;
}

export interface JobUpdateOptions {
  upsert?: boolean;
  arrayFilters?: Document[];
  hint?: Hint;
}

/** What a job's module exports. `V` is the value of a batch. */
export interface JobModule<T extends object = Document, V = unknown, A = unknown, R = V> {
  map(batch: T[], context: JobContext<A>): V | Promise<V>;
  init?(context: JobInitContext<A>): unknown;
  /** Makes one value of two, in the order of the batches. */
  reduce?(a: V, b: V): V | Promise<V>;
  /** Makes the value of the job of what `reduce` gave; undefined where there is nothing to reduce. */
  finish?(reduced: V | undefined, context: JobFinishContext<A>): R | Promise<R>;
}

/** The writes of one attempt of a batch. */
export class BatchWrites {
  readonly #models = new Map<string, BulkModel[]>();
  #count = 0;
  #isSealed = false;

  /** @throws INVALID_NAMESPACE */
  collection(name: string): JobCollection {
    checkCollectionName(name);
    const add = (operation: Document) => this.#add(name, operation);
    return {
      insertOne: (document) => add({ insertOne: { document } }),
      insertMany: (documents) => {
        for (const document of documents) add({ insertOne: { document } });
      },
      updateOne: (filter, update, options) => add({ updateOne: { ...options, filter, update } }),
      updateMany: (filter, update, options) => add({ updateMany: { ...options, filter, update } }),
      replaceOne: (filter, replacement, options) =>
        add({ replaceOne: { ...options, filter, replacement } }),
      deleteOne: (filter, options) => add({ deleteOne: { ...options, filter } }),
      deleteMany: (filter, options) => add({ deleteMany: { ...options, filter } }),
    };
  }

  /** What was written; from now on nothing can be added. */
  seal(): JobWrite[] {
    this.#isSealed = true;
    return Array.from(this.#models, ([collection, models]) => ({ collection, models }));
  }

  #add(name: string, operation: Document): void {
    const what = `context.collection(${JSON.stringify(name)})`;
    if (this.#isSealed) {
      throw new LioranError("JOB_BATCH", `${what}: the batch is over. Await what map begins.`);
    }
    this.#count += 1;
    if (this.#count > bulkModelsMax) {
      const rule = `a batch writes at most ${bulkModelsMax} times. Use a smaller batchSize`;
      throw new LioranError("JOB_BATCH", `${what}: ${rule}.`);
    }
    const model = prepareModel(operation, what);
    const models = this.#models.get(name);
    if (models) models.push(model);
    else this.#models.set(name, [model]);
  }
}
