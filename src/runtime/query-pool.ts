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
import type { QueryPool } from "../dispatch/dispatcher.js";
import type { EncodedBatch, FindOperation, ResultOf } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import { poolCursorsPerThreadMax, poolIdleTimeoutMs, poolQueueMax } from "../limits.js";
import type { CancelFlag } from "../query/control.js";
import type { Access } from "../storage/environment.js";
import { addExitHook, removeExitHook } from "./exit-hooks.js";
import type { CursorMessage, CursorRequest, QueryOutcome, QueryTask } from "./query-worker.js";
import { ThreadGate } from "./thread-gate.js";

export interface QueryPoolOptions {
  rootPath: string;
  access: Access;
  /** Most threads. */
  cores: number;
}

/** How long a process that exits waits for its queries to leave LMDB. */
const exitTimeoutMs = 2_000;

export class ThreadQueryPool implements QueryPool {
  readonly #options: QueryPoolOptions;
  readonly #gate = new ThreadGate();
  readonly #running = new Set<CancelFlag>();
  readonly #onExit = () => this.#stopForExit();
  #piscina: Promise<Piscina> | undefined;
  #closed = false;

  constructor(options: QueryPoolOptions) {
    this.#options = options;
  }

  find(operation: FindOperation, flag: CancelFlag): BatchSource {
    const { port1, port2 } = new MessageChannel();
    const source = new PoolSource(port1, flag);
    this.#run({ operation, cell: flag.cell, port: port2 }, flag, [port2]).catch((error: unknown) =>
      source.fail(error),
    );
    return source;
  }

  async run<K extends "count" | "distinct" | "search">(
    operation: Extract<QueryTask["operation"], { kind: K }>,
    flag: CancelFlag,
  ): Promise<ResultOf<K>> {
    return (await this.#run({ operation, cell: flag.cell }, flag, [])) as ResultOf<K>;
  }

  /** Stops running queries and ends the threads once they are out of LMDB. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const flag of this.#running) flag.cancel();
    if (!this.#piscina) return;
    const piscina = await this.#piscina;
    removeExitHook(this.#onExit);
    // Waits for the running tasks: `destroy` would end their threads at once.
    await piscina.close();
  }

  async #run(task: QueryTask, flag: CancelFlag, transferList: MessagePort[]): Promise<unknown> {
    if (this.#closed) throw new LioranError("CLOSED", "The query pool is closed.");
    this.#running.add(flag);
    try {
      this.#piscina ??= this.#start();
      const piscina = await this.#piscina;
      if (piscina.queueSize >= poolQueueMax) throw queueFull();
      const outcome = (await piscina.run(task, { transferList })) as QueryOutcome;
      if ("error" in outcome) throw decodeError(outcome.error);
      return outcome.result;
    } catch (error) {
      throw poolError(error);
    } finally {
      this.#running.delete(flag);
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
      maxQueue: poolQueueMax,
      concurrentTasksPerWorker: poolCursorsPerThreadMax,
      // The default freezes a thread between tasks, and with it the expiry timers of its cursors.
      atomics: "disabled",
      workerData: { rootPath, access, gate: this.#gate.cells },
    });
    // Without a listener a thread that cannot start would crash the process; `run` reports it.
    piscina.on("error", () => {});
    addExitHook(this.#onExit);
    return piscina;
  }

  #stopForExit(): void {
    for (const flag of this.#running) flag.cancel();
    this.#gate.shut(exitTimeoutMs);
  }
}

/** A cursor whose rows are read on a pool thread. */
class PoolSource implements BatchSource {
  readonly #port: MessagePort;
  readonly #flag: CancelFlag;
  #waiting: { resolve(message: CursorMessage): void; reject(error: unknown): void } | undefined;
  #failure: unknown;

  constructor(port: MessagePort, flag: CancelFlag) {
    this.#port = port;
    this.#flag = flag;
    port.on("message", (message: CursorMessage) => this.#take()?.resolve(message));
    port.unref();
  }

  async next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }> {
    if (this.#failure) throw this.#failure;
    const message = await new Promise<CursorMessage>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#port.ref();
      this.#port.postMessage({ batchSize } satisfies CursorRequest);
    });
    if ("error" in message) throw decodeError(message.error);
    const { count, bytes, done } = message;
    return { batch: { count, bytes }, done };
  }

  /** The thread has failed as a whole. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#take()?.reject(error);
  }

  close(): void {
    this.#flag.cancel();
    this.fail(new LioranError("CLOSED", "The cursor was closed while its next batch was read."));
    this.#port.close();
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#port.unref();
    return waiting;
  }
}

function queueFull(): LioranError {
  return new LioranError(
    "QUEUE_FULL",
    `${poolQueueMax} queries wait for a thread of this process already. Try again later, or raise \`cores\`.`,
  );
}

/** What is not an answer of the query itself: the thread could not start, or it died. */
function poolError(error: unknown): LioranError {
  if (error instanceof LioranError) return error;
  const { message } = error as Error;
  return new LioranError("INTERNAL", `A query thread failed: ${message}`, { cause: error });
}
