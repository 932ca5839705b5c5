/**
 * Entry point of the query pool's threads (piscina loads it). A thread opens the databases for
 * reading, runs one query after the other with the same dispatcher code as everybody else, and never
 * keeps a snapshot between tasks: a cursor is one task, from its first batch to its end.
 */
import { once } from "node:events";
import { type MessagePort, workerData } from "node:worker_threads";
import { LocalSource } from "../dispatch/local-source.js";
import type { FindOperation, ReadOperation, Results } from "../dispatch/operation.js";
import { count, distinct, search } from "../dispatch/reads.js";
import { type EncodedError, encodeError } from "../errors.js";
import { CancelFlag, CancellableControl } from "../query/control.js";
import { acquireDatabases } from "../storage/databases.js";
import type { Access, Environment } from "../storage/environment.js";
import { ThreadGate } from "./thread-gate.js";

/** What the pool hands to a thread. */
export interface QueryTask {
  operation: Extract<ReadOperation, { kind: "find" | "count" | "distinct" | "search" }>;
  /** Cell of a {@link CancelFlag}. */
  cell: Int32Array<SharedArrayBuffer>;
  /** Cursors only: batches go out, requests for more come in. */
  port?: MessagePort;
}

/** What a thread sends through the port of a cursor. */
export type CursorMessage =
  | { count: number; bytes: Uint8Array; done: boolean }
  | { error: EncodedError };

/** A request for the next batch. */
export interface CursorRequest {
  batchSize: number | undefined;
}

/** The result of a task. Errors travel as data: structured clone would drop their code. */
export type QueryOutcome = { result: unknown } | { error: EncodedError };

interface WorkerData {
  rootPath: string;
  access: Access;
  gate: Int32Array<SharedArrayBuffer>;
}

const { rootPath, access, gate: cells } = piscinaData(workerData);
const databases = acquireDatabases(rootPath, access);
const gate = new ThreadGate(cells);

export default async function runQuery(task: QueryTask): Promise<QueryOutcome> {
  try {
    const environment = databases.get(task.operation.db);
    environment?.refresh();
    if (task.operation.kind === "find") return await serveCursor(environment, task);
    return { result: gate.run(() => readOnce(environment, task)) };
  } catch (error) {
    return { error: encodeError(error) };
  }
}

function readOnce(environment: Environment | undefined, task: QueryTask): unknown {
  const { operation } = task;
  const control = new CancellableControl(new CancelFlag(task.cell), operation.maxTimeMs ?? 0);
  if (!environment) return emptyResults[operation.kind as "count" | "distinct" | "search"];
  // One view of the data for the whole query, also when it lasts.
  const snapshot = environment.openSnapshot();
  try {
    if (operation.kind === "count") return count(environment, operation, control, snapshot);
    if (operation.kind === "distinct") return distinct(environment, operation, control, snapshot);
    if (operation.kind === "search") return search(environment, operation, control, snapshot);
    throw new Error(`a pool thread does not run ${operation.kind}`);
  } finally {
    snapshot.close();
  }
}

const emptyResults: Pick<Results, "count" | "distinct" | "search"> = {
  count: 0,
  distinct: [],
  search: { idKeys: [], version: 0 },
};

/** Serves a cursor until it is read to its end or its reader is gone. */
async function serveCursor(
  environment: Environment | undefined,
  task: QueryTask,
): Promise<QueryOutcome> {
  const port = task.port!;
  if (!environment) {
    port.postMessage({ count: 0, bytes: new Uint8Array(0), done: true });
    return { result: null };
  }
  const operation = task.operation as FindOperation;
  const control = new CancellableControl(new CancelFlag(task.cell), operation.maxTimeMs ?? 0);
  const requests = new CursorRequests(port);
  let source: LocalSource | undefined;
  try {
    source = gate.run(() => new LocalSource(environment, operation, control));
    for (;;) {
      const request = await requests.next();
      if (!request) return { result: null };
      const { batch, done } = gate.run(() => source!.take(request.batchSize));
      const message: CursorMessage = { ...batch, done };
      port.postMessage(message, [batch.bytes.buffer as ArrayBuffer]);
      if (done) return { result: null };
    }
  } catch (error) {
    port.postMessage({ error: encodeError(error) } satisfies CursorMessage);
    return { result: null };
  } finally {
    source?.close();
  }
}

/** The reader's requests in order; `undefined` once the reader has closed its end. */
class CursorRequests {
  readonly #waiting: CursorRequest[] = [];
  readonly #closed: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    port.on("message", (request: CursorRequest) => {
      this.#waiting.push(request);
      this.#wake?.();
    });
    this.#closed = once(port, "close").then(() => {});
  }

  async next(): Promise<CursorRequest | undefined> {
    if (this.#waiting.length === 0) {
      const arrived = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([arrived, this.#closed]);
    }
    return this.#waiting.shift();
  }
}

/** Piscina wraps the worker data of its user. */
function piscinaData(data: unknown): WorkerData {
  return (Array.isArray(data) ? data[1] : data) as WorkerData;
}
