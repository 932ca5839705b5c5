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
import type { QueryPool } from "../dispatch/equipment.js";
import type { EncodedBatch, ResultOf, RowsOperation } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import { poolIdleTimeoutMs, poolQueueMax } from "../limits.js";
import type { CancelFlag } from "../query/control.js";
import type { Access } from "../storage/environment.js";
import { addExitHook, removeExitHook } from "./exit-hooks.js";
import type { CursorMessage, CursorRequest, QueryOutcome, QueryTask } from "./query-worker.js";
import { threadArguments } from "./thread-arguments.js";
import { ThreadGate } from "./thread-gate.js";

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
  readonly #running = new Set<CancelFlag>();
  readonly #sources = new Set<PoolSource>();
  readonly #onExit = () => this.#stopForExit();
  #piscina: Promise<Piscina> | undefined;
  #closed = false;

  constructor(options: QueryPoolOptions) {
    this.#options = options;
    this.#gate = options.gate ?? new ThreadGate();
  }

  open(operation: RowsOperation, flag: CancelFlag): BatchSource {
    const { port1, port2 } = new MessageChannel();
    const open = (batchSize: number | undefined) =>
      this.#run({ operation, port: port2, batchSize }, flag, [port2]);
    const source = new PoolSource(port1, flag, open, () => this.#sources.delete(source));
    this.#sources.add(source);
    return source;
  }

  async run<K extends "count" | "distinct" | "search" | "explain">(
    operation: Extract<QueryTask["operation"], { kind: K }>,
    flag: CancelFlag,
  ): Promise<ResultOf<K>> {
    return (await this.#run({ operation }, flag, [])) as ResultOf<K>;
  }

  /** Stops running queries and ends the threads once they are out of LMDB. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const flag of this.#running) flag.cancel();
    // A thread must not be ended under the snapshot of a cursor.
    await Promise.all([...this.#sources].map((source) => source.closed()));
    if (!this.#piscina) return;
    const piscina = await this.#piscina;
    removeExitHook(this.#onExit);
    // Waits for the running tasks: `destroy` would end their threads at once.
    await piscina.close();
  }

  async #run(
    query: Omit<QueryTask, "cell" | "askedAtMs">,
    flag: CancelFlag,
    transferList: MessagePort[],
  ): Promise<unknown> {
    if (this.#closed) throw new LioranError("CLOSED", "The query pool is closed.");
    const task: QueryTask = { ...query, cell: flag.cell, askedAtMs: Date.now() };
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
    for (const flag of this.#running) flag.cancel();
    this.#gate.shut(exitTimeoutMs);
  }
}

/**
 * A cursor whose rows are read on a pool thread.
 *
 *   new --first next--> open --end, error, close--> closing --"closed" from the thread--> closed
 */
class PoolSource implements BatchSource {
  readonly #port: MessagePort;
  readonly #flag: CancelFlag;
  readonly #open: (batchSize: number | undefined) => Promise<unknown>;
  readonly #closed: Promise<void>;
  #onClosed!: () => void;
  #isOpened = false;
  #isClosing = false;
  #waiting: { resolve(message: CursorMessage): void; reject(error: unknown): void } | undefined;

  constructor(
    port: MessagePort,
    flag: CancelFlag,
    open: (batchSize: number | undefined) => Promise<unknown>,
    onClosed: () => void,
  ) {
    this.#port = port;
    this.#flag = flag;
    this.#open = open;
    this.#closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#closed.then(onClosed);
    port.on("message", (message: CursorMessage) => {
      if (message === "closed") this.#finish();
      else this.#take()?.resolve(message);
    });
    // The other end goes with its thread.
    port.once("close", () => {
      this.#take()?.reject(
        new LioranError("INTERNAL", "The query thread of the cursor has ended."),
      );
      this.#finish();
    });
    port.unref();
  }

  async next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }> {
    const message = await new Promise<CursorMessage>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#port.ref();
      if (this.#isOpened) this.#port.postMessage({ batchSize } satisfies CursorRequest);
      else this.#start(batchSize);
    });
    if (message === "closed") throw closedError();
    if ("error" in message) throw decodeError(message.error);
    const { count, bytes, done } = message;
    return { batch: { count, bytes }, done };
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#flag.cancel();
    this.#take()?.reject(closedError());
    if (!this.#isOpened) this.#finish();
    else this.#port.postMessage("close" satisfies CursorRequest);
  }

  /** Closes the cursor and resolves once its snapshot is given up. */
  closed(): Promise<void> {
    this.close();
    // Whoever waits for this must be answered, also when nothing else keeps the process alive.
    this.#port.ref();
    return this.#closed;
  }

  #start(batchSize: number | undefined): void {
    this.#isOpened = true;
    this.#open(batchSize).catch((error: unknown) => {
      // The thread has failed as a whole: there is nothing left to close.
      this.#take()?.reject(error);
      this.#finish();
    });
  }

  #finish(): void {
    this.#isClosing = true;
    this.#port.close();
    this.#onClosed();
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#port.unref();
    return waiting;
  }
}

function closedError(): LioranError {
  return new LioranError("CLOSED", "The cursor was closed while its next batch was read.");
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
