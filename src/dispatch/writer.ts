/**
 * Group commit. Writes of all processes queue up here; whatever has arrived while one commit was
 * flushed forms the next one, so that N processes share one flush.
 *
 * Owning thread: the Host.
 *
 * Invariants
 *  1. Only this class commits, one commit at a time.
 *  2. Tasks of one database are applied in the order they arrived.
 *  3. A task is answered exactly once, and not before its commit is as durable as it asked for.
 *  4. A task that fails leaves nothing behind and does not disturb the others of its commit.
 *  5. What drops or renames a collection is committed only when no process can still use what it knew of the catalog.
 *  6. What a task did and what it answered (the session record) are in the same commit.
 */
import { encodeError, LioranError } from "../errors.js";
import { faultPoint } from "../fault.js";
import { commitBytesMax, commitOperationsMax } from "../limits.js";
import { hasDropped, purgeDropped } from "../storage/catalog.js";
import { CommitClock } from "../storage/commit-clock.js";
import type { Databases } from "../storage/databases.js";
import type { Environment } from "../storage/environment.js";
import { isOutOfSpace, lmdbFailure, storageFailure } from "../storage/lmdb-failure.js";
import { removeRecords } from "../storage/sessions.js";
import { WriteTransaction } from "../storage/write-transaction.js";
import { CatalogChanges } from "./catalog-changes.js";
import type { ClientSession } from "./client-session.js";
import { CommitGate } from "./commit-gate.js";
import { PartialWrite, type WriteOutcome } from "./outcome.js";

/** One write operation, ready to be applied. */
export interface WriteTask {
  readonly db: string;
  /** Size of the operation: bounds what goes into one commit. */
  readonly bytes: number;
  /** Whether it may drop or rename a collection. */
  readonly changesCatalog: boolean;
  /** Acknowledge only after the flush. */
  readonly flush: boolean;
  /** Who asked, and under which number: for recognising it when it is sent again. */
  readonly session: ClientSession | undefined;
  readonly sequence: number;
  /** Applies the operation. @returns the encoded reply */
  apply(transaction: WriteTransaction): Uint8Array;
  /** Takes the outcome, once, after the commit. */
  settle(outcome: WriteOutcome): void;
}

/** What a commit was. */
export interface Commit {
  readonly db: string;
  readonly operations: number;
  /** Applying its tasks, and the flush if there was one. */
  readonly durationMs: number;
  readonly isFlushed: boolean;
}

/** What a commit has led to, and what is left to do after it. */
interface Committed {
  readonly outcomes: WriteOutcome[];
  readonly finish: () => void;
}

/** Commits that nobody waits for the flush of are flushed after this time. */
const backgroundFlushMs = 20;
/** What could not be removed or flushed, because the disk is full for example, is tried again after this time. */
const retryMs = 1_000;

export class Writer {
  readonly #databases: Databases;
  readonly #encode: (value: unknown) => Uint8Array;
  readonly #gate: CommitGate;
  readonly #clock: CommitClock;
  readonly #queues = new Map<string, WriteTask[]>();
  /** Session records that are of no more use, by their keys in hex; they go with the next commit. */
  readonly #obsolete = new Map<Environment, Map<string, Uint8Array>>();
  readonly #catalogChanges = new CatalogChanges();
  /** Those in which nothing dropped is left, as the last look at their catalog has shown. */
  readonly #tidy = new WeakSet<Environment>();
  #scheduled = false;
  #queued = 0;
  #idle: (() => void)[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  #garbageTimer: NodeJS.Timeout | undefined;
  /** Told of each commit that changed something, before its tasks are answered. */
  onCommit: (commit: Commit) => void = () => {};

  constructor(
    databases: Databases,
    encode: (value: unknown) => Uint8Array,
    gate: CommitGate = new CommitGate(),
    clock: CommitClock = new CommitClock(),
  ) {
    this.#databases = databases;
    this.#encode = encode;
    this.#gate = gate;
    this.#clock = clock;
  }

  /** Tasks that wait for their commit. */
  get queued(): number {
    return this.#queued;
  }

  /** Queues a write. Its `settle` is called in a later turn. */
  submit(task: WriteTask): void {
    const queue = this.#queues.get(task.db);
    if (queue) queue.push(task);
    else this.#queues.set(task.db, [task]);
    this.#queued += 1;
    this.#schedule();
  }

  /** Removes session records with the next commit; they are not worth one of their own. */
  removeSoon(environment: Environment, keys: readonly Uint8Array[]): void {
    if (keys.length === 0) return;
    const known = this.#obsolete.get(environment) ?? new Map<string, Uint8Array>();
    for (const key of keys) known.set(Buffer.from(key).toString("hex"), key);
    this.#obsolete.set(environment, known);
  }

  /** Resolves once nothing is queued and everything is on the disk. */
  async drain(): Promise<void> {
    if (this.#queued > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    clearTimeout(this.#garbageTimer);
    for (const environment of this.#databases.opened()) {
      if (this.#obsolete.has(environment)) {
        environment.commit(() => this.#removeObsolete(environment), true);
        this.#obsolete.delete(environment);
      }
      await environment.flush();
    }
  }

  #schedule(afterMs = 0): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // setImmediate runs after the turn's I/O: everything that has arrived joins the commit.
    if (afterMs <= 0) setImmediate(() => this.#turn());
    else setTimeout(() => this.#turn(), Math.ceil(afterMs));
  }

  #turn(): void {
    this.#scheduled = false;
    if (!this.#gate.enter()) return;
    let waitMs: number;
    try {
      waitMs = this.#commitOnce();
    } finally {
      this.#gate.leave();
    }
    if (this.#queued > 0 || this.#hasGarbage()) this.#schedule(waitMs);
    else for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Commits the next batch of each database that has one. @returns how long what is left has to wait at least */
  #commitOnce(): number {
    let waitMs = Number.POSITIVE_INFINITY;
    for (const [db, queue] of [...this.#queues]) {
      const wait = this.#waitOf(db, queue);
      waitMs = Math.min(waitMs, wait.ms);
      const batch = takeBatch(queue, wait.from);
      if (queue.length === 0) this.#queues.delete(db);
      if (batch.length > 0) this.#commitBatch(db, batch);
    }
    if (this.#queued === 0) this.#collectGarbage();
    return Number.isFinite(waitMs) ? waitMs : 0;
  }

  /** From which task on a queue has to wait, and how long: from one that changes the catalog, while there are leases. */
  #waitOf(db: string, queue: WriteTask[]): { from: number; ms: number } {
    const from = queue.findIndex((task) => task.changesCatalog);
    if (from < 0) return { from: queue.length, ms: 0 };
    try {
      const environment = this.#databases.get(db)!;
      let ms = this.#catalogChanges.waitMs(environment);
      if (ms === undefined) {
        const { flush } = queue[from];
        this.#catalogChanges.end(environment, (work) =>
          this.#clock.commit(() => environment.commit(work, flush)),
        );
        if (!flush) this.#flushSoon();
        faultPoint("leases-ended");
        ms = this.#catalogChanges.waitMs(environment)!;
      }
      return { from: ms === 0 ? queue.length : from, ms };
    } catch (error) {
      const [task] = queue.splice(from, 1);
      this.#settle([task], [this.#failure(this.#writeFailure(db, error))]);
      return { from, ms: 0 };
    }
  }

  /** @param later tasks that are committed after these and are not in the queue */
  #commitBatch(db: string, batch: WriteTask[], later: readonly WriteTask[] = []): void {
    let committed: Committed;
    try {
      const environment = this.#databases.get(db)!;
      committed = this.#applyWithSpace(db, environment, batch, (done) =>
        [batch.slice(done), later, this.#queues.get(db) ?? []].some(changeCatalog),
      );
    } catch (error) {
      // The commit failed as a whole and left nothing. One by one, the others get through.
      if (batch.length > 1) {
        for (let i = 0; i < batch.length; i += 1) {
          this.#commitBatch(db, [batch[i]], batch.slice(i + 1));
        }
        return;
      }
      const outcome = this.#failure(this.#writeFailure(db, error));
      committed = { outcomes: [outcome], finish: () => {} };
    }
    const { outcomes, finish } = committed;
    // Not in the `try`: what fails from here on must end this Host, and not make it apply the batch again.
    finish();
    const done = batch.slice(0, outcomes.length);
    // Tasks that found no place in their commit are the first of the next one.
    const left = batch.slice(outcomes.length);
    if (left.length > 0) this.#queues.set(db, [...left, ...(this.#queues.get(db) ?? [])]);
    this.#settle(done, outcomes);
  }

  #settle(batch: WriteTask[], outcomes: WriteOutcome[]): void {
    this.#queued -= batch.length;
    for (let i = 0; i < batch.length; i += 1) batch[i].settle(outcomes[i]);
  }

  /** As {@link #apply}. On a full disk it is tried again with the space that the commit before has freed. */
  #applyWithSpace(
    db: string,
    environment: Environment,
    batch: WriteTask[],
    changesFollow: (done: number) => boolean,
  ): Committed {
    try {
      return this.#apply(db, environment, batch, changesFollow);
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
      this.#clock.commit(() => environment.commitNothing());
      return this.#apply(db, environment, batch, changesFollow);
    }
  }

  /**
   * Applies and commits a batch; returns once it is as durable as its tasks ask for.
   *
   * @param changesFollow whether some task after that many of the batch changes the catalog
   */
  #apply(
    db: string,
    environment: Environment,
    batch: WriteTask[],
    changesFollow: (done: number) => boolean,
  ): Committed {
    const startMs = performance.now();
    const flush = batch.some((task) => task.flush);
    const outcomes: WriteOutcome[] = [];
    const afterCommit: (() => void)[] = [];
    let wrote = false;
    const work = () => {
      const transaction = new WriteTransaction(environment);
      const sessions = new Map<ClientSession, { sequence: number; outcome: WriteOutcome }[]>();
      let replyBytes = 0;
      for (const task of batch) {
        // Replies are kept until they are sent, and stored: they are bounded like the requests.
        if (replyBytes > commitBytesMax) break;
        const mark = transaction.mark();
        const outcome = this.#applyTask(transaction, task);
        outcomes.push(outcome);
        faultPoint("inside-transaction");
        replyBytes += outcome.body.length;
        // What changed nothing may be asked again: only effects need to be remembered.
        if (!task.session || transaction.mark() === mark) continue;
        const replies = sessions.get(task.session);
        if (replies) replies.push({ sequence: task.sequence, outcome });
        else sessions.set(task.session, [{ sequence: task.sequence, outcome }]);
      }
      const resumed = this.#catalogChanges.resume(environment, () =>
        changesFollow(outcomes.length),
      );
      if (resumed) afterCommit.push(resumed);
      if (transaction.catalogVersion > 0) this.#tidy.delete(environment);
      wrote = transaction.hasWrites || resumed !== undefined;
      if (!wrote) return;
      transaction.finish();
      for (const [session, replies] of sessions) {
        afterCommit.push(session.remember(environment, replies));
      }
      this.#removeObsolete(environment);
      faultPoint("before-commit");
    };
    this.#clock.commit(() => environment.commit(work, flush));
    const durationMs = performance.now() - startMs;
    const finish = () => {
      if (wrote) this.#obsolete.delete(environment);
      if (!flush) {
        faultPoint("after-commit-before-flush");
        this.#flushSoon();
      }
      for (const done of afterCommit) done();
      faultPoint("after-flush-before-reply");
      if (wrote) this.onCommit({ db, operations: outcomes.length, durationMs, isFlushed: flush });
    };
    return { outcomes, finish };
  }

  #applyTask(transaction: WriteTransaction, task: WriteTask): WriteOutcome {
    const mark = transaction.mark();
    try {
      return { failed: false, body: task.apply(transaction) };
    } catch (error) {
      // A partial success (an ordered insert that stopped) says so itself and keeps its writes.
      if (error instanceof PartialWrite) return this.#failure(error.reason);
      if (!(error instanceof LioranError)) throw error;
      transaction.rollbackTo(mark);
      return this.#failure(storageFailure(transaction.environment.folder, "writing", error));
    }
  }

  #failure(error: unknown): WriteOutcome {
    return { failed: true, body: this.#encode(encodeError(error)) };
  }

  #removeObsolete(environment: Environment): void {
    removeRecords(environment, [...(this.#obsolete.get(environment)?.values() ?? [])]);
  }

  #flushSoon(afterMs = backgroundFlushMs): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      const flushes = [...this.#databases.opened()].map((environment) => environment.flush());
      Promise.all(flushes).catch(() => this.#flushSoon(retryMs));
    }, afterMs);
  }

  #hasGarbage(): boolean {
    if (this.#garbageTimer) return false;
    for (const environment of this.#databases.opened()) {
      if (this.#holdsGarbage(environment)) return true;
    }
    return false;
  }

  #collectGarbage(): void {
    if (this.#garbageTimer) return;
    for (const environment of this.#databases.opened()) {
      if (!this.#holdsGarbage(environment)) continue;
      try {
        environment.commit(() => purgeDropped(environment), true);
        faultPoint("after-purge-slice");
      } catch (error) {
        // What is no failure of LMDB is one of ours.
        if (!(lmdbFailure("", error) instanceof LioranError)) throw error;
        this.#garbageTimer = setTimeout(() => {
          this.#garbageTimer = undefined;
          this.#schedule();
        }, retryMs);
        return;
      }
    }
  }

  /** A database that is damaged says so to whoever uses it, and must not end the Host of the others. */
  #holdsGarbage(environment: Environment): boolean {
    if (this.#tidy.has(environment)) {
      // Of what was read for the commit no snapshot stays behind.
      environment.release();
      return false;
    }
    try {
      environment.refresh();
      if (hasDropped(environment)) return true;
      this.#tidy.add(environment);
    } catch {
      // The next look finds it.
    }
    return false;
  }

  #writeFailure(db: string, error: unknown): unknown {
    return storageFailure(this.#databases.folder(db), "writing", error);
  }
}

function changeCatalog(tasks: readonly WriteTask[]): boolean {
  return tasks.some((task) => task.changesCatalog);
}

/** The next tasks, of those that stand before the `end`. */
function takeBatch(queue: WriteTask[], end: number): WriteTask[] {
  const tasksMax = Math.min(end, commitOperationsMax);
  let bytes = 0;
  let length = 0;
  while (length < tasksMax && bytes < commitBytesMax) {
    bytes += queue[length].bytes;
    length += 1;
  }
  return queue.splice(0, length);
}
