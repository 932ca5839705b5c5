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
  collectionAt,
  isLeaseValid,
  leaseCollection,
  leasedCollection,
} from "../storage/catalog.js";
import { decodeRead, readById } from "../storage/collection.js";
import { type CommitClock, isQuiet } from "../storage/commit-clock.js";
import type { Environment } from "../storage/environment.js";
import { isOutOfPlaces, lmdbFailure, storageFailure } from "../storage/lmdb-failure.js";
import type { Document } from "../values/document.js";
import type { BatchSource } from "./cursors.js";
import type { Caller, Equipment, Owner, RequestOptions, tooHeavy } from "./equipment.js";
import { isUnloaded, loadFor, localReads } from "./late.js";
import type { LocalReads } from "./local-reads.js";
import {
  type CursorResult,
  type EncodedBatch,
  type Explanation,
  type FindOperation,
  type Operation,
  opensCursor,
  operationClass,
  type ReadOperation,
  type ResultOf,
} from "./operation.js";

export class Dispatcher {
  readonly #equipment: Equipment;
  /** Made with the first read that runs here. */
  #readsHere: LocalReads | undefined;

  constructor(equipment: Equipment) {
    this.#equipment = equipment;
  }

  /** Executes one operation. @throws what docs/errors.md lists, as a rejection */
  execute<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    caller: Caller,
    options: RequestOptions = {},
  ): Promise<ResultOf<K>> {
    const result = this.#isForwarded(operation)
      ? this.#executeThere(operation, caller, options)
      : this.#executeHere(operation, caller, options);
    return result as Promise<ResultOf<K>>;
  }

  #isForwarded({ kind }: Operation): boolean {
    const place = operationClass[kind];
    return place === "write" || (place === "read" && this.#isForwarding);
  }

  /** At the owner. Nothing is read here, so there is no failure to put in our words: a promise less for each. */
  #executeThere(operation: Operation, caller: Caller, options: RequestOptions): Promise<unknown> {
    return operationClass[operation.kind] === "write"
      ? this.#forward(operation, options)
      : this.#readAtOwner(operation as ReadOperation, caller, options);
  }

  async #executeHere<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    caller: Caller,
    options: RequestOptions,
  ): Promise<ResultOf<K>> {
    if (isUnloaded(operation.kind)) await loadFor(operation.kind);
    try {
      return (await this.#route(operation, caller, options)) as ResultOf<K>;
    } catch (error) {
      throw this.#readFailure("db" in operation ? operation.db : undefined, error);
    }
  }

  /**
   * The document with this `_id`, read here and now.
   *
   * @returns undefined when this dispatcher may not read here, and null when there is no document
   */
  findById(db: string, collection: string, id: unknown): Document | null | undefined {
    if (this.#equipment.reads === "primary") return undefined;
    try {
      return this.#readById(db, collection, id);
    } catch (error) {
      throw this.#readFailure(db, error);
    }
  }

  #readById(db: string, collection: string, id: unknown): Document | null {
    const { clock } = this.#equipment.databases;
    const environment = this.#equipment.databases.get(db);
    if (!environment) return null;
    const time = clock?.time;
    environment.refresh(clock);
    try {
      const bytes =
        clock && time !== undefined && isQuiet(time)
          ? bytesAt(environment, collection, id, clock, time)
          : leasedBytes(environment, collection, id);
      const document = bytes ? decodeRead(bytes) : null;
      environment.release();
      return document;
    } catch (error) {
      environment.discard();
      throw error;
    }
  }

  /**
   * The results of a query that is cheap, read here and now.
   *
   * @returns undefined when this dispatcher may not read here, or has not loaded the query language
   */
  findNow(operation: FindOperation): Document[] | typeof tooHeavy | undefined {
    if (this.#isForwarding || isUnloaded("find")) return undefined;
    try {
      return this.#localReads.findNow(operation);
    } catch (error) {
      throw this.#readFailure(operation.db, error);
    }
  }

  /**
   * The result of a query that is cheap, encoded, read here and now.
   *
   * @returns undefined when it has to be executed, as one that is heavy
   */
  openNow(operation: FindOperation, caller: Caller): CursorResult | undefined {
    invariant(caller.encoded, "what is read at once for the caller of this thread is not encoded");
    try {
      return this.#localReads.openNow(operation, caller);
    } catch (error) {
      throw this.#readFailure(operation.db, error);
    }
  }

  #route(
    operation: Operation,
    caller: Caller,
    options: RequestOptions,
  ): Promise<unknown> | unknown {
    switch (operationClass[operation.kind]) {
      case "read":
        return this.#localReads.run(operation as ReadOperation, caller, options);
      case "cursor":
        return this.#cursor(operation, caller);
      default:
        return this.#own(operation, options);
    }
  }

  /** A forwarded read; a cursor at the owner gets an entry here, so that `getMore` finds its way. */
  #readAtOwner(
    operation: ReadOperation,
    caller: Caller,
    { flag }: RequestOptions,
  ): Promise<unknown> {
    const owner = this.#equipment.owner!;
    const answer = owner.forward(operation, flag);
    if (operation.kind === "explain") {
      return answer.then((result) => ({ ...(result as Explanation), place: "owner" }));
    }
    if (!opensCursor(operation)) return answer;
    return answer.then((result) => {
      const found = result as CursorResult;
      if (found.cursor === 0) return found;
      return { ...found, cursor: caller.cursors.add(new OwnerSource(owner, found.cursor)) };
    });
  }

  #cursor(operation: Operation, caller: Caller): unknown {
    if (operation.kind === "getMore") {
      return caller.cursors.next(operation.cursor, operation.batchSize);
    }
    invariant(operation.kind === "killCursors", "the other cursor operation");
    return operation.cursors.filter((id) => caller.cursors.kill(id)).length;
  }

  #own(operation: Operation, options: RequestOptions): unknown {
    invariant(operationClass[operation.kind] === "owner", "writes are forwarded as they are");
    const { owner, hostStatus } = this.#equipment;
    if (owner) return owner.forward(operation, options.flag);
    if (operation.kind === "ping") return { ok: 1 };
    invariant(hostStatus, "the Host reports its own status");
    return hostStatus();
  }

  #forward(operation: Operation, options: RequestOptions): Promise<unknown> {
    const { owner } = this.#equipment;
    if (owner) return owner.forward(operation, options.flag);
    return Promise.reject(
      new LioranError(
        "READ_ONLY",
        `This manager is readonly: ${operation.kind} is not possible. Open the root without ipc: "readonly" to write.`,
      ),
    );
  }

  /** What LMDB reports in our words; anything else as it is. */
  #readFailure(db: string | undefined, error: unknown): unknown {
    // The next read then finds the places of readers that were killed.
    if (isOutOfPlaces(error)) {
      for (const environment of this.#equipment.databases.opened()) environment.freeDeadReaders();
    }
    if (db === undefined) return lmdbFailure("reading", error);
    return storageFailure(this.#equipment.databases.folder(db), "reading", error);
  }

  /** Whether reads go to the owner. */
  get #isForwarding(): boolean {
    return this.#equipment.reads === "primary" && this.#equipment.owner !== undefined;
  }

  get #localReads(): LocalReads {
    this.#readsHere ??= new (localReads().LocalReads)(this.#equipment);
    return this.#readsHere;
  }
}

/** The stored document, by a look into the catalog that is good while the commit clock stands still. */
function bytesAt(
  environment: Environment,
  collection: string,
  id: unknown,
  clock: CommitClock,
  time: number,
): Buffer | undefined {
  const entry = collectionAt(environment, collection, clock, time);
  const bytes = entry && readById(environment, entry.id, id);
  return clock.time === time ? bytes : leasedBytes(environment, collection, id);
}

/** The same by a look into the catalog that is good for some time, in any process. */
function leasedBytes(
  environment: Environment,
  collection: string,
  id: unknown,
): Buffer | undefined {
  let lease = leasedCollection(environment, collection);
  for (;;) {
    const bytes = lease.entry && readById(environment, lease.entry.id, id);
    if (isLeaseValid(lease)) return bytes;
    lease = leaseCollection(environment, collection);
  }
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
