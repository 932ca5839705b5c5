/**
 * Everything below the API, put together for one manager: databases, pool, membership, dispatcher.
 *
 * Owning thread: the manager's.
 *
 * Invariant: environments are closed only after every operation has ended.
 */
import { setMaxListeners } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { areOperationsWatched, publishOperation } from "../diagnostics.js";
import { CursorTable } from "../dispatch/cursors.js";
import { Dispatcher } from "../dispatch/dispatcher.js";
import { type Caller, type RequestOptions, tooHeavy } from "../dispatch/equipment.js";
import {
  type FindOperation,
  type Operation,
  operationClass,
  type PoolFigures,
  type ResultOf,
} from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import type { ResolvedOptions } from "../options.js";
import { CancelFlag } from "../query/control.js";
import { acquireDatabases, type Databases } from "../storage/databases.js";
import type { Document } from "../values/document.js";
import { Membership, type MembershipEvents } from "./membership.js";
import { ThreadQueryPool } from "./query-pool.js";
import type { Role } from "./role.js";
import { turnOfOthers } from "./turns.js";
import { WriteGate } from "./write-gate.js";

/** Longest time a timer of Node.js can hold. */
const timerMsMax = 2 ** 31 - 1;

/** Executes an operation as part of a call, also while the manager closes. */
export type Execute = <K extends Operation["kind"]>(
  operation: Extract<Operation, { kind: K }>,
  signal?: AbortSignal,
  options?: RequestOptions,
) => Promise<ResultOf<K>>;

export class Runtime {
  readonly options: ResolvedOptions;
  readonly #databases: Databases;
  readonly #pool: ThreadQueryPool | undefined;
  readonly #membership: Membership | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #caller: Caller = { cursors: new CursorTable(), encoded: false };
  readonly #writes: WriteGate;
  /** Operations that have not been answered, and calls that have not ended. */
  #underWay = 0;
  /** Called when there are none. */
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Made when somebody asks for its signal. */
  #closer: AbortController | undefined;

  /** @throws ROOT_INVALID, PERMISSION, LOCK_HELD, INVALID_OPTION */
  constructor(options: ResolvedOptions, events: MembershipEvents) {
    this.options = options;
    const isReadOnly = options.ipc === "readonly";
    checkRoot(options.rootPath, options.ipc === "auto" || options.ipc === "primary");
    const access = isReadOnly ? "readonly" : "read";
    this.#databases = acquireDatabases(options.rootPath, access);
    try {
      this.#membership = isReadOnly ? undefined : new Membership(options, this.#databases, events);
    } catch (error) {
      void this.#databases.release();
      throw error;
    }
    const { cores, rootPath } = options;
    this.#pool = cores > 0 ? new ThreadQueryPool({ rootPath, access, cores }) : undefined;
    this.#dispatcher = new Dispatcher({
      databases: this.#databases,
      reads: isReadOnly ? "local" : options.reads,
      pool: this.#pool,
      owner: this.#membership?.link,
    });
    this.#writes = new WriteGate(options.writeQueue);
    this.#membership?.start();
  }

  get role(): Role {
    return this.#membership?.roles.role ?? (this.#closing ? "closed" : "readonly");
  }

  get membership(): Membership | undefined {
    return this.#membership;
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Fires when the manager begins to close, for calls that may wait for something that never comes. */
  get closing(): AbortSignal {
    if (!this.#closer) {
      this.#closer = new AbortController();
      // Any number of calls may wait at a time: that is no leak.
      setMaxListeners(0, this.#closer.signal);
      if (this.#closing) this.#closer.abort();
    }
    return this.#closer.signal;
  }

  /** Executes an operation. @param signal aborts it @throws CLOSED */
  readonly execute: Execute = (operation, signal, options) =>
    this.#closing ? Promise.reject(closedError()) : this.#execute(operation, signal, options);

  /**
   * Runs a call that takes several operations. Once it has begun, closing waits for all of it.
   *
   * @throws CLOSED
   */
  async call<T>(work: (execute: Execute) => Promise<T>): Promise<T> {
    this.checkOpen();
    this.#underWay += 1;
    try {
      return await work(this.#executeInCall);
    } finally {
      this.#leave();
    }
  }

  readonly #executeInCall: Execute = (operation, signal, options) =>
    this.#execute(operation, signal, options);

  #execute<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    signal?: AbortSignal,
    options?: RequestOptions,
  ): Promise<ResultOf<K>> {
    if (areOperationsWatched()) return this.#watched(operation, signal, options);
    return this.#begin(operation, signal, options);
  }

  #begin<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    signal?: AbortSignal,
    options?: RequestOptions,
  ): Promise<ResultOf<K>> {
    const isWrite = operationClass[operation.kind] === "write";
    if (!signal) {
      return isWrite ? this.#write(operation, options) : this.#read(operation, options);
    }
    if (signal.aborted) return Promise.reject(signal.reason);
    const flag = new CancelFlag();
    const request = { ...options, flag };
    const work = isWrite ? this.#write(operation, request) : this.#read(operation, request);
    return abortable(work, signal, flag);
  }

  /** Opens a database that exists ahead of its first use. What is wrong with it shows with that use. */
  prepare(db: string): void {
    setImmediate(() => {
      if (this.#closing) return;
      try {
        this.#databases.get(db);
      } catch {
        // The first operation reports it.
      }
    });
  }

  /** Executes an operation, and publishes how it went. */
  async #watched<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    signal?: AbortSignal,
    options?: RequestOptions,
  ): Promise<ResultOf<K>> {
    const startMs = performance.now();
    try {
      const result = await this.#begin(operation, signal, options);
      this.#publish(operation, startMs);
      return result;
    } catch (error) {
      this.#publish(operation, startMs, error);
      throw error;
    }
  }

  /** As {@link #watched}, for what is read at once. */
  #watchedNow<T>(operation: Operation, read: () => T): T {
    const startMs = performance.now();
    try {
      const found = read();
      // Else it is executed as any other.
      if (found !== undefined && found !== tooHeavy) this.#publish(operation, startMs);
      return found;
    } catch (error) {
      this.#publish(operation, startMs, error);
      throw error;
    }
  }

  #publish(operation: Operation, startMs: number, error?: unknown): void {
    const { kind } = operation;
    const { db, collection, filter, pipeline } = operation as Partial<
      Record<"db" | "collection", string> & Record<"filter" | "pipeline", unknown>
    >;
    const query = filter ?? pipeline;
    publishOperation({
      rootPath: this.options.rootPath,
      kind,
      ...(db !== undefined && { db }),
      ...(collection !== undefined && { collection }),
      ...(query !== undefined && { query }),
      durationMs: performance.now() - startMs,
      ...(error !== undefined && { error }),
    });
  }

  /** The document with this `_id`, read at once; undefined when reads do not run here. */
  findById(db: string, collection: string, id: unknown): Document | null | undefined {
    this.checkOpen();
    const read = () => this.#dispatcher.findById(db, collection, id);
    if (!areOperationsWatched()) return read();
    return this.#watchedNow({ kind: "find", db, collection, filter: { _id: id } }, read);
  }

  /** The results of a query, read at once; undefined when reads do not run here, or not yet. */
  findNow(operation: FindOperation): Document[] | typeof tooHeavy | undefined {
    this.checkOpen();
    const read = () => this.#dispatcher.findNow(operation);
    return areOperationsWatched() ? this.#watchedNow(operation, read) : read();
  }

  /** @throws CLOSED */
  checkOpen(): void {
    if (this.#closing) throw closedError();
  }

  /** The databases of the root, as this thread has them open. */
  get databases(): Databases {
    return this.#databases;
  }

  /** `null` where no thread reads for this manager. */
  get poolFigures(): PoolFigures | null {
    return this.#pool?.figures ?? null;
  }

  /** Operations that have not been answered, or whose work goes on after they were aborted. */
  get pendingOperations(): number {
    return this.#underWay;
  }

  get openCursors(): number {
    return this.#caller.cursors.size;
  }

  /** Waits for what is under way, then closes everything. Every call gets the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    this.#closer?.abort();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // An idle client does not keep its process alive, but whoever awaits this must be answered.
    const alive = setInterval(() => {}, timerMsMax);
    try {
      // A call may begin its next operation only after the last one has ended.
      while (this.#underWay > 0) await this.#untilIdle();
      this.#caller.cursors.close();
      await this.#pool?.close();
      await this.#membership?.close();
      await this.#databases.release();
    } finally {
      clearInterval(alive);
    }
  }

  #run<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    options: RequestOptions = {},
  ): Promise<ResultOf<K>> {
    return this.#dispatcher.execute<K>(operation, this.#caller, options);
  }

  #read<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    options: RequestOptions | undefined,
  ): Promise<ResultOf<K>> {
    this.#underWay += 1;
    const others = turnOfOthers();
    const work = others
      ? others.then(() => this.#run<K>(operation, options))
      : this.#run<K>(operation, options);
    return work.then(this.#onRead, this.#onReadFailed);
  }

  readonly #onRead = <T>(result: T): T => {
    this.#leave();
    return result;
  };

  readonly #onReadFailed = (error: unknown): never => {
    this.#leave();
    throw error;
  };

  /** A write takes its place in the queue first: a producer must not outrun the disk without end. */
  #write<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    options: RequestOptions | undefined,
  ): Promise<ResultOf<K>> {
    this.#underWay += 1;
    // Without an async function of its own, which would be a tenth of what a small write takes here.
    if (this.#writes.tryEnter()) return this.#inPlace(operation, options);
    return this.#writes.enter().then(
      () => this.#inPlace(operation, options),
      (error: unknown) => {
        this.#leave();
        throw error;
      },
    );
  }

  #inPlace<K extends Operation["kind"]>(
    operation: Extract<Operation, { kind: K }>,
    options: RequestOptions | undefined,
  ): Promise<ResultOf<K>> {
    return this.#run<K>(operation, options).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = <T>(result: T): T => {
    this.#writes.leave();
    this.#leave();
    return result;
  };

  readonly #onWriteFailed = (error: unknown): never => {
    this.#writes.leave();
    this.#leave();
    throw error;
  };

  #leave(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#onIdle?.();
  }

  #untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }
}

function closedError(): LioranError {
  return new LioranError("CLOSED", "The manager is closed.");
}

/** Rejects as soon as the signal fires, and tells the work to stop. */
function abortable<T>(work: Promise<T>, signal: AbortSignal, flag: CancelFlag): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      flag.cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** @throws ROOT_INVALID, PERMISSION */
function checkRoot(rootPath: string, create: boolean): void {
  try {
    if (create) mkdirSync(rootPath, { recursive: true, mode: 0o700 });
    if (statSync(rootPath).isDirectory()) return;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return; // readonly on a root that does not exist: it is empty
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw new LioranError("PERMISSION", `No permission to create or open ${rootPath}.`, {
        cause: error,
      });
    }
    if (code !== "EEXIST" && code !== "ENOTDIR") {
      throw new LioranError("IO", `Cannot open ${rootPath}: ${message}`, { cause: error });
    }
  }
  throw new LioranError(
    "ROOT_INVALID",
    `${rootPath} is not a folder. Set rootPath to a folder, or to a path where one can be created.`,
  );
}
