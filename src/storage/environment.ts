/**
 * One database: an LMDB environment in `<root>/<database>/` with four named databases.
 *
 * Owning thread: each thread that opens it has its own `Environment`; LMDB shares one map between
 * all threads of a process.
 *
 * Invariants
 *  1. Only the Host's environment is opened with `access: "write"`, so only the Host begins write
 *     transactions (two writing threads make lmdb-js hang or lose pages).
 *  2. Every read outside a {@link Snapshot} sees the latest commit of any process, because
 *     {@link refresh} drops the thread's cached read transaction first.
 *  3. `close()` never runs while a snapshot is open: LMDB aborts the process otherwise.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RootDatabase } from "lmdb";
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { lmdbNamedDatabases, lmdbReadersMax } from "../limits.js";
import { type CommitClock, isQuiet } from "./commit-clock.js";
import { checkDataFile, damagedFile, dataFileName, hasData, refuseLinks } from "./data-file.js";
import { assertFileAccess } from "./file-access.js";
import { checkFormat, flushFolder, hasFormat, writeFormat } from "./format.js";
import { loadLmdb } from "./lmdb.js";
import { isOutOfPlaces, lmdbFailure, storageFailure } from "./lmdb-failure.js";
import { CommitLock, openBetweenCommits } from "./opening-lock.js";
import { ReadLane, type ReadTransaction } from "./read-lane.js";
import { ReadRun } from "./read-run.js";
import { provideReaderTable } from "./reader-table.js";
import { type Reader, readersOf } from "./readers.js";

/** Options of a read. */
export interface ReadOptions {
  /** Read in this snapshot instead of the latest commit. */
  transaction?: unknown;
}

/** Options of a walk over keys in order. */
export interface RangeOptions extends ReadOptions {
  start: Uint8Array;
  end: Uint8Array;
  reverse?: boolean;
  /** Keys to pass over first. */
  offset?: number;
  limit?: number;
  exclusiveStart?: boolean;
  inclusiveEnd?: boolean;
}

/** A named LMDB database with keys and values as plain bytes: what we use of lmdb-js. */
export interface ByteStore {
  /** A private copy of the value. */
  getBinary(key: Uint8Array, options?: ReadOptions): Uint8Array | undefined;
  /** A view on a buffer that the next read overwrites. */
  getBinaryFast(key: Uint8Array, options?: ReadOptions): Buffer | undefined;
  getRange(options: RangeOptions): Iterable<{ key: Uint8Array; value: Uint8Array }>;
  getKeys(options: RangeOptions): Iterable<Uint8Array>;
  /** Changes the options. */
  getKeysCount(options: RangeOptions): number;
  /** @returns whether it was stored: not where `noOverwrite` is given and the key holds something */
  putSync(key: Uint8Array, value: Uint8Array, options?: { noOverwrite: boolean }): boolean;
  removeSync(key: Uint8Array): boolean;
}

/** The named databases of an environment: what is where is described in docs/format.md. */
export interface Stores {
  /** Collections by name, their statistics, and the next free id. */
  readonly catalog: ByteStore;
  /** Documents by collection id and `_id`. */
  readonly documents: ByteStore;
  /** Index entries by index id, values and `_id`. */
  readonly indexes: ByteStore;
  /** What was last applied for each client, so that a repeated write is recognised. */
  readonly sessions: ByteStore;
}

/**
 * How an environment may be used. `read` opens LMDB read-write but never writes, so that the process
 * can be promoted later; `readonly` opens the files read-only and cannot be promoted.
 */
export type Access = "write" | "read" | "readonly";

const storeNames = ["catalog", "documents", "indexes", "sessions"] as const;
/** lmdb-js: commit without waiting for the disk (`MDB_NOSYNC` for this transaction only). */
const commitWithoutFlush = 0x10000 | 3;
const commitWithFlush = 3;
/** Key of a session record that no client has. */
const nobody = new Uint8Array(1);

export class Environment {
  readonly folder: string;
  readonly access: Access;
  readonly stores: Stores;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #lane: ReadLane | undefined;
  /** Of the Host's environment only. */
  readonly #commitLock: CommitLock | undefined;
  /** Whether reads go through lmdb-js's own read transaction, and not through the lane. */
  #isWalking = false;
  /** Time of the commit clock when that transaction was fresh; undefined: it may be outdated. */
  #walkTime: number | undefined;
  readonly #walks = new ReadRun();
  #isClosed = false;
  #snapshotsOpen = 0;
  #unflushed = false;
  #flushing: Promise<void> | undefined;

  private constructor(
    folder: string,
    access: Access,
    root: RootDatabase<Uint8Array, Uint8Array>,
    stores: Stores,
  ) {
    this.folder = folder;
    this.access = access;
    this.#root = root;
    this.stores = stores;
    // The Host reads through its write transactions too, where a lane would show older data.
    if (access === "write") this.#commitLock = new CommitLock(folder);
    else this.#lane = ReadLane.open(() => this.#ownTransaction());
  }

  /**
   * Opens the database in `folder`, creating it when `access` is "write".
   *
   * @returns undefined when there is no database and `access` does not allow to create one
   * @throws NEWER_FORMAT, CORRUPTED, PERMISSION, IO
   */
  static open(folder: string, access: Access): Environment | undefined {
    const exists = checkFormat(folder);
    if (exists || access === "write") refuseLinks(folder);
    if (!exists && access !== "write") return undefined;
    if (!exists) createFolder(folder);
    const root = openRoot(folder, access, exists);
    try {
      retryWithPlace(root, () => root.useReadTransaction().done());
      const stores = {} as Record<keyof Stores, ByteStore>;
      for (const name of storeNames) {
        const store = root.openDB<Uint8Array, Uint8Array>(name, {
          encoding: "binary",
          keyEncoding: "binary",
          // Creating a named database is a write transaction, which only the Host may begin.
          ...({ create: access === "write" && !exists } as object),
        });
        if (!store) {
          throw damagedFile(join(folder, dataFileName), `its store "${name}" is missing`);
        }
        stores[name] = store as unknown as ByteStore;
      }
      if (!hasFormat(folder)) writeFormat(folder);
      const environment = new Environment(folder, access, root, stores);
      // A Host that died may have left something unflushed, and what is in it may be told to somebody as safe.
      if (access === "write" && exists) {
        flushFolder(folder);
        environment.#flushNow();
      }
      return environment;
    } catch (error) {
      root.close();
      throw storageFailure(folder, "opening", error);
    }
  }

  /**
   * Makes the following reads of this turn see the latest commit of any process.
   *
   * @param clock knows that there is nothing new, where all commits come from this process
   */
  refresh(clock?: CommitClock): void {
    this.#isWalking = false;
    if (this.#lane) this.#lane.refresh(clock);
    else this.#root.resetReadTxn();
  }

  /**
   * As {@link refresh}, for reads that walk. lmdb-js keeps a cursor for its own read transaction, and
   * opens one for each walk through any other (measured: 10 us).
   *
   * @param clock as for {@link refresh}
   * @returns its time, if no commit was under way: what is read belongs to it when it has not moved afterwards
   */
  refreshForWalk(clock?: CommitClock): number | undefined {
    this.#isWalking = true;
    const time = clock?.time;
    if (time !== undefined && time === this.#walkTime) return time;
    this.#root.resetReadTxn();
    this.#walkTime = time !== undefined && isQuiet(time) ? time : undefined;
    return this.#walkTime;
  }

  /** Ends what {@link refresh} or {@link refreshForWalk} began: the snapshot is given up. */
  release(): void {
    if (this.#isWalking) this.#releaseWalk();
    else if (this.#lane) this.#lane.release();
    else this.#root.resetReadTxn();
  }

  /**
   * As {@link release}, after a read that failed: LMDB refuses all further reads of a transaction that has met a
   * damaged page, so it is not kept for the next one.
   */
  discard(): void {
    if (this.#isWalking) {
      this.#isWalking = false;
      this.#giveUpWalk();
    } else if (this.#lane) this.#lane.discard();
    else this.#root.resetReadTxn();
  }

  /** As the lane does it, which ends a run of reads in the same way. */
  #releaseWalk(): void {
    this.#isWalking = false;
    if (this.#walkTime !== undefined && this.#walks.isRunning) return;
    this.#giveUpWalk();
    this.#walks.begin(() => {
      if (this.#walkTime !== undefined && !this.#isClosed) this.#giveUpWalk();
    });
  }

  #giveUpWalk(): void {
    this.#walkTime = undefined;
    this.#root.resetReadTxn();
  }

  /** Options of a read in the latest commit as of {@link refresh}, or in the open write transaction. */
  get latest(): ReadOptions | undefined {
    return this.#isWalking ? undefined : this.#lane?.options;
  }

  /** A view of the latest commit that stays the same until it is closed. */
  openSnapshot(): Snapshot {
    const transaction = this.#detachedTransaction();
    this.#snapshotsOpen += 1;
    return new Snapshot(this, transaction, () => {
      this.#snapshotsOpen -= 1;
    });
  }

  /**
   * Runs `work` in one write transaction. It commits when `work` returns and leaves nothing behind
   * when it throws.
   *
   * @param flush wait until the commit is on the disk; otherwise the flush follows in the background
   */
  commit<T>(work: () => T, flush: boolean): T {
    invariant(this.#commitLock, "only the Host's environment begins write transactions");
    const flags = flush ? commitWithFlush : commitWithoutFlush;
    const isBehind = this.#unflushed || this.#flushing !== undefined;
    const last = flush && isBehind ? this.lastCommit() : undefined;
    const result = this.#commitLock.hold(() => this.#root.transactionSync(work, flags as never));
    // A flushed commit writes back the whole file, so it covers earlier commits too. One that had nothing to write
    // is none; but its answer tells of what earlier ones have done.
    if (last !== undefined && this.lastCommit() === last) this.#flushNow();
    this.#unflushed = !flush;
    return result;
  }

  /**
   * A commit that changes nothing. LMDB uses the space that a commit has freed only after the one that follows it:
   * on a disk that is full there would never be one, however much was deleted.
   */
  commitNothing(): void {
    const { sessions } = this.stores;
    this.commit(() => {
      sessions.putSync(nobody, nobody);
      sessions.removeSync(nobody);
    }, true);
  }

  /** Brings every commit so far to the disk, off the calling thread. */
  flush(): Promise<void> {
    if (this.#flushing) return this.#flushing.then(() => this.flush());
    if (!this.#unflushed) return Promise.resolve();
    this.#unflushed = false;
    const { env } = this.#root as unknown as { env: { sync(done: (e?: Error) => void): void } };
    this.#flushing = new Promise<void>((resolve, reject) => {
      env.sync((error) => {
        this.#flushing = undefined;
        if (error) {
          this.#unflushed = true;
          reject(new LioranError("IO", `Flushing ${this.folder} failed: ${error.message}`));
        } else resolve();
      });
    });
    return this.#flushing;
  }

  #flushNow(): void {
    const { env } = this.#root as unknown as { env: { sync(): void } };
    try {
      env.sync();
    } catch (error) {
      throw lmdbFailure(`flushing ${this.folder}`, error);
    }
  }

  /** The number of the last commit of any process. */
  lastCommit(): number {
    const { env } = this.#root as unknown as { env: { info(): { lastTxnId: number } } };
    return env.info().lastTxnId;
  }

  /** Frees reader slots of processes that died. @returns how many were freed */
  freeDeadReaders(): number {
    return this.#root.readerCheck();
  }

  /** The snapshots that are open now, in any process. */
  readers(): Reader[] {
    return readersOf(this.#root.readerList());
  }

  /** LMDB's own figures: map and file size, readers, the last commit. */
  statistics(): { mapBytes: number; fileBytes: number; readers: number; lastCommit: number } {
    const { env } = this.#root as unknown as {
      env: {
        info(): { mapSize: number; lastPageNumber: number; numReaders: number; lastTxnId: number };
        stat(): { pageSize: number };
      };
    };
    const info = env.info();
    // Any read renews the transaction that `stat` looks through.
    this.stores.catalog.getBinaryFast(new Uint8Array([0]));
    return {
      mapBytes: info.mapSize,
      fileBytes: (info.lastPageNumber + 1) * env.stat().pageSize,
      readers: info.numReaders,
      lastCommit: info.lastTxnId,
    };
  }

  /** Closes the environment of this thread. Reads and snapshots must have ended. */
  async close(): Promise<void> {
    invariant(this.#snapshotsOpen === 0, `closing ${this.folder} under an open snapshot`);
    if (this.access === "write") await this.flush();
    this.#isClosed = true;
    this.#lane?.close();
    this.#commitLock?.close();
    await this.#root.close();
  }

  /** A read transaction that lmdb-js hands to nobody else, ever: the lane resets it at will. */
  #ownTransaction(): ReadTransaction {
    const transaction = this.#detachedTransaction();
    // When lmdb-js next needs a transaction it takes the last detached one if that is still up to
    // date, unless it is done. Let it make another one now; then it forgets this one.
    transaction.isDone = true;
    const other = this.#root.useReadTransaction() as unknown as ReadTransaction;
    invariant(other !== transaction, "lmdb-js shares the transaction of a read lane");
    other.done();
    transaction.isDone = false;
    return transaction;
  }

  /** A read transaction of the latest commit that stays as it is until its last user is done. */
  #detachedTransaction(): ReadTransaction {
    this.#root.resetReadTxn();
    const transaction = retryWithPlace(this.#root, () => this.#root.useReadTransaction());
    // Resetting it while it is in use makes lmdb-js take another one for itself.
    this.#root.resetReadTxn();
    return transaction as unknown as ReadTransaction;
  }
}

/**
 * A view of one commit. Held no longer than a query needs it: an old snapshot stops page reuse for
 * every process and grows the file.
 */
export class Snapshot {
  readonly environment: Environment;
  readonly openedAtMs = performance.now();
  readonly #options: { transaction: ReadTransaction };
  readonly #onClose: () => void;
  #closed = false;

  constructor(environment: Environment, transaction: ReadTransaction, onClose: () => void) {
    this.environment = environment;
    this.#options = { transaction };
    this.#onClose = onClose;
  }

  /** Options of a read in this view. */
  get options(): ReadOptions {
    invariant(!this.#closed, "reading through a closed snapshot");
    return this.#options;
  }

  /** Ends the view. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.transaction.done();
    this.#onClose();
  }
}

/** Killed readers leave their places in the table of readers; one that finds none free looks for those. */
function retryWithPlace<T>(root: RootDatabase<Uint8Array, Uint8Array>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isOutOfPlaces(error) || root.readerCheck() === 0) throw error;
    return read();
  }
}

function createFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isOccupied = code === "EEXIST" || code === "ENOTDIR";
    const isDenied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    const condition = isOccupied ? "ROOT_INVALID" : isDenied ? "PERMISSION" : "IO";
    const why = isOccupied ? "a file lies where its folder belongs" : message;
    throw new LioranError(condition, `Cannot create the database in ${folder}: ${why}.`, {
      cause: error,
    });
  }
}

function openRoot(
  folder: string,
  access: Access,
  exists: boolean,
): RootDatabase<Uint8Array, Uint8Array> {
  const lmdb = loadLmdb();
  const open = () =>
    lmdb.open<Uint8Array, Uint8Array>({
      path: folder,
      // A dot in the folder's name would otherwise make lmdb-js take it for a file.
      noSubdir: false,
      readOnly: access === "readonly",
      // With overlapping sync a survivor of a killed writer can die with MDB_PANIC.
      overlappingSync: false,
      maxReaders: lmdbReadersMax,
      maxDbs: lmdbNamedDatabases,
      encoding: "binary",
      keyEncoding: "binary",
    });
  try {
    assertFileAccess(folder, access !== "readonly");
    if (access !== "readonly") provideReaderTable(folder);
    if (!exists) {
      // One whose creation was broken off, or a file of somebody else.
      if (hasData(folder)) checkDataFile(folder);
      return open();
    }
    return openBetweenCommits(folder, () => {
      checkDataFile(folder);
      return open();
    });
  } catch (error) {
    throw storageFailure(folder, "opening", error);
  }
}
