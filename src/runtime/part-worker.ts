/**
 * The pool thread's side of a divided read: meets the other threads of the query, then goes over the parts that
 * nobody has taken yet, one after the other. What it finds goes out through its port.
 *
 * Owning thread: a thread of the query pool.
 *
 * Invariants
 *  1. The last message is one of those that end a task (see `PartMessage`), and comes after the snapshot was
 *     given up. It comes with the last rows: whoever has them all may ask for the thread again at once.
 *  2. A thread whose reader is behind by what it may read ahead holds its snapshot and nothing else: its
 *     task has ended, and it goes on when it is asked to.
 */
import type { MessagePort } from "node:worker_threads";
import type { Division } from "../dispatch/divided/division.js";
import { type Gathered, memoryOf } from "../dispatch/divided/gathered.js";
import { Part } from "../dispatch/divided/part.js";
import { snapshotTooOld } from "../dispatch/local-source.js";
import type { ResultRow } from "../dispatch/reads.js";
import { type EncodedError, encodeError } from "../errors.js";
import {
  batchBytesMax,
  partBatchDocuments,
  partBytesAheadFirst,
  partBytesAheadMax,
  partSliceMs,
  snapshotAgeMaxMs,
} from "../limits.js";
import { machineMs } from "../machine-clock.js";
import { CancelFlag, CancellableControl } from "../query/control.js";
import { underControl } from "../query/loop-control.js";
import { findCollection } from "../storage/catalog.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { lmdbFailure, storageFailure } from "../storage/lmdb-failure.js";
import { readStatistics } from "../storage/statistics.js";
import {
  breakMeeting,
  MeetingBroken,
  NoCommonState,
  SnapshotMeeting,
  type Taken,
} from "./snapshot-meeting.js";
import type { ThreadGate } from "./thread-gate.js";

/** What the pool hands to each thread of a divided read. */
export interface PartTask {
  readonly division: Division;
  /** How many threads there are, and which of them this one is. */
  readonly threads: number;
  readonly place: number;
  readonly meeting: SharedArrayBuffer;
  /** The next part that nobody has taken. */
  readonly next: Int32Array<SharedArrayBuffer>;
  /** How many queries wait for a thread. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
  readonly port: MessagePort;
  /** Cell of a {@link CancelFlag}. */
  readonly cell: Int32Array<SharedArrayBuffer>;
  readonly maxTimeMs: number;
  /** When it was asked for, by the clock of the machine. */
  readonly askedAtMs: number;
}

/** Rows of one part, in order. */
export interface RowsMessage {
  readonly kind: "rows";
  readonly part: number;
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
  /** Whether these are the last ones of the part. */
  readonly isLast: boolean;
  /** Whether the thread has nothing left to do. */
  readonly isEnd: boolean;
}

/** What a thread sends. All but rows ends it, and the last rows do. */
export type PartMessage =
  | RowsMessage
  | { readonly kind: "gathered"; readonly gathered: Gathered }
  /** Nothing is left to do, or the reader has closed. */
  | { readonly kind: "end" }
  /** The threads could not get snapshots of one state. */
  | { readonly kind: "scattered" }
  | { readonly kind: "error"; readonly error: EncodedError };

/** What a thread is sent: so many bytes were read, it may go on; or it has to stop. */
export type PartRequest = { readonly readBytes: number } | "close";

/** Ends when the part does, or first has to wait for its reader. */
export function runPart(
  environment: Environment | undefined,
  task: PartTask,
  gate: ThreadGate,
): Promise<void> {
  const { port, division } = task;
  const control = new CancellableControl(
    new CancelFlag(task.cell),
    task.maxTimeMs,
    machineMs() - task.askedAtMs,
  );
  // An open part must not keep a thread that piscina ends for being idle.
  port.unref();
  let snapshot: Snapshot | undefined;
  try {
    snapshot = environment && gate.run(() => meet(environment, task, control));
    if (!environment || !snapshot) {
      breakMeeting(task.meeting);
      send(port, { kind: "scattered" });
      return Promise.resolve();
    }
    const part = new Part(environment, division, control, snapshot);
    if (division.gathering.kind === "rows") {
      return new RowSender(part, task, control, snapshot, gate).run();
    }
    const taken = snapshot;
    const gathered = gate.run(() => {
      try {
        return underControl(control, () => gatherAll(part, task));
      } finally {
        taken.close();
      }
    });
    send(port, { kind: "gathered", gathered }, memoryOf(gathered));
  } catch (error) {
    breakMeeting(task.meeting);
    gate.run(() => snapshot?.close());
    send(port, endOf(error, environment));
  }
  return Promise.resolve();
}

function meet(environment: Environment, task: PartTask, control: CancellableControl): Snapshot {
  const { collection } = task.division;
  const meeting = new SnapshotMeeting(task.meeting, task.threads, task.place);
  const take = (): Taken<Snapshot> => {
    const value = environment.openSnapshot();
    try {
      const id = findCollection(environment, collection, value)?.id ?? 0;
      return { value, mark: [id, readStatistics(environment, id, value).version] };
    } catch (error) {
      value.close();
      throw error;
    }
  };
  return meeting.take(
    take,
    (value) => value.close(),
    () => control.poll(),
  );
}

function gatherAll(part: Part, task: PartTask): Gathered {
  for (;;) {
    const at = mayGoOn(task) ? takeNext(task) : undefined;
    if (at === undefined) return part.gathered();
    part.gather(at);
  }
}

/** Where somebody waits for a thread, one is enough for a query. */
function mayGoOn({ place, waiting }: PartTask): boolean {
  return place === 0 || Atomics.load(waiting, 0) === 0;
}

function takeNext({ next, division }: PartTask): number | undefined {
  const at = Atomics.add(next, 0, 1);
  return at < division.ranges.length ? at : undefined;
}

/** Sends rows for as long as the reader keeps up. */
class RowSender {
  readonly #part: Part;
  readonly #task: PartTask;
  readonly #control: CancellableControl;
  readonly #snapshot: Snapshot;
  readonly #gate: ThreadGate;
  readonly #expiry: NodeJS.Timeout;
  #rows: Generator<ResultRow, void, void> | undefined;
  #at = 0;
  /** How far it may be ahead of its reader. */
  #aheadBytes = partBytesAheadFirst;
  /** Bytes that it may send before it has to wait. */
  #leftBytes = partBytesAheadFirst;
  #isOver = false;
  #onPause: (() => void) | undefined;
  #again: NodeJS.Immediate | undefined;

  constructor(
    part: Part,
    task: PartTask,
    control: CancellableControl,
    snapshot: Snapshot,
    gate: ThreadGate,
  ) {
    this.#part = part;
    this.#task = task;
    this.#control = control;
    this.#snapshot = snapshot;
    this.#gate = gate;
    this.#expiry = setTimeout(() => this.#end(endOf(snapshotTooOld())), snapshotAgeMaxMs).unref();
    task.port.on("message", (request: PartRequest) => {
      if (request === "close") this.#end({ kind: "end" });
      else {
        this.#onRead(request.readBytes);
        this.#send();
      }
    });
    task.port.once("close", () => this.#end({ kind: "end" }));
    task.port.unref();
  }

  #onRead(bytes: number): void {
    const ahead = Math.min(2 * this.#aheadBytes, partBytesAheadMax);
    this.#leftBytes += bytes + ahead - this.#aheadBytes;
    this.#aheadBytes = ahead;
  }

  /** Resolves when it ends, or first waits for the reader. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPause = resolve;
      this.#send();
    });
  }

  #send(): void {
    clearImmediate(this.#again);
    const sliceEndMs = performance.now() + partSliceMs;
    try {
      while (this.#leftBytes > 0 && !this.#isOver) {
        this.#sendBatch();
        if (performance.now() < sliceEndMs) continue;
        // A query that was given this thread meanwhile must not wait for all that is left.
        this.#again = setImmediate(() => this.#send());
        return;
      }
    } catch (error) {
      this.#end(endOf(error, this.#snapshot.environment));
    }
    this.#onPause?.();
  }

  #sendBatch(): void {
    const rows = this.#rows ?? this.#nextPart();
    if (!rows) {
      this.#end({ kind: "end" });
      return;
    }
    const part = this.#at;
    const take = () => takeRows(rows, Math.min(batchBytesMax, this.#leftBytes));
    const { bytes, lengths, isLast } = this.#gate.run(() => underControl(this.#control, take));
    this.#leftBytes -= bytes.length;
    const isEnd = isLast && !this.#nextPart();
    const message: RowsMessage = { kind: "rows", part, bytes, lengths, isLast, isEnd };
    const memory = [bytes.buffer as ArrayBuffer, lengths.buffer as ArrayBuffer];
    if (isEnd) this.#end(message, memory);
    else send(this.#task.port, message, memory);
  }

  /** Begins the next part, if there is one that nobody has taken. */
  #nextPart(): Generator<ResultRow, void, void> | undefined {
    const at = mayGoOn(this.#task) ? takeNext(this.#task) : undefined;
    this.#rows = at === undefined ? undefined : this.#part.rowsOf(at);
    if (at !== undefined) this.#at = at;
    return this.#rows;
  }

  #end(message: PartMessage, memory: ArrayBuffer[] = []): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#expiry);
    clearImmediate(this.#again);
    this.#gate.run(() => {
      this.#rows?.return();
      this.#snapshot.close();
    });
    send(this.#task.port, message, memory);
    // It may have been closed between two slices, before it came to wait for its reader.
    this.#onPause?.();
  }
}

function takeRows(rows: Iterator<ResultRow>, bytesMax: number) {
  const encoded: Uint8Array[] = [];
  let length = 0;
  let isLast = false;
  while (encoded.length < partBatchDocuments && length < bytesMax) {
    const { value, done } = rows.next();
    if (done) {
      isLast = true;
      break;
    }
    const { bytes } = value;
    encoded.push(bytes);
    length += bytes.length;
  }
  const bytes = new Uint8Array(length);
  const lengths = new Uint32Array(encoded.length);
  let end = 0;
  for (const [at, one] of encoded.entries()) {
    bytes.set(one, end);
    end += one.length;
    lengths[at] = one.length;
  }
  return { bytes, lengths, isLast };
}

function endOf(error: unknown, environment?: Environment): PartMessage {
  if (error instanceof NoCommonState) return { kind: "scattered" };
  // Another thread says why.
  if (error instanceof MeetingBroken) return { kind: "end" };
  return { kind: "error", error: encodeReadError(error, environment?.folder) };
}

/** What ended a read on a thread, as data. */
export function encodeReadError(error: unknown, folder: string | undefined): EncodedError {
  return encodeError(
    folder === undefined
      ? lmdbFailure("reading on a query thread", error)
      : storageFailure(folder, "reading", error),
  );
}

function send(port: MessagePort, message: PartMessage, transferred: ArrayBuffer[] = []): void {
  port.postMessage(message, transferred);
}
