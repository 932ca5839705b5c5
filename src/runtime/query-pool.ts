/**
 * The query pool of a process: piscina threads that read the shared map. It starts with the first
 * heavy query and shrinks when idle.
 *
 * Owning thread: the one that made it (a main thread or a Host).
 *
 * Invariants
 *  1. A running task is never aborted through piscina, which would terminate the thread: it is asked
 *     to stop through its flag.
 *  2. A cursor keeps its event loop alive only while somebody waits for its next batch.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { BatchSource } from "../dispatch/cursors.js";
import type { Division } from "../dispatch/divided/division.js";
import { memoryOf, mergedCount } from "../dispatch/divided/gathered.js";
import type { QueryPool } from "../dispatch/equipment.js";
import type { ResultOf, RowsOperation } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import { poolIdleTimeoutMs } from "../limits.js";
import type { CancelFlag } from "../query/control.js";
import type { Access } from "../storage/environment.js";
import { DividedSource } from "./divided-source.js";
import { addExitHook, removeExitHook } from "./exit-hooks.js";
import type { PartTask } from "./part-worker.js";
import { PoolSource } from "./pool-source.js";
import type { MergeTask, QueryOutcome, QueryTask } from "./query-worker.js";
import { threadArguments } from "./thread-arguments.js";
import { ThreadGate } from "./thread-gate.js";
import { type ThreadShare, ThreadShares } from "./thread-shares.js";

export interface QueryPoolOptions {
  rootPath: string;
  access: Access;
  /** Most threads. */
  cores: number;
  /** Where the exit of the process is another thread's matter, that thread's gate. */
  gate?: ThreadGate;
}

/** How long a process that exits waits for its queries to leave LMDB. */
const exitTimeoutMs = 2_000;

export class ThreadQueryPool implements QueryPool {
  readonly #options: QueryPoolOptions;
  readonly #gate: ThreadGate;
  /** Tasks on threads; those of one query share its flag. */
  readonly #running = new Set<{ readonly flag: CancelFlag }>();
  readonly #sources = new Set<PoolSource | DividedSource>();
  readonly #shares: ThreadShares;
  readonly #onExit = () => this.#stopForExit();
  #piscina: Promise<Piscina> | undefined;
  #closed = false;

  constructor(options: QueryPoolOptions) {
    this.#options = options;
    this.#gate = options.gate ?? new ThreadGate();
    this.#shares = new ThreadShares(options.cores);
  }

  get threads(): number {
    return this.#options.cores;
  }

  open(
    operation: RowsOperation,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): BatchSource {
    return division
      ? this.#openDivided(operation, caller, flag, division)
      : this.#openSingle(operation, caller, flag);
  }

  async run<K extends "count" | "distinct" | "search" | "explain">(
    operation: Extract<QueryTask["operation"], { kind: K }>,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): Promise<ResultOf<K>> {
    const { maxTimeMs: limitMs = 0 } = operation as { maxTimeMs?: number };
    if (division) {
      const counted = await this.#count(operation, caller, flag, division);
      if (counted !== undefined) return counted as ResultOf<K>;
    }
    const [share] = await this.#shares.acquire(caller, 1, limitMs);
    return (await this.#run(taskOf({ operation }, flag), flag, [], share!)) as ResultOf<K>;
  }

  /** @returns undefined when one thread has to do it */
  async #count(
    operation: QueryTask["operation"],
    caller: object,
    flag: CancelFlag,
    division: Division,
  ): Promise<number | undefined> {
    const source = this.#openDivided(operation, caller, flag, division);
    try {
      const gathered = await source.gathered();
      return gathered && mergedCount(division, gathered);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  #openDivided(
    operation: QueryTask["operation"],
    caller: object,
    flag: CancelFlag,
    division: Division,
  ): DividedSource {
    const limitMs = operation.maxTimeMs ?? 0;
    const askedAtMs = Date.now();
    const source: DividedSource = new DividedSource(
      division,
      {
        acquire: (threads) => this.#shares.acquire(caller, threads, limitMs),
        runPart: async (task, share) => {
          await this.#run(task, flag, [task.port], share);
        },
        openSingle: (share) => this.#openSingle(operation as RowsOperation, caller, flag, share),
        openMerge: (gathered) =>
          this.#openCursor(caller, flag, limitMs, undefined, (port, batchSize) => {
            const { cell } = flag;
            const maxTimeMs = limitMs;
            const task: MergeTask = {
              division,
              gathered,
              maxTimeMs,
              cell,
              askedAtMs,
              port,
              ...(batchSize !== undefined && { batchSize }),
            };
            return { task, transfer: [port, ...gathered.flatMap(memoryOf)] };
          }),
      },
      flag,
      limitMs,
    );
    this.#track(source);
    return source;
  }

  #openSingle(
    operation: RowsOperation,
    caller: object,
    flag: CancelFlag,
    held?: ThreadShare,
  ): PoolSource {
    return this.#openCursor(caller, flag, operation.maxTimeMs ?? 0, held, (port, batchSize) => ({
      task: taskOf({ operation, port, batchSize }, flag),
      transfer: [port],
    }));
  }

  /** @param held a thread that was acquired for it */
  #openCursor(
    caller: object,
    flag: CancelFlag,
    limitMs: number,
    held: ThreadShare | undefined,
    taskFor: (port: MessagePort, batchSize: number | undefined) => PoolRequest,
  ): PoolSource {
    const { port1, port2 } = new MessageChannel();
    let share = held;
    const open = async (batchSize: number | undefined) => {
      if (!share) [share] = await this.#shares.acquire(caller, 1, limitMs);
      const { task, transfer } = taskFor(port2, batchSize);
      await this.#run(task, flag, transfer, share!);
    };
    // The task ends with the first batch: before whoever gets that asks for threads again.
    const source = new PoolSource(port1, flag, open, () => share?.release());
    this.#track(source);
    return source;
  }

  /** Remembers what may have snapshots on threads, until it has none. */
  #track(source: PoolSource | DividedSource): void {
    this.#sources.add(source);
    source.ended().then(() => this.#sources.delete(source));
  }

  /** Stops running queries and ends the threads once they are out of LMDB. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { flag } of this.#running) flag.cancel();
    // A thread must not be ended under the snapshot of a cursor.
    await Promise.all([...this.#sources].map((source) => source.closed()));
    if (!this.#piscina) return;
    const piscina = await this.#piscina;
    removeExitHook(this.#onExit);
    // Waits for the running tasks: `destroy` would end their threads at once.
    await piscina.close();
  }

  /** Runs a task on a thread that was acquired, and gives that back. */
  async #run(
    task: PoolRequest["task"],
    flag: CancelFlag,
    transferList: PoolRequest["transfer"],
    share: ThreadShare,
  ): Promise<unknown> {
    const running = { flag };
    this.#running.add(running);
    try {
      if (this.#closed) throw new LioranError("CLOSED", "The query pool is closed.");
      this.#piscina ??= this.#start();
      const piscina = await this.#piscina;
      const outcome = (await piscina.run(task, { transferList })) as QueryOutcome;
      if ("error" in outcome) throw decodeError(outcome.error);
      return outcome.result;
    } catch (error) {
      throw poolError(error);
    } finally {
      this.#running.delete(running);
      share.release();
    }
  }

  async #start(): Promise<Piscina> {
    const { Piscina } = await import("piscina");
    const { rootPath, access, cores } = this.#options;
    const piscina = new Piscina({
      filename: new URL("./query-worker.js", import.meta.url).href,
      minThreads: 0,
      maxThreads: cores,
      idleTimeout: poolIdleTimeoutMs,
      // The default freezes a thread between tasks, and with it the expiry timers of its cursors.
      atomics: "disabled",
      workerData: { rootPath, access, gate: this.#gate.cells },
      ...threadArguments(),
    });
    // Without a listener a thread that cannot start would crash the process; `run` reports it.
    piscina.on("error", () => {});
    addExitHook(this.#onExit);
    return piscina;
  }

  #stopForExit(): void {
    for (const { flag } of this.#running) flag.cancel();
    this.#gate.shut(exitTimeoutMs);
  }
}

/** A task for a thread, and what goes over to it. */
interface PoolRequest {
  readonly task: QueryTask | MergeTask | PartTask;
  readonly transfer: (MessagePort | ArrayBuffer)[];
}

function taskOf(query: Omit<QueryTask, "cell" | "askedAtMs">, { cell }: CancelFlag): QueryTask {
  return { ...query, cell, askedAtMs: Date.now() };
}

/** What is not an answer of the query itself: the thread could not start, or it died. */
function poolError(error: unknown): LioranError {
  if (error instanceof LioranError) return error;
  const { message } = error as Error;
  return new LioranError("INTERNAL", `A query thread failed: ${message}`, { cause: error });
}
