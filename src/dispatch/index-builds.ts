/**
 * Builds indexes of large collections in slices between the commits of others, and takes up again what an
 * earlier primary has left unfinished.
 *
 * Owning thread: the Host.
 *
 * Invariants
 *  1. An index is built by one build at a time, however many callers wait for it.
 *  2. How far a build has got is in the same commit as the last entries up to there.
 *  3. A build that fails leaves no index behind, nor do the others of the same call.
 */

import { decode } from "../cbor/codec.js";
import { decodeError, type EncodedError } from "../errors.js";
import { faultPoint } from "../fault.js";
import { indexBuildRunBytes, indexBuildSliceMs } from "../limits.js";
import { compileFilter } from "../query/filter.js";
import { listCollections } from "../storage/catalog.js";
import type { Databases } from "../storage/databases.js";
import type { Environment } from "../storage/environment.js";
import { readProgress } from "../storage/index-catalog.js";
import { endWatch, watchChanges } from "../storage/index-changes.js";
import { readStatistics } from "../storage/statistics.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import { IndexRun } from "./index-run.js";
import { checkIndexSpec } from "./index-spec.js";
import {
  abandonBuild,
  applyCreateIndexes,
  assertBuilt,
  type Building,
  endRun,
  type RequestedIndex,
  storeOutdated,
  storeRun,
  takeBack,
} from "./index-statements.js";
import type { CreateIndexesOperation, IndexBuildStatus } from "./operation.js";
import type { WriteOutcome } from "./outcome.js";
import type { Writer } from "./writer.js";

const nothing = new Uint8Array(0);

/** Numbers of indexes are those of their database. */
function buildName(db: string, indexId: number): string {
  return `${db}/${indexId}`;
}

/** Others' requests are read in between. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The Host stops, and leaves the build, and whoever waits for it, to the next one. Never reaches a caller. */
export class BuildLeft extends Error {}

export class IndexBuilds {
  readonly #databases: Databases;
  readonly #writer: Writer;
  /** Builds under way, by database and number of the index. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** What is being gathered and stored, by database and number of the index. */
  readonly #runs = new Map<string, IndexRun>();
  /** Indexes of calls that have not ended, and that nobody else has asked for. */
  readonly #tentative = new Set<string>();
  #stopped = false;

  constructor(databases: Databases, writer: Writer) {
    this.#databases = databases;
    this.#writer = writer;
  }

  /**
   * Creates indexes and waits until they are complete.
   *
   * Not remembered for the client: sent again, it finds the indexes, or the builds, and gives the same
   * answer.
   *
   * @returns their names
   * @throws BuildLeft when the Host stops first
   */
  async create(operation: CreateIndexesOperation): Promise<string[]> {
    const { db, durability, indexes } = operation;
    for (const spec of indexes) {
      checkIndexSpec(spec);
      if (spec.partialFilter) compileFilter(spec.partialFilter);
    }
    let requested: RequestedIndex[] = [];
    await this.#write(db, durability === "flushed", (transaction) => {
      requested = applyCreateIndexes(transaction, operation);
    });
    const created = requested.filter(({ isNew }) => isNew);
    const found = requested.filter(({ isNew }) => !isNew);
    // Whoever is told that an index is there may rely on it, whatever becomes of the call that made it.
    for (const { indexId } of found) this.#tentative.delete(buildName(db, indexId));
    for (const { indexId } of created) this.#tentative.add(buildName(db, indexId));
    try {
      const unfinished = requested.filter(({ isReady }) => !isReady);
      await Promise.all(unfinished.map((one) => this.#build(db, one)));
    } catch (error) {
      if (!(error instanceof BuildLeft)) await this.#takeBack(db, created);
      throw error;
    } finally {
      for (const { indexId } of created) this.#tentative.delete(buildName(db, indexId));
    }
    return indexes.map(({ name }) => name);
  }

  /** All indexes of one call are created, or none. */
  async #takeBack(db: string, created: readonly Building[]): Promise<void> {
    await this.#write(db, true, (transaction) => {
      for (const one of created) {
        if (this.#tentative.has(buildName(db, one.indexId))) takeBack(transaction, one);
      }
    });
  }

  /** Goes on with the builds that a database has. */
  resume(db: string): void {
    const environment = this.#databases.get(db);
    if (!environment) return;
    environment.refresh();
    for (const { id, indexes } of listCollections(environment)) {
      for (const index of indexes) {
        if (index.state === "ready") continue;
        // Whoever asked for it is told when it asks again.
        this.#build(db, { collectionId: id, indexId: index.id }).catch(() => {});
      }
    }
  }

  /** Leaves what is unfinished to the next primary. Resolves once nothing of it is written any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled([...this.#underWay.values()]);
  }

  status(): IndexBuildStatus[] {
    const status: IndexBuildStatus[] = [];
    if (this.#underWay.size === 0) return status;
    for (const db of this.#databases.openedNames()) {
      const environment = this.#databases.get(db)!;
      environment.refresh();
      for (const { id, name, indexes } of listCollections(environment)) {
        for (const index of indexes) {
          if (index.state === "ready") continue;
          const stored = readProgress(environment, index.id)?.documents ?? 0;
          const done = stored + (this.#runs.get(buildName(db, index.id))?.documents ?? 0);
          const { documents } = readStatistics(environment, id);
          status.push({ db, collection: name, index: index.name, done, documents });
        }
      }
    }
    return status;
  }

  #build(db: string, building: Building): Promise<void> {
    const name = buildName(db, building.indexId);
    let build = this.#underWay.get(name);
    if (!build) {
      build = this.#buildRuns(db, building).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, build);
    }
    return build;
  }

  async #buildRuns(db: string, building: Building): Promise<void> {
    const environment = this.#databases.get(db)!;
    try {
      for (let isDone = false; !isDone; ) isDone = await this.#buildRun(db, environment, building);
    } catch (error) {
      if (!(error instanceof BuildLeft)) {
        await this.#write(db, true, (transaction) => abandonBuild(transaction, building));
      }
      throw error;
    } finally {
      endWatch(environment, building.indexId);
      this.#runs.delete(buildName(db, building.indexId));
    }
  }

  /** Gathers the entries of many documents and stores them. @returns whether these were the last */
  async #buildRun(db: string, environment: Environment, building: Building): Promise<boolean> {
    const changed = watchChanges(environment, building.indexId);
    environment.refresh();
    const progress = readProgress(environment, building.indexId);
    if (!progress) {
      await this.#write(db, true, (transaction) => assertBuilt(transaction, building));
      return true;
    }
    const run = new IndexRun(progress.doneTo);
    this.#runs.set(buildName(db, building.indexId), run);
    while (!run.isLast && run.bytes < indexBuildRunBytes) {
      if (this.#stopped) throw new BuildLeft();
      this.#gather(environment, building, run);
      faultPoint("between-index-slices");
      await nextTurn();
    }
    for (let isStored = false; !isStored; ) {
      if (this.#stopped) throw new BuildLeft();
      await this.#write(db, true, (transaction) => {
        isStored = storeRun(transaction, db, building, run, changed);
      });
      run.confirm();
      faultPoint("between-index-slices");
    }
    // From here on a document that is written has all of its entries.
    endWatch(environment, building.indexId);
    const outdated = [...changed.values()];
    for (let isStored = false, done = 0; !isStored; ) {
      if (this.#stopped) throw new BuildLeft();
      let next = done;
      await this.#write(db, true, (transaction) => {
        next = storeOutdated(transaction, db, building, outdated, done);
        isStored = next === outdated.length;
        if (isStored) endRun(transaction, building, run);
      });
      done = next;
      faultPoint("between-index-slices");
    }
    return run.isLast;
  }

  #gather(environment: Environment, building: Building, run: IndexRun): void {
    environment.refresh();
    const entry = listCollections(environment).find(({ id }) => id === building.collectionId);
    const index = entry?.indexes.find(({ id }) => id === building.indexId);
    // The next transaction finds that out, and says so.
    if (!entry || !index) run.isLast = true;
    else run.gather(environment, entry, index, performance.now() + indexBuildSliceMs / 2);
  }

  /**
   * Runs `work` in the next commit of the database.
   *
   * @param flush only a call that its client did not ask to be flushed may do without: an unflushed commit endangers,
   *   until the next flush, what others have been told is safe (storage/environment.ts)
   * @throws what it throws
   */
  #write(db: string, flush: boolean, work: (transaction: WriteTransaction) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#writer.submit({
        db,
        bytes: 0,
        changesCatalog: false,
        flush,
        session: undefined,
        sequence: 0,
        apply: (transaction) => {
          work(transaction);
          return nothing;
        },
        settle: ({ failed, body }: WriteOutcome) => {
          if (failed) reject(decodeError(decode(body) as EncodedError));
          else resolve();
        },
      });
    });
  }
}
