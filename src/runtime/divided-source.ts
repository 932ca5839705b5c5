/**
 * A cursor over a divided read: its parts are read on several threads of the pool. Rows of the parts follow each
 * other in the order of the walk and are passed on as they are, without being decoded; what has to be gathered
 * from all parts is put together on one thread when all have ended.
 *
 * Owning thread: the pool's.
 *
 *   new --first next--> parts --(gathered, scattered, one thread only)--> other
 *    |                    |                                                 |
 *    +------ close -------+---------- end, error, close --------------------+--> closed
 *
 * Invariants
 *  1. No row is given twice or left out: parts are read in order, and each by one thread.
 *  2. It reads ahead of its reader by `partBytesAheadMax` for each thread at most.
 *  3. Only while somebody waits for a batch does it keep its event loop alive.
 */
import type { BatchSource } from "../dispatch/cursors.js";
import type { Division } from "../dispatch/divided/division.js";
import type { Gathered } from "../dispatch/divided/gathered.js";
import type { EncodedBatch } from "../dispatch/operation.js";
import { decodeError, LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { batchBytesMax, firstBatchDocuments } from "../limits.js";
import type { CancelFlag } from "../query/control.js";
import { PartLink } from "./part-link.js";
import type { PartMessage, PartTask, RowsMessage } from "./part-worker.js";
import type { Closing } from "./pool-source.js";
import { breakMeeting, meetingCells } from "./snapshot-meeting.js";
import type { ThreadShare } from "./thread-shares.js";

/** What the pool does for a divided read. */
export interface PartPool {
  /** How many queries wait for a thread. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
  /** Waits for threads. */
  acquire(threads: number): Promise<ThreadShare[]>;
  /** Runs a task on a thread, and gives that back. */
  runPart(task: PartTask, share: ThreadShare): Promise<void>;
  /** The same read on one thread. @param share that thread, if it was acquired */
  openSingle(share?: ThreadShare): BatchSource & Closing;
  /** Puts together what was gathered. @param share the thread that does it */
  openMerge(gathered: Gathered[], share: ThreadShare): BatchSource & Closing;
}

interface Batch {
  batch: EncodedBatch;
  done: boolean;
}

export class DividedSource implements BatchSource, Closing {
  readonly #division: Division;
  readonly #pool: PartPool;
  readonly #flag: CancelFlag;
  readonly #time: { readonly maxTimeMs: number; readonly askedAtMs: number };
  /** A thread that has ended its part, and is kept for what follows. */
  #kept: ThreadShare | undefined;
  readonly #links: PartLink[] = [];
  /** Rows that have arrived, by part. */
  readonly #arrived = new Map<number, { message: RowsMessage; link: PartLink; used: number }[]>();
  readonly #gathered: Gathered[] = [];
  readonly #ended: Promise<void>;
  #onEnded!: () => void;
  /** Threads of parts. */
  readonly #held = new Set<ThreadShare>();
  #other: (BatchSource & Closing) | undefined;
  #part = 0;
  #skip: number;
  #left: number;
  #isScattered = false;
  #error: unknown;
  #isClosing = false;
  #wake: (() => void) | undefined;

  /** @param time how long it may take, and since when */
  constructor(
    division: Division,
    pool: PartPool,
    flag: CancelFlag,
    time: { maxTimeMs: number; askedAtMs: number },
  ) {
    this.#division = division;
    this.#pool = pool;
    this.#flag = flag;
    this.#time = time;
    this.#ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    this.#skip = division.skip;
    this.#left = division.limit > 0 ? division.limit : Number.POSITIVE_INFINITY;
  }

  async next(batchSize: number | undefined): Promise<Batch> {
    if (this.#isClosing) throw closedError();
    if (this.#links.length === 0 && !this.#other) {
      const single = await this.#begin();
      if (this.#isClosing) {
        single?.release();
        throw closedError();
      }
      if (single) this.#other = this.#pool.openSingle(single);
    }
    if (!this.#other && this.#division.gathering.kind !== "rows") await this.#gather();
    if (!this.#other) {
      const batch = await this.#nextRows(batchSize);
      if (batch) return batch;
    }
    return this.#other!.next(batchSize);
  }

  /** What the threads have gathered; or that one thread has to do it, with the one that is there for it. */
  async gathered(): Promise<{ gathered: Gathered[] } | { share: ThreadShare | undefined }> {
    const single = await this.#begin();
    if (!single && (await this.#allGathered())) {
      this.#leave();
      return { gathered: this.#gathered };
    }
    const share = single ?? this.#takeKept();
    this.#leave();
    return { share };
  }

  close(): void {
    if (this.#isClosing) return;
    this.#flag.cancel();
    for (const link of this.#links) link.close();
    this.#leave();
  }

  /** Closes it without stopping what goes on with the same flag. */
  #leave(): void {
    this.#isClosing = true;
    this.#takeKept()?.release();
    this.#other?.close();
    this.#wake?.();
    this.#settle();
  }

  #settle(): void {
    if (this.#isClosing && this.#links.every((link) => link.isEnded)) this.#onEnded();
  }

  /** Closes it and resolves once no thread has a snapshot for it. */
  async closed(): Promise<void> {
    this.close();
    // Whoever waits for this must be answered, also when nothing else keeps the process alive.
    for (const link of this.#links) link.ref();
    await this.#ended;
    await this.#other?.closed();
  }

  /** Resolves once it is closed and no thread has a snapshot for it. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /** @returns the thread, when there is only one */
  async #begin(): Promise<ThreadShare | undefined> {
    const shares = await this.#pool.acquire(this.#division.threads);
    if (this.#isClosing) {
      for (const share of shares) share.release();
      throw closedError();
    }
    if (shares.length === 1) return shares[0];
    this.#start(shares);
    return undefined;
  }

  #start(shares: readonly ThreadShare[]): void {
    const division = this.#division;
    const threads = shares.length;
    for (const share of shares) this.#held.add(share);
    const meeting = meetingCells(threads);
    const next = new Int32Array(new SharedArrayBuffer(4));
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    for (const [place, share] of shares.entries()) {
      const { port1, port2 } = new MessageChannel();
      const link = new PartLink(port1, (message) => {
        // Before whoever waits for the result asks for threads again.
        if (link.isEnded) this.#giveBack(share);
        this.#onMessage(link, message);
      });
      this.#links.push(link);
      // Kept by the last one, whatever becomes of its task.
      const held: ThreadShare = { release: () => this.#giveBack(share) };
      const task: PartTask = {
        division,
        threads,
        place,
        meeting,
        next,
        port: port2,
        cell: this.#flag.cell,
        waiting: this.#pool.waiting,
        ...this.#time,
      };
      this.#pool.runPart(task, held).catch((error: unknown) => {
        // The thread has failed as a whole, and the others must not wait for it.
        breakMeeting(meeting);
        link.fail(error);
      });
    }
  }

  #onMessage(link: PartLink, message: PartMessage | { kind: "failed"; error: unknown }): void {
    switch (message.kind) {
      case "rows": {
        const rows = this.#arrived.get(message.part);
        const arrived = { message, link, used: 0 };
        if (rows) rows.push(arrived);
        else this.#arrived.set(message.part, [arrived]);
        break;
      }
      case "gathered":
        this.#gathered.push(message.gathered);
        break;
      case "scattered":
        this.#isScattered = true;
        break;
      case "error":
        this.#error ??= decodeError(message.error);
        break;
      case "failed":
        this.#error ??= message.error;
        break;
      case "end":
        break;
    }
    this.#wake?.();
    this.#settle();
  }

  /** The last thread that ends its part is kept where its query goes on. */
  #giveBack(share: ThreadShare): void {
    if (!this.#held.delete(share)) return;
    const goesOn = this.#division.gathering.kind !== "rows" && !this.#isClosing;
    if (goesOn && this.#held.size === 0) this.#kept = share;
    else share.release();
  }

  #takeKept(): ThreadShare | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  /** Waits for a message. */
  async #wait(): Promise<void> {
    for (const link of this.#links) link.ref();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    for (const link of this.#links) link.unref();
    if (this.#isClosing) throw closedError();
  }

  /** @returns false when the threads could not get snapshots of one state */
  async #allGathered(): Promise<boolean> {
    while (this.#links.some((link) => !link.isEnded)) {
      if (this.#error !== undefined) break;
      await this.#wait();
    }
    this.#throwError();
    return !this.#isScattered;
  }

  async #gather(): Promise<void> {
    const isComplete = await this.#allGathered();
    const share = this.#takeKept();
    this.#other =
      isComplete && share
        ? this.#pool.openMerge(this.#gathered, share)
        : this.#pool.openSingle(share);
  }

  /** The next rows; undefined when the read has to begin again on one thread. */
  async #nextRows(batchSize = firstBatchDocuments): Promise<Batch | undefined> {
    const size = Math.min(batchSize, this.#left);
    const slices: Uint8Array[] = [];
    let count = 0;
    let bytes = 0;
    while (count < size && bytes < batchBytesMax && this.#part < this.#division.ranges.length) {
      const first = this.#arrived.get(this.#part)?.[0];
      if (!first) {
        this.#throwError();
        if (this.#isScattered) {
          await this.#allEnded();
          this.#other = this.#pool.openSingle();
          return undefined;
        }
        invariant(
          this.#links.some((link) => !link.isEnded),
          "the parts of a read do not just end",
        );
        await this.#wait();
        continue;
      }
      const taken = takeSlice(first, this.#skip, size - count, batchBytesMax - bytes);
      this.#skip -= taken.skipped;
      count += taken.count;
      bytes += taken.bytes.length;
      if (taken.count > 0) slices.push(taken.bytes);
      if (first.used === first.message.lengths.length) this.#finish(first.message, first.link);
    }
    this.#left -= count;
    const done = this.#left === 0 || this.#part === this.#division.ranges.length;
    if (done) this.close();
    return { batch: { count, bytes: joined(slices, bytes) }, done };
  }

  async #allEnded(): Promise<void> {
    while (this.#links.some((link) => !link.isEnded)) await this.#wait();
  }

  #finish({ part, bytes, isLast }: RowsMessage, link: PartLink): void {
    this.#arrived.get(part)!.shift();
    link.read(bytes.length);
    if (!isLast) return;
    this.#arrived.delete(part);
    this.#part += 1;
  }

  #throwError(): void {
    if (this.#error === undefined) return;
    const error = this.#error;
    this.close();
    throw error;
  }
}

/** Takes rows from what has arrived, and notes how far it is used. */
function takeSlice(
  arrived: { message: RowsMessage; used: number },
  skip: number,
  countMax: number,
  bytesMax: number,
) {
  const { bytes, lengths } = arrived.message;
  const skipped = Math.min(skip, lengths.length - arrived.used);
  const first = arrived.used + skipped;
  let start = 0;
  for (let at = 0; at < first; at += 1) start += lengths[at]!;
  let end = start;
  let at = first;
  // One row at least, however large it is.
  while (at < lengths.length && at - first < countMax && (at === first || end - start < bytesMax)) {
    end += lengths[at]!;
    at += 1;
  }
  arrived.used = at;
  return { skipped, count: at - first, bytes: bytes.subarray(start, end) };
}

/** In memory of its own, so that it can be transferred. What is whole already is passed on as it is. */
function joined(slices: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = slices;
  if (only && slices.length === 1 && only.length === only.buffer.byteLength) return only;
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const slice of slices) {
    bytes.set(slice, end);
    end += slice.length;
  }
  return bytes;
}

function closedError(): LioranError {
  return new LioranError("CLOSED", "The cursor was closed while its next batch was read.");
}
