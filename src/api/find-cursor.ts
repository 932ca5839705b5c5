/** The cursor of `collection.find()`. */
import { tooHeavy } from "../dispatch/equipment.js";
import type { CursorResult, Explanation, FindOperation } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import type { Execute, Runtime } from "../runtime/runtime.js";
import { checkFilter, checkHint, checkObject, checkSort, checkVerbosity } from "./arguments.js";
import { defined, QueryCursor } from "./query-cursor.js";
import type {
  Document,
  ExplainVerbosity,
  Filter,
  FindOptions,
  Hint,
  Sort,
  SortDirection,
} from "./types.js";

/**
 * Results of a query. Nothing runs before the first result is asked for. It may be awaited directly
 * and then gives all results as an array.
 *
 * As the official driver's FindCursor: https://mongodb.github.io/node-mongodb-native/
 */
export class FindCursor<T> extends QueryCursor<T> implements PromiseLike<T[]> {
  /** Bundling must not change it. */
  static override readonly name = "FindCursor";
  readonly #operation: FindOperation;
  /** Reading it at once was tried in vain. */
  #isHeavy = false;
  /** What awaiting the cursor gives, however often it is awaited. */
  #awaited: Promise<T[]> | undefined;

  constructor(runtime: Runtime, operation: FindOperation, options: FindOptions) {
    super(runtime, options.signal);
    this.#operation = operation;
    if (options.sort !== undefined) this.sort(options.sort);
    if (options.projection !== undefined) this.project(options.projection);
    if (options.hint !== undefined) this.hint(options.hint);
    if (options.skip !== undefined) this.skip(options.skip);
    if (options.limit !== undefined) this.limit(options.limit);
    if (options.batchSize !== undefined) this.batchSize(options.batchSize);
    if (options.maxTimeMS !== undefined) this.maxTimeMS(options.maxTimeMS);
  }

  /** Replaces the filter. */
  filter(filter: Filter<T>): this {
    this.assertNew("filter");
    this.#operation.filter = checkFilter("find", filter);
    return this;
  }

  /** Sets the order. @throws BAD_VALUE */
  sort(sort: Sort, direction?: SortDirection): this {
    this.assertNew("sort");
    this.#operation.sort = checkSort("find", sort, direction);
    return this;
  }

  /** Sets which fields come back. */
  project<U = T>(projection: Document): FindCursor<U> {
    this.assertNew("project");
    this.#operation.projection = checkObject("find: projection", projection);
    return this as unknown as FindCursor<U>;
  }

  /** Sets the index to use. @throws BAD_VALUE, when the cursor is read, if there is no such index */
  hint(hint: Hint): this {
    this.assertNew("hint");
    this.#operation.hint = checkHint("find", hint);
    return this;
  }

  /** Passes over the first results. */
  skip(count: number): this {
    this.assertNew("skip");
    this.#operation.skip = natural("skip", count);
    return this;
  }

  /** Sets how many results there are at most; 0 means all. */
  limit(count: number): this {
    this.assertNew("limit");
    this.#operation.limit = natural("limit", count);
    return this;
  }

  /** Stops the query after this many milliseconds with code 50; 0 means never. */
  maxTimeMS(milliseconds: number): this {
    this.assertNew("maxTimeMS");
    this.#operation.maxTimeMs = natural("maxTimeMS", milliseconds);
    return this;
  }

  override map<U>(transform: (value: T) => U): FindCursor<U> {
    return super.map(transform) as FindCursor<U>;
  }

  /** How many documents match, with skip and limit. */
  count(): Promise<number> {
    const { db, collection, filter, skip, limit, maxTimeMs, hint } = this.#operation;
    return this.runtime.execute<"count">(
      defined({ kind: "count", db, collection, filter, skip, limit, maxTimeMs, hint }),
      this.signal,
    );
  }

  /**
   * How the query is run, in the shape of MongoDB's explain results.
   *
   * @param verbosity `"queryPlanner"` shows the plan only; `"executionStats"` (the default) also runs the query and
   *   counts. `"allPlansExecution"` counts as that: plans are compared by counting keys, not by running them.
   */
  explain(verbosity: ExplainVerbosity = "executionStats"): Promise<Explanation> {
    const { db, maxTimeMs } = this.#operation;
    return this.runtime.execute<"explain">(
      defined({
        kind: "explain",
        db,
        verbosity: checkVerbosity(verbosity),
        explained: defined({ ...this.#operation }),
        maxTimeMs,
      }),
      this.signal,
    );
  }

  /** The same query, not yet begun. */
  clone(): FindCursor<T> {
    const operation = { ...this.#operation };
    const copy = new FindCursor<T>(this.runtime, operation, { signal: this.signal });
    this.copySettings(copy);
    return copy;
  }

  // The contract: `await collection.find()` is an array.
  // biome-ignore lint/suspicious/noThenProperty: a find cursor may be awaited
  then<A = T[], B = never>(
    onArray?: ((documents: T[]) => A | PromiseLike<A>) | null,
    onError?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#awaited ??= this.toArray();
    return this.#awaited.then(onArray, onError);
  }

  override rewind(): void {
    this.#isHeavy = false;
    this.#awaited = undefined;
    super.rewind();
  }

  protected override readNow(): Document[] | undefined {
    // An aborted signal is the other way's business.
    if (this.signal) return undefined;
    const all = this.runtime.findNow(this.#operation);
    this.#isHeavy = all === tooHeavy;
    return all === tooHeavy ? undefined : all;
  }

  protected override begin(execute: Execute, batchSize: number | undefined): Promise<CursorResult> {
    const operation = defined({ ...this.#operation, batchSize });
    return execute<"find">(operation, this.signal, { isHeavy: this.#isHeavy });
  }
}

export function natural(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new LioranError("BAD_VALUE", `${name} must be an integer of 0 or more.`);
}
