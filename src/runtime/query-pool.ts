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
import type { MessagePort } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { BatchSource } from "../dispatch/cursors.js";
import type { Division } from "../dispatch/divided/division.js";
import { memoryOf, mergedCount } from "../dispatch/divided/gathered.js";
import type { QueryPool } from "../dispatch/equipment.js";
import type { PoolFigures, ResultOf, RowsOperation } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import { assertDescriptors } from "../late-loading.js";
import { poolIdleTimeoutMs, poolYoungGenerationMiB } from "../limits.js";
import { machineMs } from "../machine-clock.js";
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
  /** Queries, and how many tasks of each are on threads. */
  readonly #running = new Map<PoolRequest, number>();
  readonly #sources = new Map<PoolSource | DividedSource, CancelFlag>();
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

  get figures(): PoolFigures {
    const { busy, waiting } = this.#shares;
    return { threads: this.threads, busy, waiting };
  }

  hold(caller: object): void {
    this.#shares.hold(caller);
  }

  letGo(caller: object): void {
    this.#shares.letGo(caller);
  }

  open(
    operation: RowsOperation,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): BatchSource {
    const request = new PoolRequest(operation, caller, flag);
    return division ? this.#openDivided(request, division) : this.#openSingle(request, operation);
  }

  async run<K extends "count" | "distinct" | "search" | "explain">(
    operation: Extract<QueryTask["operation"], { kind: K }>,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): Promise<ResultOf<K>> {
    const request = new PoolRequest(operation, caller, flag);
    let share: ThreadShare | undefined;
    if (division) {
      const source = this.#openDivided(request, division);
      try {
        const result = await source.gathered();
        if ("gathered" in result) return mergedCount(division, result.gathered) as ResultOf<K>;
        ({ share } = result);
      } catch (error) {
        source.close();
        throw error;
      }
    }
    share ??= await this.#acquireOne(request);
    return (await this.#run(request.task({ operation }), request, [], share)) as ResultOf<K>;
  }

  async #acquireOne({ caller, leftMs }: PoolRequest): Promise<ThreadShare> {
    const [share] = await this.#shares.acquire(caller, 1, leftMs);
    return share!;
  }

  #openDivided(request: PoolRequest, division: Division): DividedSource {
    const { operation, caller, flag, maxTimeMs, askedAtMs } = request;
    const source: DividedSource = new DividedSource(
      division,
      {
        waiting: this.#shares.waitingCell,
        acquire: (threads) => this.#shares.acquire(caller, threads, request.leftMs),
        runPart: async (task, share) => {
          await this.#run(task, request, [task.port], share);
        },
        openSingle: (share) => this.#openSingle(request, operation as RowsOperation, share),
        openMerge: (gathered, share) =>
          this.#openCursor(request, share, (port, batchSize) => {
            const { cell } = flag;
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
      { maxTimeMs, askedAtMs },
    );
    this.#track(source, flag);
    return source;
  }

  #openSingle(request: PoolRequest, operation: RowsOperation, held?: ThreadShare): PoolSource {
    return this.#openCursor(request, held, (port, batchSize) => ({
      task: request.task({ operation, port, batchSize }),
      transfer: [port],
    }));
  }

  /** @param held a thread that was acquired for it */
  #openCursor(
    request: PoolRequest,
    held: ThreadShare | undefined,
    taskFor: (port: MessagePort, batchSize: number | undefined) => PoolTask,
  ): PoolSource {
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    let share = held;
    const open = async (batchSize: number | undefined) => {
      share ??= await this.#acquireOne(request);
      const { task, transfer } = taskFor(port2, batchSize);
      await this.#run(task, request, transfer, share);
    };
    // The task ends with the first batch: before whoever gets that asks for threads again.
    const source = new PoolSource(port1, request.flag, open, () => share?.release());
    this.#track(source, request.flag);
    return source;
  }

  /** Remembers what may have snapshots on threads, until it has none. */
  #track(source: PoolSource | DividedSource, flag: CancelFlag): void {
    this.#sources.set(source, flag);
    source.ended().then(() => this.#sources.delete(source));
  }

  /** Stops running queries and ends the threads once they are out of LMDB. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { flag } of this.#running.keys()) flag.cancel();
    // A thread must not be ended under the snapshot of a cursor.
    await Promise.all([...this.#sources.keys()].map((source) => source.closed()));
    if (!this.#piscina) return;
    const piscina = await this.#piscina;
    removeExitHook(this.#onExit);
    // Waits for the running tasks: `destroy` would end their threads at once.
    await piscina.close();
  }

  /** Runs a task on a thread that was acquired, and gives that back. */
  async #run(
    task: PoolTask["task"],
    running: PoolRequest,
    transferList: PoolTask["transfer"],
    share: ThreadShare,
  ): Promise<unknown> {
    this.#running.set(running, (this.#running.get(running) ?? 0) + 1);
    try {
      if (this.#closed) throw new LioranError("CLOSED", "The query pool is closed.");
      this.#piscina ??= this.#start().catch((error: unknown) => {
        // Code could not be loaded now; the next query tries again.
        this.#piscina = undefined;
        throw error;
      });
      const piscina = await this.#piscina;
      const outcome = (await piscina.run(task, { transferList })) as QueryOutcome;
      if ("error" in outcome) throw decodeError(outcome.error);
      return outcome.result;
    } catch (error) {
      throw poolError(error);
    } finally {
      const tasks = this.#running.get(running)! - 1;
      if (tasks > 0) this.#running.set(running, tasks);
      else this.#running.delete(running);
      share.release();
    }
  }

  async #start(): Promise<Piscina> {
    assertDescriptors();
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
      resourceLimits: { maxYoungGenerationSizeMb: poolYoungGenerationMiB },
      ...threadArguments(),
    });
    // Without a listener a thread that cannot start would crash the process; `run` reports it.
    piscina.on("error", () => {});
    addExitHook(this.#onExit);
    return piscina;
  }

  #stopForExit(): void {
    for (const { flag } of this.#running.keys()) flag.cancel();
    for (const flag of this.#sources.values()) flag.cancel();
    this.#gate.shut(exitTimeoutMs);
  }
}

/** A task for a thread, and what goes over to it. */
interface PoolTask {
  readonly task: QueryTask | MergeTask | PartTask;
  readonly transfer: (MessagePort | ArrayBuffer)[];
}

/** A read that the pool was asked for, and since when. */
class PoolRequest {
  readonly operation: QueryTask["operation"];
  readonly caller: object;
  readonly flag: CancelFlag;
  readonly maxTimeMs: number;
  /** By the clock of the machine: its threads count from other times. */
  readonly askedAtMs = machineMs();

  constructor(operation: QueryTask["operation"], caller: object, flag: CancelFlag) {
    this.operation = operation;
    this.caller = caller;
    this.flag = flag;
    this.maxTimeMs = operation.maxTimeMs ?? 0;
  }

  /** What is left of its time. */
  get leftMs(): number {
    if (this.maxTimeMs === 0) return Number.POSITIVE_INFINITY;
    return Math.max(1, this.maxTimeMs - (machineMs() - this.askedAtMs));
  }

  task(query: Omit<QueryTask, "cell" | "askedAtMs">): QueryTask {
    return { ...query, cell: this.flag.cell, askedAtMs: this.askedAtMs };
  }
}

/** What is not an answer of the query itself: the thread could not start, or it died. */
function poolError(error: unknown): LioranError {
  if (error instanceof LioranError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return new LioranError(
      "MEMORY_EXCEEDED",
      "The query took all the memory of its thread. Filter earlier, add a limit, or allow Node.js more " +
        "(--max-old-space-size).",
      { cause: error },
    );
  }
  if (code === "ERR_WORKER_INIT_FAILED" || code === "EMFILE") {
    return new LioranError(
      "IO",
      `No query thread could be started: ${message}. The process may have too many open files (ulimit -n).`,
      { cause: error },
    );
  }
  return new LioranError("INTERNAL", `A query thread failed: ${message}`, { cause: error });
}
