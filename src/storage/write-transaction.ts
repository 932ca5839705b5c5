/**
 * The writes of one commit. The writer runs many operations in one LMDB transaction; each begins with
 * {@link WriteTransaction.mark}, and one that fails is taken back with `rollbackTo`, so that it fails
 * alone. LMDB's nested transactions would do the same, at a cost per operation that is higher than
 * the operation.
 *
 * Owning thread: the Host, inside `Environment.commit`.
 *
 * Invariants
 *  1. Every write that took effect is in the journal, with what it replaced, before the next one begins.
 *  2. Statistics of a collection change only through {@link countDocuments} and are stored once, at
 *     the end of the commit.
 */
import { invariant } from "../invariant.js";
import type { ByteStore, Environment } from "./environment.js";
import { type CollectionStatistics, readStatistics, writeStatistics } from "./statistics.js";

type Undo =
  | { kind: "record"; store: ByteStore; key: Uint8Array; before: Uint8Array | undefined }
  | { kind: "count"; statistics: CollectionStatistics; documents: number; bytes: number }
  | { kind: "forget"; collectionId: number; statistics: CollectionStatistics };

const noOverwrite = { noOverwrite: true };

export class WriteTransaction {
  readonly environment: Environment;
  readonly #journal: Undo[] = [];
  readonly #statistics = new Map<number, CollectionStatistics>();
  #catalogVersion = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  /** Whether anything has been written and not been taken back. */
  get hasWrites(): boolean {
    return this.#journal.length > 0;
  }

  /** Another number after each change of the catalog, also one that is taken back. */
  get catalogVersion(): number {
    return this.#catalogVersion;
  }

  /** The stored value as a private copy, with the writes of this transaction. */
  get(store: ByteStore, key: Uint8Array): Uint8Array | undefined {
    return store.getBinary(key);
  }

  /** Stores a value under a key that holds nothing. @returns false, having done nothing, when it holds something */
  putNew(store: ByteStore, key: Uint8Array, value: Uint8Array): boolean {
    if (!store.putSync(key, value, noOverwrite)) return false;
    this.#note({ kind: "record", store, key, before: undefined });
    return true;
  }

  /**
   * Stores a value.
   *
   * @param before what the key holds now (undefined: nothing); the caller has read it anyway
   */
  put(store: ByteStore, key: Uint8Array, value: Uint8Array, before: Uint8Array | undefined): void {
    this.#note({ kind: "record", store, key, before });
    store.putSync(key, value);
  }

  /** Removes a key that holds `before`; nothing happens when it holds nothing. */
  remove(
    store: ByteStore,
    key: Uint8Array,
    before: Uint8Array | undefined = this.get(store, key),
  ): void {
    if (!before) return;
    this.#note({ kind: "record", store, key, before });
    store.removeSync(key);
  }

  /** The statistics of a collection, with the changes of this transaction. */
  statistics(collectionId: number): CollectionStatistics {
    let statistics = this.#statistics.get(collectionId);
    if (!statistics) {
      statistics = readStatistics(this.environment, collectionId);
      this.#statistics.set(collectionId, statistics);
    }
    return statistics;
  }

  /** Records that a collection has gained (or lost) documents and bytes. */
  countDocuments(collectionId: number, documents: number, bytes: number): void {
    const statistics = this.statistics(collectionId);
    this.#journal.push({ kind: "count", statistics, documents, bytes });
    statistics.documents += documents;
    statistics.bytes += bytes;
    statistics.changed = true;
  }

  /** Forgets the statistics of a dropped collection; they are not stored again. */
  forgetStatistics(collectionId: number): void {
    const statistics = this.statistics(collectionId);
    this.#journal.push({ kind: "forget", collectionId, statistics });
    this.#statistics.delete(collectionId);
  }

  /** A place to return to with {@link rollbackTo}. */
  mark(): number {
    return this.#journal.length;
  }

  /** Takes back every write since the mark. */
  rollbackTo(mark: number): void {
    invariant(mark <= this.#journal.length, "rolling back to a mark of the future");
    while (this.#journal.length > mark) {
      this.#undo(this.#journal.pop()!);
    }
  }

  /** Stores what is kept once per commit. Called last, by the writer. */
  finish(): void {
    for (const [collectionId, statistics] of this.#statistics) {
      if (statistics.changed) writeStatistics(this.environment, collectionId, statistics);
    }
  }

  #note(undo: Extract<Undo, { kind: "record" }>): void {
    this.#journal.push(undo);
    this.#noteCatalog(undo.store);
  }

  #noteCatalog(store: ByteStore): void {
    if (store === this.environment.stores.catalog) this.#catalogVersion += 1;
  }

  #undo(undo: Undo): void {
    switch (undo.kind) {
      case "record":
        this.#noteCatalog(undo.store);
        if (undo.before) undo.store.putSync(undo.key, undo.before);
        else undo.store.removeSync(undo.key);
        return;
      case "count":
        undo.statistics.documents -= undo.documents;
        undo.statistics.bytes -= undo.bytes;
        return;
      case "forget":
        this.#statistics.set(undo.collectionId, undo.statistics);
        return;
    }
  }
}
