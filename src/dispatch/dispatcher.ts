/**
 * Executes operations. The same class runs in every place; what differs is its equipment:
 *
 *   place                databases   pool    owner
 *   main thread          yes         yes     yes     (primary and client alike)
 *   main, ipc readonly   yes         yes     -
 *   pool worker          yes         -       -
 *   Host thread          yes         yes     -       (writes go to its `WriteExecutor`)
 *
 * A read takes the shortest path that gives the same answer: here and now when it is cheap, on the
 * pool when it is not, and at the owner when the manager was told so. What changes data goes to the
 * owner.
 */
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import {
  CancelFlag,
  CancellableControl,
  type Control,
  InlineBudget,
  InlineBudgetExceeded,
} from "../query/control.js";
import { planId } from "../query/id-plan.js";
import { filterHasLoop, hasLoop } from "../query/loops.js";
import {
  collectionAt,
  isLeaseValid,
  leaseCollection,
  leasedCollection,
} from "../storage/catalog.js";
import { decodeRead, readById } from "../storage/collection.js";
import type { CommitClock } from "../storage/commit-clock.js";
import type { Databases } from "../storage/databases.js";
import type { Environment } from "../storage/environment.js";
import type { Document } from "../values/document.js";
import type { BatchSource, CursorTable } from "./cursors.js";
import { LocalSource } from "./local-source.js";
import {
  type CursorResult,
  type EncodedBatch,
  type ExplainOperation,
  type Explanation,
  type FindOperation,
  type HostStatus,
  type Operation,
  opensCursor,
  operationClass,
  type ReadOperation,
  type ResultOf,
  type RowsOperation,
} from "./operation.js";
import { isUnloaded, loadRareReads, rareReads } from "./rare.js";
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

/** Runs heavy reads on other threads of this process. */
export interface QueryPool {
  /** A cursor: opens a snapshot on a worker and reads it batch by batch. */
  open(operation: RowsOperation, flag: CancelFlag): BatchSource;
  /** A read with one result. */
  run<K extends "count" | "distinct" | "search" | "explain">(
    operation: Extract<ReadOperation, { kind: K }>,
    flag: CancelFlag,
  ): Promise<ResultOf<K>>;
}

/** The way to the lock owner. */
export interface Owner {
  /** Sends the operation and resolves to its decoded result. */
  forward(operation: Operation, flag?: CancelFlag): Promise<unknown>;
}

export interface Equipment {
  databases: Databases;
  /** Where reads run when they could run here. */
  reads: "local" | "primary";
  pool?: QueryPool;
  owner?: Owner;
  hostStatus?: () => HostStatus;
}

/** Who asks, and what belongs to the asker. */
export interface Caller {
  cursors: CursorTable;
  /** Set where the reply leaves the thread: results are then handed over encoded. */
  encoded: boolean;
}

/** How one request is to be treated. */
export interface RequestOptions {
  /** The caller's way to stop it. */
  flag?: CancelFlag;
  /** It was tried here and now already. */
  isHeavy?: boolean;
}

export class Dispatcher {
  readonly #equipment: Equipment;

  constructor(equipment: Equipment) {
    this.#equipment = equipment;
  }

  /** Executes one operation. @throws what docs/errors.md lists */
  async execute<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    caller: Caller,
    options: RequestOptions = {},
  ): Promise<ResultOf<K>> {
    if (isUnloaded(operation.kind)) await loadRareReads();
    return (await this.#route(operation, caller, options)) as ResultOf<K>;
  }

  /**
   * The document with this `_id`, read here and now.
   *
   * @returns undefined when this dispatcher may not read here, and null when there is no document
   */
  findById(db: string, collection: string, id: unknown): Document | null | undefined {
    if (this.#equipment.reads === "primary") return undefined;
    const environment = this.#equipment.databases.get(db);
    if (!environment) return null;
    environment.refresh(this.#equipment.databases.clock);
    let lease = leasedCollection(environment, collection);
    for (;;) {
      const bytes = lease.entry && readById(environment, lease.entry.id, id);
      if (isLeaseValid(lease)) {
        const document = bytes ? decodeRead(bytes) : null;
        environment.release();
        return document;
      }
      environment.refresh();
      lease = leaseCollection(environment, collection);
    }
  }

  /**
   * The results of a query that is cheap, read here and now.
   *
   * @returns undefined when it is not cheap, or when this dispatcher may not read here
   */
  findNow(operation: FindOperation): Document[] | undefined {
    const { databases, pool, reads, owner } = this.#equipment;
    if (reads === "primary" && owner) return undefined;
    if (!pool && planId(operation.filter).kind === "scan") return undefined;
    if (mayTakeLong(operation)) return undefined;
    const environment = databases.get(operation.db);
    if (!environment) return undefined;
    try {
      return findAtOnce(environment, operation, databases.clock);
    } catch (error) {
      if (error instanceof InlineBudgetExceeded) return undefined;
      throw error;
    } finally {
      environment.release();
    }
  }

  #route(
    operation: Operation,
    caller: Caller,
    options: RequestOptions,
  ): Promise<unknown> | unknown {
    switch (operationClass[operation.kind]) {
      case "read":
        return this.#read(operation as ReadOperation, caller, options);
      case "write":
        return this.#forward(operation, options);
      case "owner":
        return this.#own(operation, options);
      case "cursor":
        return this.#cursor(operation, caller);
    }
  }

  #read(operation: ReadOperation, caller: Caller, options: RequestOptions): unknown {
    const { reads, owner, databases } = this.#equipment;
    if (reads === "primary" && owner) return this.#readAtOwner(operation, caller, options);
    try {
      return this.#readHere(operation, caller, options);
    } finally {
      // What runs on this thread has run by now; what was left to the pool has its own snapshot.
      for (const environment of databases.opened()) environment.release();
    }
  }

  #readHere(operation: ReadOperation, caller: Caller, options: RequestOptions): unknown {
    const { databases, pool } = this.#equipment;
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
        return this.#inlineOrPool(operation, options, count, 0, pool);
      case "distinct":
        return this.#inlineOrPool(operation, options, distinct, [], pool);
      case "explain":
        return this.#explain(operation, options);
      case "search":
        return this.#inlineOrPool(
          operation,
          options,
          search,
          { idKeys: [], collectionId: 0, version: 0 },
          pool,
        );
    }
  }

  /** Tries a read within the inline budget, and leaves it to the pool when that is exceeded. */
  #inlineOrPool<O extends Extract<ReadOperation, { kind: "count" | "distinct" | "search" }>, R>(
    operation: O,
    options: RequestOptions,
    run: (environment: Environment, operation: O, control: Control) => R,
    empty: R,
    pool: QueryPool | undefined,
  ): R | Promise<R> {
    const environment = this.#fresh(operation.db);
    if (!environment) return empty;
    const runOnPool = () =>
      pool!.run(operation as never, options.flag ?? new CancelFlag()) as Promise<R>;
    if (!pool) return run(environment, operation, this.#control(operation, options));
    if (filterHasLoop(operation.filter)) return runOnPool();
    try {
      return run(environment, operation, new InlineBudget());
    } catch (error) {
      if (!(error instanceof InlineBudgetExceeded)) throw error;
      return runOnPool();
    }
  }

  async #explain(operation: ExplainOperation, options: RequestOptions): Promise<Explanation> {
    const { pool } = this.#equipment;
    const { explain, explainNothing } = rareReads();
    const environment = this.#fresh(operation.db);
    if (!environment) return explainNothing(operation, this.#control(operation, options));
    if (!pool) {
      const control = this.#control(operation, options);
      return { ...explain(environment, operation, control), place: "inline" };
    }
    try {
      return { ...explain(environment, operation, new InlineBudget()), place: "inline" };
    } catch (error) {
      if (!(error instanceof InlineBudgetExceeded)) throw error;
      return pool.run<"explain">(operation, options.flag ?? new CancelFlag());
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
      ? pool.open(operation, options.flag ?? new CancelFlag())
      : new LocalSource(environment, operation, this.#control(operation, options));
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

  /** A forwarded read; a cursor at the owner gets an entry here, so that `getMore` finds its way. */
  async #readAtOwner(
    operation: ReadOperation,
    caller: Caller,
    { flag }: RequestOptions,
  ): Promise<unknown> {
    const owner = this.#equipment.owner!;
    const result = await owner.forward(operation, flag);
    if (operation.kind === "explain") return { ...(result as Explanation), place: "owner" };
    if (!opensCursor(operation)) return result;
    const found = result as CursorResult;
    if (found.cursor === 0) return found;
    return { ...found, cursor: caller.cursors.add(new OwnerSource(owner, found.cursor)) };
  }

  #cursor(operation: Operation, caller: Caller): unknown {
    if (operation.kind === "getMore") {
      return caller.cursors.next(operation.cursor, operation.batchSize);
    }
    invariant(operation.kind === "killCursors", "the other cursor operation");
    return operation.cursors.filter((id) => caller.cursors.kill(id)).length;
  }

  #own(operation: Operation, options: RequestOptions): unknown {
    const { owner, hostStatus } = this.#equipment;
    if (owner) return owner.forward(operation, options.flag);
    if (operation.kind === "ping") return { ok: 1 };
    invariant(hostStatus, "the Host reports its own status");
    return hostStatus();
  }

  #forward(operation: Operation, options: RequestOptions): Promise<unknown> {
    const { owner } = this.#equipment;
    if (!owner) {
      throw new LioranError(
        "READ_ONLY",
        `This manager is readonly: ${operation.kind} is not possible. Open the root without ipc: "readonly" to write.`,
      );
    }
    return owner.forward(operation, options.flag);
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

/** A cursor that is open at the owner. */
class OwnerSource implements BatchSource {
  readonly #owner: Owner;
  readonly #cursor: number;
  #open = true;

  constructor(owner: Owner, cursor: number) {
    this.#owner = owner;
    this.#cursor = cursor;
  }

  async next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }> {
    const operation = { kind: "getMore", cursor: this.#cursor, batchSize } as const;
    const result = (await this.#owner.forward(operation)) as CursorResult;
    this.#open = result.cursor !== 0;
    return { batch: result.batch as EncodedBatch, done: !this.#open };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    // The owner forgets it anyway when it is idle or the connection closes.
    this.#owner.forward({ kind: "killCursors", cursors: [this.#cursor] }).catch(() => {});
  }
}
