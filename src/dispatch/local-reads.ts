/**
 * The reads of a dispatcher that run here: on its own thread when they are cheap, on its pool when they are
 * not. It brings the query language along, which a process that only asks for documents by `_id`, or only
 * writes, never needs: see `late.ts`.
 */
import { inlineBytesMax } from "../limits.js";
import {
  CancelFlag,
  CancellableControl,
  type Control,
  InlineBudget,
  InlineBudgetExceeded,
} from "../query/control.js";
import { planId, pointReadId } from "../query/id-plan.js";
import { filterHasLoop, hasLoop } from "../query/loops.js";
import { collectionAt, findCollection } from "../storage/catalog.js";
import { readById } from "../storage/collection.js";
import type { CommitClock } from "../storage/commit-clock.js";
import { checkExtent } from "../storage/document.js";
import type { Environment } from "../storage/environment.js";
import type { Document } from "../values/document.js";
import type { BatchSource } from "./cursors.js";
import { divide } from "./divided/divide.js";
import {
  type Caller,
  type Equipment,
  type QueryPool,
  type RequestOptions,
  tooHeavy,
} from "./equipment.js";
import { LocalSource } from "./local-source.js";
import type {
  CursorResult,
  EncodedBatch,
  ExplainOperation,
  Explanation,
  FindOperation,
  ReadOperation,
  RowsOperation,
} from "./operation.js";
import { rareReads } from "./rare.js";
import {
  collections,
  count,
  databaseStatistics,
  distinct,
  estimatedCount,
  findDocuments,
  databases as listDatabases,
  search,
  takeBatch,
} from "./reads.js";
import { rowsOf } from "./rows.js";

export class LocalReads {
  readonly #equipment: Equipment;

  constructor(equipment: Equipment) {
    this.#equipment = equipment;
  }

  /**
   * The results of a query that is cheap, read here and now.
   *
   * @returns undefined when there is no such database
   */
  findNow(operation: FindOperation): Document[] | typeof tooHeavy | undefined {
    const { databases, pool } = this.#equipment;
    if (!pool && planId(operation.filter).kind === "scan") return tooHeavy;
    if (mayTakeLong(operation)) return tooHeavy;
    const environment = databases.get(operation.db);
    if (!environment) return undefined;
    try {
      return findAtOnce(environment, operation, databases.clock);
    } catch (error) {
      if (error instanceof InlineBudgetExceeded) return tooHeavy;
      throw error;
    } finally {
      environment.release();
    }
  }

  /**
   * The whole result of a query that is cheap, read here and now.
   *
   * @returns undefined when it is not
   */
  openNow(operation: FindOperation, caller: Caller): CursorResult | undefined {
    const { databases } = this.#equipment;
    const environment = databases.get(operation.db);
    if (!environment) return this.#readInline(undefined, operation, caller) && emptyResult(caller);
    const time = environment.refreshForWalk(databases.clock);
    try {
      const result =
        pointResult(environment, operation, databases.clock, time) ??
        this.#readInline(environment, operation, caller);
      environment.release();
      return result;
    } catch (error) {
      environment.discard();
      throw error;
    }
  }

  /** Starts a read. @throws what docs/errors.md lists */
  run(operation: ReadOperation, caller: Caller, options: RequestOptions): unknown {
    try {
      return this.#run(operation, caller, options);
    } finally {
      // What runs on this thread has run by now; what was left to the pool has its own snapshot.
      for (const environment of this.#equipment.databases.opened()) environment.release();
    }
  }

  #run(operation: ReadOperation, caller: Caller, options: RequestOptions): unknown {
    const { databases } = this.#equipment;
    switch (operation.kind) {
      case "listDatabases":
        return listDatabases(databases);
      case "listCollections":
        return collections(this.#fresh(operation.db));
      case "databaseStatistics":
        return databaseStatistics(this.#fresh(operation.db));
      case "estimatedCount": {
        const environment = this.#fresh(operation.db);
        return environment ? estimatedCount(environment, operation.collection) : 0;
      }
      case "find":
      case "aggregate":
        return this.#open(operation, caller, options);
      case "count":
        return this.#inlineOrPool(operation, caller, options, count, 0);
      case "distinct":
        return this.#inlineOrPool(operation, caller, options, distinct, []);
      case "explain":
        return this.#explain(operation, caller, options);
      case "search":
        return this.#inlineOrPool(operation, caller, options, search, {
          idKeys: [],
          collectionId: 0,
          version: 0,
        });
    }
  }

  /** Tries a read within the inline budget, and leaves it to the pool when that is exceeded. */
  #inlineOrPool<O extends Extract<ReadOperation, { kind: "count" | "distinct" | "search" }>, R>(
    operation: O,
    caller: Caller,
    options: RequestOptions,
    run: (environment: Environment, operation: O, control: Control) => R,
    empty: R,
  ): R | Promise<R> {
    const { pool } = this.#equipment;
    const environment = this.#fresh(operation.db);
    if (!environment) return empty;
    const runOnPool = () => {
      const flag = options.flag ?? new CancelFlag();
      const division =
        operation.kind === "count" ? divide(environment, operation, pool!.threads) : undefined;
      return pool!.run(operation as never, caller, flag, division) as Promise<R>;
    };
    if (!pool) return run(environment, operation, this.#control(operation, options));
    if (filterHasLoop(operation.filter)) return runOnPool();
    try {
      return run(environment, operation, new InlineBudget());
    } catch (error) {
      if (!(error instanceof InlineBudgetExceeded)) throw error;
      return runOnPool();
    }
  }

  async #explain(
    operation: ExplainOperation,
    caller: Caller,
    options: RequestOptions,
  ): Promise<Explanation> {
    const { pool } = this.#equipment;
    const { explain, explainNothing } = rareReads();
    const environment = this.#fresh(operation.db);
    if (!environment) return explainNothing(operation, this.#control(operation, options));
    if (!pool) {
      const control = this.#control(operation, options);
      return { ...explain(environment, operation, control), place: "inline", threads: 1 };
    }
    const { explained, verbosity } = operation;
    const threads = () =>
      explained.kind === "distinct"
        ? 1
        : (divide(environment, explained, pool.threads)?.threads ?? 1);
    try {
      const explanation = explain(environment, operation, new InlineBudget());
      // What has run within the budget here would run here again.
      const isLight = verbosity === "executionStats";
      return { ...explanation, place: "inline", threads: isLight ? 1 : threads() };
    } catch (error) {
      if (!(error instanceof InlineBudgetExceeded)) throw error;
      const flag = options.flag ?? new CancelFlag();
      const shared = threads();
      return { ...(await pool.run<"explain">(operation, caller, flag)), threads: shared };
    }
  }

  async #open(
    operation: RowsOperation,
    caller: Caller,
    options: RequestOptions,
  ): Promise<CursorResult> {
    const environment = this.#fresh(operation.db);
    if (!environment && operation.kind === "find") return emptyResult(caller);
    const { pool } = this.#equipment;
    const inline = options.isHeavy ? undefined : this.#readInline(environment, operation, caller);
    if (inline) return inline;
    const source = pool
      ? this.#openOnPool(pool, environment, operation, caller, options)
      : LocalSource.of(environment, operation, this.#control(operation, options));
    let first: { batch: EncodedBatch; done: boolean };
    try {
      first = await source.next(operation.batchSize);
    } catch (error) {
      source.close();
      throw error;
    }
    if (first.done) source.close();
    return { batch: first.batch, cursor: first.done ? 0 : caller.cursors.add(source) };
  }

  #openOnPool(
    pool: QueryPool,
    environment: Environment | undefined,
    operation: RowsOperation,
    caller: Caller,
    { flag = new CancelFlag() }: RequestOptions,
  ): BatchSource {
    const division = environment && divide(environment, operation, pool.threads);
    return pool.open(operation, caller, flag, division);
  }

  /** The whole result, when it is small and was cheap to find; otherwise undefined. */
  #readInline(
    environment: Environment | undefined,
    operation: RowsOperation,
    caller: Caller,
  ): CursorResult | undefined {
    const { pool } = this.#equipment;
    const isScan = operation.kind === "aggregate" || planId(operation.filter).kind === "scan";
    if (!pool && isScan) return undefined;
    if (mayTakeLong(operation)) return undefined;
    const budget = new InlineBudget();
    try {
      // Results of an aggregation may share parts, which only encoding separates.
      if (caller.encoded || operation.kind === "aggregate" || !environment) {
        const rows = rowsOf(environment, operation, budget);
        try {
          const { batch, done } = takeBatch(rows, Number.POSITIVE_INFINITY);
          return done ? { batch, cursor: 0 } : undefined;
        } finally {
          // What does not fit into one batch leaves its scanners open.
          rows.return();
        }
      }
      return { batch: { documents: findDocuments(environment, operation, budget) }, cursor: 0 };
    } catch (error) {
      if (!(error instanceof InlineBudgetExceeded)) throw error;
      return undefined;
    }
  }

  #control(operation: ReadOperation, options: RequestOptions): CancellableControl {
    const { maxTimeMs = 0 } = operation as { maxTimeMs?: number };
    return new CancellableControl(options.flag, maxTimeMs);
  }

  /** The database, with the latest commit in sight. */
  #fresh(db: string): Environment | undefined {
    const environment = this.#equipment.databases.get(db);
    environment?.refreshForWalk();
    return environment;
  }
}

/**
 * What a query for one `_id` and nothing else finds.
 *
 * @param time of the clock, when the snapshot belongs to it
 * @returns undefined for any other query
 */
function pointResult(
  environment: Environment,
  { collection, filter, idRange, sort, projection, skip, hint }: FindOperation,
  clock: CommitClock | undefined,
  time: number | undefined,
): CursorResult | undefined {
  if (idRange || sort || projection || skip || hint !== undefined) return undefined;
  const id = pointReadId(filter);
  if (id === undefined) return undefined;
  const entry =
    clock && time !== undefined
      ? collectionAt(environment, collection, clock, time)
      : findCollection(environment, collection);
  const bytes = entry && readById(environment, entry.id, id);
  // Copying and sending it takes too long for everybody else here.
  if (bytes && bytes.length > inlineBytesMax) return undefined;
  const result: CursorResult = bytes
    ? { batch: { count: 1, bytes: wholeDocument(bytes) }, cursor: 0 }
    : { batch: { count: 0, bytes: nothing }, cursor: 0 };
  // A commit that came in between may have dropped the collection.
  return time === undefined || clock?.time === time ? result : undefined;
}

/** Its bytes are passed on as they are, out of the buffer that the next read overwrites. */
function wholeDocument(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes.subarray(0, bytes.length));
  checkExtent(copy);
  return copy;
}

/** @throws InlineBudgetExceeded */
function findAtOnce(
  environment: Environment,
  operation: FindOperation,
  clock: CommitClock | undefined,
): Document[] {
  const time = environment.refreshForWalk(clock);
  if (!clock || time === undefined)
    return findDocuments(environment, operation, new InlineBudget());
  try {
    const entry = collectionAt(environment, operation.collection, clock, time);
    const documents = findDocuments(environment, operation, new InlineBudget(), entry);
    if (clock.time === time) return documents;
  } catch (error) {
    if (clock.time === time) throw error;
  }
  // A commit came in between: the entry may be another one by now.
  environment.refreshForWalk();
  return findDocuments(environment, operation, new InlineBudget());
}

/** Whether looking at one document can take long: no budget could end it then. */
function mayTakeLong(operation: RowsOperation): boolean {
  if (operation.kind === "aggregate") return hasLoop(operation.pipeline);
  return filterHasLoop(operation.filter) || hasLoop(operation.projection);
}

const nothing = new Uint8Array(0);

function emptyResult(caller: Caller): CursorResult {
  const batch = caller.encoded ? { count: 0, bytes: nothing } : { documents: [] };
  return { batch, cursor: 0 };
}
