/**
 * Entry point of the query pool's threads (piscina loads it). A thread opens the databases for
 * reading and runs one query after the other with the same code as everybody else. A cursor stays open
 * on its thread between its batches, no longer than `snapshotAgeMaxMs`; piscina ends a thread only
 * after it has been idle for longer than that.
 */
import { type MessagePort, workerData } from "node:worker_threads";
import type { Division } from "../dispatch/divided/division.js";
import type { Gathered } from "../dispatch/divided/gathered.js";
import { mergedRows } from "../dispatch/divided/merge.js";
import { loadReads } from "../dispatch/late.js";
import { LocalSource } from "../dispatch/local-source.js";
import {
  opensCursor,
  type ReadOperation,
  type Results,
  type RowsOperation,
} from "../dispatch/operation.js";
import { rareReads } from "../dispatch/rare.js";
import { count, distinct, search } from "../dispatch/reads.js";
import type { EncodedError } from "../errors.js";
import { machineMs } from "../machine-clock.js";
import { CancelFlag, CancellableControl } from "../query/control.js";
import { acquireDatabases } from "../storage/databases.js";
import type { Access, Environment } from "../storage/environment.js";
import { loadLmdb } from "../storage/lmdb.js";
import { encodeReadError, type PartTask, runPart } from "./part-worker.js";
import { ThreadGate } from "./thread-gate.js";

/** What the pool hands to a thread. */
export interface QueryTask {
  operation: Extract<
    ReadOperation,
    { kind: RowsOperation["kind"] | "count" | "distinct" | "search" | "explain" }
  >;
  /** Cell of a {@link CancelFlag}. */
  cell: Int32Array<SharedArrayBuffer>;
  /** When it was asked for, by the clock of the machine. */
  askedAtMs: number;
  /** Cursors only: batches go out, requests for more come in. */
  port?: MessagePort;
  /** Cursors only: documents of the first batch. */
  batchSize?: number;
}

/** Puts together what the threads of a divided read have gathered; its results are a cursor. */
export interface MergeTask extends Pick<QueryTask, "cell" | "askedAtMs" | "batchSize"> {
  readonly division: Division;
  readonly gathered: readonly Gathered[];
  readonly maxTimeMs: number;
  readonly port: MessagePort;
}

/** What a thread sends through the port of a cursor. */
export type CursorMessage =
  | { count: number; bytes: Uint8Array; done: boolean }
  | { error: EncodedError }
  | "closed";

/** A request for the next batch, or to close the cursor, which is answered with "closed". */
export type CursorRequest = { batchSize: number | undefined } | "close";

/** The result of a task. Errors travel as data: structured clone would drop their code. */
export type QueryOutcome = { result: unknown } | { error: EncodedError };

interface WorkerData {
  rootPath: string;
  access: Access;
  gate: Int32Array<SharedArrayBuffer>;
}

const { rootPath, access, gate: cells } = piscinaData(workerData);
await loadReads();
const databases = acquireDatabases(rootPath, access);
const gate = new ThreadGate(cells);
// Behind the gate: a process that exits while an addon is being loaded can abort.
gate.run(loadLmdb);

export default async function runQuery(
  task: QueryTask | MergeTask | PartTask,
): Promise<QueryOutcome> {
  try {
    if ("gathered" in task) return openMerge(task);
    if ("division" in task) {
      await runPart(databases.get(task.division.db), task, gate);
      return { result: null };
    }
    const environment = databases.get(task.operation.db);
    environment?.refresh();
    if (opensCursor(task.operation)) return openCursor(environment, task.operation, task);
    return { result: gate.run(() => readOnce(environment, task)) };
  } catch (error) {
    const { db } = "division" in task ? task.division : task.operation;
    return { error: encodeReadError(error, databases.folder(db)) };
  }
}

function readOnce(environment: Environment | undefined, task: QueryTask): unknown {
  const { operation } = task;
  const control = controlOf(task);
  if (operation.kind === "explain" && !environment) {
    return rareReads().explainNothing(operation, control);
  }
  if (!environment) return emptyResults[operation.kind as keyof typeof emptyResults];
  // One view of the data for the whole query, also when it lasts.
  const snapshot = environment.openSnapshot();
  try {
    if (operation.kind === "count") return count(environment, operation, control, snapshot);
    if (operation.kind === "distinct") return distinct(environment, operation, control, snapshot);
    if (operation.kind === "explain") {
      return {
        ...rareReads().explain(environment, operation, control, snapshot),
        place: "pool",
        threads: 1,
      };
    }
    if (operation.kind === "search") return search(environment, operation, control, snapshot);
    throw new Error(`a pool thread does not run ${operation.kind}`);
  } finally {
    snapshot.close();
  }
}

const emptyResults: Pick<Results, "count" | "distinct" | "search"> = {
  count: 0,
  distinct: [],
  search: { idKeys: [], collectionId: 0, version: 0 },
};

/**
 * Opens a cursor and sends its first batch. The task ends with that; later batches are asked for and
 * sent through the port, for as long as the cursor is open, so that a cursor that waits for its reader
 * takes nobody's turn.
 */
function openCursor(
  environment: Environment | undefined,
  operation: RowsOperation,
  task: QueryTask,
): QueryOutcome {
  const control = controlOf(task);
  const source = gate.run(() => LocalSource.of(environment, operation, control));
  return serve(source, task.port!, task.batchSize);
}

function openMerge({ division, gathered, port, batchSize, ...task }: MergeTask): QueryOutcome {
  const usedMs = machineMs() - task.askedAtMs;
  const control = new CancellableControl(new CancelFlag(task.cell), task.maxTimeMs, usedMs);
  return serve(new LocalSource(mergedRows(division, gathered, control), control), port, batchSize);
}

/** Sends the first batch of a cursor, and others as they are asked for. */
function serve(source: LocalSource, port: MessagePort, size: number | undefined): QueryOutcome {
  const close = () => gate.run(() => source.close());
  const sendBatch = (batchSize: number | undefined) => {
    try {
      const { batch, done } = gate.run(() => source.take(batchSize));
      port.postMessage({ ...batch, done } satisfies CursorMessage, [
        batch.bytes.buffer as ArrayBuffer,
      ]);
      if (done) close();
    } catch (error) {
      close();
      port.postMessage({ error: encodeReadError(error, undefined) } satisfies CursorMessage);
    }
  };
  port.on("message", (request: CursorRequest) => {
    if (request === "close") {
      close();
      port.postMessage("closed" satisfies CursorMessage);
    } else sendBatch(request.batchSize);
  });
  port.once("close", close);
  // An open cursor must not keep a thread that piscina ends for being idle.
  port.unref();
  sendBatch(size);
  return { result: null };
}

/** Waiting for a thread counts. */
function controlOf({ operation, cell, askedAtMs }: QueryTask): CancellableControl {
  const { maxTimeMs = 0 } = operation;
  return new CancellableControl(new CancelFlag(cell), maxTimeMs, machineMs() - askedAtMs);
}

/** Piscina wraps the worker data of its user. */
function piscinaData(data: unknown): WorkerData {
  return (Array.isArray(data) ? data[1] : data) as WorkerData;
}
