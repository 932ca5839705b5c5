/**
 * Removes what has had its time: documents (https://www.mongodb.com/docs/manual/core/index-ttl/), and collections
 * that an `$out` of a process that died has left. It looks at the databases that have been used since the primary
 * started.
 *
 * Owning thread: the Host.
 */
import { outputRetentionMs, ttlSliceDocuments, ttlSweepIntervalMs } from "../limits.js";
import { isOutputName } from "../names.js";
import { scanOf } from "../query/plan/index-bounds.js";
import { upTo } from "../query/plan/interval.js";
import {
  type CollectionEntry,
  dropCollection,
  findCollection,
  type IndexEntry,
  listCollections,
} from "../storage/catalog.js";
import { getDocument } from "../storage/collection.js";
import type { Databases } from "../storage/databases.js";
import type { Environment } from "../storage/environment.js";
import { entryIdKey } from "../storage/index-entries.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import { collectionOf } from "./index-statements.js";
import { removeDocument } from "./stored-documents.js";
import type { Writer } from "./writer.js";

const nothing = new Uint8Array(0);

export class TtlSweeper {
  readonly #databases: Databases;
  readonly #writer: Writer;
  readonly #timer: NodeJS.Timeout;
  /** Indexes and collections, by database and number, whose last removal waits for its commit. */
  readonly #busy = new Set<string>();
  #stopped = false;

  constructor(databases: Databases, writer: Writer) {
    this.#databases = databases;
    this.#writer = writer;
    this.#timer = setInterval(() => this.#sweep(), ttlSweepIntervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #sweep(): void {
    for (const db of this.#databases.openedNames()) {
      try {
        this.#sweepDatabase(db);
      } catch {
        // One that is damaged says so to whoever uses it, and must not keep the others from it.
      }
    }
  }

  #sweepDatabase(db: string): void {
    const environment = this.#databases.get(db)!;
    environment.refresh();
    for (const entry of listCollections(environment)) {
      if (isAbandoned(entry)) this.#drop(db, entry);
      for (const index of entry.indexes) {
        if (expired(environment, index, 1).length > 0) this.#remove(db, entry.id, index.id);
      }
    }
  }

  #drop(db: string, { id, name: collection }: CollectionEntry): void {
    const name = `${db}/${id}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    this.#writer.submit({
      db,
      bytes: 0,
      changesCatalog: true,
      flush: true,
      session: undefined,
      sequence: 0,
      apply: (transaction) => {
        const entry = findCollection(transaction.environment, collection);
        if (entry?.id === id) dropCollection(transaction, collection);
        return nothing;
      },
      settle: () => this.#busy.delete(name),
    });
  }

  #remove(db: string, collectionId: number, indexId: number): void {
    const name = `${db}/${indexId}`;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    let removed = 0;
    this.#writer.submit({
      db,
      bytes: 0,
      changesCatalog: false,
      flush: true,
      session: undefined,
      sequence: 0,
      apply: (transaction) => {
        removed = removeExpired(transaction, db, collectionId, indexId);
        return nothing;
      },
      settle: ({ failed }) => {
        this.#busy.delete(name);
        // After a failure, such as a full disk, the next sweep tries again.
        const isMore = !failed && removed === ttlSliceDocuments;
        if (isMore && !this.#stopped) this.#remove(db, collectionId, indexId);
      },
    });
  }
}

/** Whether the `$out` that has made the collection cannot be under way any more. */
function isAbandoned({ name, createdAtMs }: CollectionEntry): boolean {
  return isOutputName(name) && Date.now() - createdAtMs > outputRetentionMs;
}

/** Removes a slice of what has expired. @returns how many documents */
export function removeExpired(
  transaction: WriteTransaction,
  db: string,
  collectionId: number,
  indexId: number,
): number {
  const entry: CollectionEntry | undefined = collectionOf(transaction, collectionId);
  const index = entry?.indexes.find(({ id }) => id === indexId);
  if (!entry || !index) return 0;
  const { environment } = transaction;
  const idKeys = expired(environment, index, ttlSliceDocuments);
  for (const idKey of idKeys) {
    const bytes = getDocument(environment, collectionId, idKey);
    // A document with several dates has several entries.
    if (!bytes) continue;
    removeDocument(
      transaction,
      { db, entry },
      { idKey, bytes: Uint8Array.prototype.slice.call(bytes) },
    );
  }
  return idKeys.length;
}

/** Keys of documents whose earliest date is old enough. What is no date never expires. */
function expired(environment: Environment, index: IndexEntry, limit: number): Uint8Array[] {
  if (index.expireAfterSeconds === undefined || index.state !== "ready") return [];
  const until = new Date(Date.now() - index.expireAfterSeconds * 1_000);
  const path = index.key[0]![0];
  const intervals = [upTo(until, true)];
  const scan = scanOf(index, [{ path, intervals, isExact: true, matchesMissing: false }]);
  const idKeys: Uint8Array[] = [];
  for (const { start, end } of scan.ranges) {
    const entries = environment.stores.indexes.getRange({
      start,
      end,
      limit,
      ...environment.latest,
    });
    for (const { key, value } of entries) idKeys.push(Uint8Array.from(entryIdKey(key, value)));
  }
  return idKeys;
}
