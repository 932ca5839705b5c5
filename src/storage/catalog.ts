/**
 * The catalog: which collections a database has. A collection is known by a number that is never
 * used again, so renaming it is one record, dropping it is one record (its documents are removed in
 * slices later), and a reader with an older snapshot is never confused.
 *
 * Reads may run on any thread; writes run in the Host, inside a write transaction.
 */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { catalogLeaseMs, purgeSliceRecords } from "../limits.js";
import { isPlainObject } from "../values/document.js";
import { areLeasesEnded } from "./catalog-leases.js";
import { collectionRange } from "./collection.js";
import type { CommitClock } from "./commit-clock.js";
import type { Environment, Snapshot } from "./environment.js";
import { statisticsKey } from "./statistics.js";
import { damagedRecord, decodeRecord } from "./stored-record.js";
import type { WriteTransaction } from "./write-transaction.js";

export interface CollectionEntry {
  /** Never used again once the collection is dropped. */
  readonly id: number;
  readonly name: string;
  /** When it was created, milliseconds since 1970. */
  readonly createdAtMs: number;
  /** What `createCollection` was given. */
  readonly options: Record<string, unknown>;
  /** Secondary indexes, in the order in which they were created. */
  readonly indexes: readonly IndexEntry[];
}

/** A secondary index. */
export interface IndexEntry {
  /** In front of its entries. Never used again once the index is dropped. */
  readonly id: number;
  readonly name: string;
  readonly key: readonly (readonly [path: string, direction: 1 | -1])[];
  readonly unique: boolean;
  /** Without the documents that have none of the fields. */
  readonly sparse: boolean;
  /** Only the documents that match. */
  readonly partialFilter?: Record<string, unknown>;
  readonly expireAfterSeconds?: number;
  /** Positions of the key fields that hold an array in some document. Never taken back. */
  readonly multikey: readonly number[];
  /** Some entry is cut: the entries do not all sort as their values do. Never taken back. */
  readonly cut: boolean;
  /** Kept up to date from the first moment, read only when it is ready. */
  readonly state: "building" | "ready";
}

const collectionPrefix = 0x01;
const nextIdKey = Buffer.from([0x03]);
const purgePrefix = 0x04;
const indexPurgePrefix = 0x05;

/** Decoded entries by database; an entry counts only while its stored bytes are still the same. */
const decodedEntries = new WeakMap<Environment, Map<string, DecodedEntry>>();
interface DecodedEntry {
  key: Buffer;
  bytes: Buffer;
  entry: CollectionEntry;
  /** Until when point reads may use the entry without looking it up. */
  leaseEndsMs: number;
  /** When the bytes were those in the catalog: by which clock, since each Host has its own, and its time. */
  asOf: { clock: CommitClock; time: number } | undefined;
}

/**
 * The entry that point reads may use without looking into the catalog, which costs them a sixth of
 * their time. See {@link isLeaseValid} for when its use counts.
 *
 * The lease may have ended: that is asked after the read. An entry that was looked up is good for `catalogLeaseMs`, in
 * every process. Before a commit that drops or renames a collection no leases are given for that long
 * (`catalog-leases.ts`), so a read that ended within its lease has seen what was there before that commit.
 */
export function leasedCollection(environment: Environment, name: string): Lease {
  return decodedEntries.get(environment)?.get(name) ?? leaseCollection(environment, name);
}

/** Looks an entry up, in a new snapshot that is read next, too, and begins a new lease of it. */
export function leaseCollection(environment: Environment, name: string): Lease {
  // Before the snapshot is taken, however long this thread is held up in between.
  const lookedUpAtMs = performance.now();
  environment.refresh();
  const entry = findCollection(environment, name);
  if (entry && !areLeasesEnded(environment)) {
    const found = decodedEntries.get(environment)!.get(name)!;
    found.leaseEndsMs = lookedUpAtMs + catalogLeaseMs;
  }
  // What is read in the same snapshot needs no lease.
  return { entry, leaseEndsMs: Number.POSITIVE_INFINITY };
}

/** What {@link leasedCollection} gives: without an entry there is no such collection. */
export interface Lease {
  readonly entry: CollectionEntry | undefined;
  readonly leaseEndsMs: number;
}

/** Whether what was read since with the leased entry counts. Asked after LMDB was read. */
export function isLeaseValid(lease: Lease): boolean {
  return performance.now() < lease.leaseEndsMs;
}

/**
 * The collection of that name, without looking into the catalog again where that was done at this time of the
 * commit clock. It is right if the clock has not moved after what is read with it.
 */
export function collectionAt(
  environment: Environment,
  name: string,
  clock: CommitClock,
  time: number,
): CollectionEntry | undefined {
  const known = decodedEntries.get(environment)?.get(name);
  if (known?.asOf?.time === time && known.asOf.clock === clock) return known.entry;
  const entry = findCollection(environment, name);
  if (entry) decodedEntries.get(environment)!.get(name)!.asOf = { clock, time };
  return entry;
}

/** The collection of that name in the latest commit, in the snapshot, or in the write transaction. */
export function findCollection(
  environment: Environment,
  name: string,
  snapshot?: Snapshot,
): CollectionEntry | undefined {
  let entries = decodedEntries.get(environment);
  if (!entries) {
    entries = new Map();
    decodedEntries.set(environment, entries);
  }
  const known = entries.get(name);
  const key = known?.key ?? collectionKey(name);
  const options = snapshot ? snapshot.options : environment.latest;
  const bytes = environment.stores.catalog.getBinaryFast(key, options);
  if (!bytes) return undefined;
  if (known && sameBytes(known.bytes, bytes)) return known.entry;
  const copy = Buffer.from(bytes.subarray(0, bytes.length));
  const entry = decodeEntry(copy);
  entries.set(name, { key, bytes: copy, entry, leaseEndsMs: 0, asOf: undefined });
  return entry;
}

/** Entries that were looked up in a write transaction since it last changed the catalog. */
const entriesInTransactions = new WeakMap<WriteTransaction, EntriesInTransaction>();
interface EntriesInTransaction {
  readonly catalogVersion: number;
  readonly entries: Map<string, CollectionEntry | undefined>;
}

/** As {@link findCollection} in the write transaction: most statements of a commit are about the same collection. */
export function findInTransaction(
  transaction: WriteTransaction,
  name: string,
): CollectionEntry | undefined {
  const { environment, catalogVersion } = transaction;
  let seen = entriesInTransactions.get(transaction);
  if (seen?.catalogVersion !== catalogVersion) {
    seen = { catalogVersion, entries: new Map() };
    entriesInTransactions.set(transaction, seen);
  }
  const known = seen.entries.get(name);
  if (known || seen.entries.has(name)) return known;
  const entry = findCollection(environment, name);
  seen.entries.set(name, entry);
  return entry;
}

/** All collections, by name. */
export function listCollections(environment: Environment, snapshot?: Snapshot): CollectionEntry[] {
  const range = environment.stores.catalog.getRange({
    start: Buffer.from([collectionPrefix]),
    end: Buffer.from([collectionPrefix + 1]),
    ...(snapshot ? snapshot.options : environment.latest),
  });
  return Array.from(range, ({ value }) => decodeEntry(value));
}

function decodeEntry(bytes: Uint8Array): CollectionEntry {
  return decodeRecord(bytes, "a collection", isCollectionEntry);
}

function isCollectionEntry(value: unknown): boolean {
  const { id, name, createdAtMs, options, indexes } = (value ?? {}) as Partial<CollectionEntry>;
  return (
    isId(id) &&
    typeof name === "string" &&
    typeof createdAtMs === "number" &&
    isPlainObject(options) &&
    Array.isArray(indexes) &&
    indexes.every(isIndexEntry)
  );
}

function isIndexEntry(value: unknown): boolean {
  const { id, name, key, multikey, state } = (value ?? {}) as Partial<IndexEntry>;
  return (
    isId(id) &&
    typeof name === "string" &&
    Array.isArray(key) &&
    key.length > 0 &&
    key.every((field) => Array.isArray(field) && isKeyField(field)) &&
    Array.isArray(multikey) &&
    (state === "ready" || state === "building")
  );
}

function isKeyField([path, direction]: unknown[]): boolean {
  return typeof path === "string" && (direction === 1 || direction === -1);
}

function isId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 32;
}

/** Creates a collection. @throws NAMESPACE_EXISTS */
export function createCollection(
  transaction: WriteTransaction,
  name: string,
  options: Record<string, unknown> = {},
): CollectionEntry {
  const { environment } = transaction;
  if (findCollection(environment, name)) {
    throw new LioranError("NAMESPACE_EXISTS", `The collection "${name}" exists already.`);
  }
  const { catalog } = environment.stores;
  const id = nextId(transaction);
  const entry: CollectionEntry = { id, name, createdAtMs: Date.now(), options, indexes: [] };
  transaction.put(catalog, collectionKey(name), encode(entry), undefined);
  return entry;
}

/** A number for a collection or an index that none has ever had. */
export function nextId(transaction: WriteTransaction): number {
  const { catalog } = transaction.environment.stores;
  const stored = transaction.get(catalog, nextIdKey);
  if (stored && stored.length !== 4) throw damagedRecord("the next free number");
  const id = stored ? Buffer.from(stored).readUInt32BE(0) : 1;
  const next = Buffer.allocUnsafe(4);
  next.writeUInt32BE(id + 1, 0);
  transaction.put(catalog, nextIdKey, next, stored);
  return id;
}

/** Stores another version of the entry of a collection. @returns the entry as it is found from now on */
export function replaceEntry(
  transaction: WriteTransaction,
  entry: CollectionEntry,
): CollectionEntry {
  const { environment } = transaction;
  const { catalog } = environment.stores;
  const key = collectionKey(entry.name);
  transaction.put(catalog, key, encode(entry), transaction.get(catalog, key));
  return findCollection(environment, entry.name)!;
}

/** The entries of an index are of no more use. They are removed by {@link purgeDropped}. */
export function dropIndexEntries(transaction: WriteTransaction, indexId: number): void {
  const { catalog } = transaction.environment.stores;
  transaction.put(catalog, purgeKey(indexPurgePrefix, indexId), new Uint8Array([1]), undefined);
}

/** Changes those options of a collection that are given. @throws NAMESPACE_NOT_FOUND */
export function modifyCollection(
  transaction: WriteTransaction,
  name: string,
  options: Record<string, unknown>,
): CollectionEntry {
  const { environment } = transaction;
  const entry = findCollection(environment, name);
  if (!entry) throw nothingToModify(name);
  const { catalog } = environment.stores;
  const key = collectionKey(name);
  const modified = { ...entry, options: { ...entry.options, ...options } };
  transaction.put(catalog, key, encode(modified), transaction.get(catalog, key));
  return modified;
}

/** The collection of that name, created when it does not exist. */
export function ensureCollection(transaction: WriteTransaction, name: string): CollectionEntry {
  return findInTransaction(transaction, name) ?? createCollection(transaction, name);
}

/**
 * Drops a collection. Its documents are out of sight at once and are removed by
 * {@link purgeDropped} between later commits.
 *
 * @returns whether there was one
 */
export function dropCollection(transaction: WriteTransaction, name: string): boolean {
  const { environment } = transaction;
  const entry = findCollection(environment, name);
  if (!entry) return false;
  const { catalog } = environment.stores;
  transaction.forgetStatistics(entry.id);
  transaction.remove(catalog, collectionKey(name));
  transaction.remove(catalog, statisticsKey(entry.id));
  transaction.put(catalog, purgeKey(purgePrefix, entry.id), new Uint8Array([1]), undefined);
  for (const index of entry.indexes) dropIndexEntries(transaction, index.id);
  return true;
}

/**
 * Renames a collection.
 *
 * @throws NAMESPACE_NOT_FOUND, NAMESPACE_EXISTS
 */
export function renameCollection(
  transaction: WriteTransaction,
  from: string,
  to: string,
  dropTarget: boolean,
): CollectionEntry {
  const { environment } = transaction;
  const entry = findCollection(environment, from);
  if (!entry) {
    throw nothingToRename(from);
  }
  // Dropping the target first would take the documents along.
  if (from === to) {
    throw new LioranError("NAMESPACE_EXISTS", `Cannot rename "${from}" to itself.`);
  }
  if (findCollection(environment, to)) {
    if (!dropTarget) {
      throw new LioranError(
        "NAMESPACE_EXISTS",
        `Cannot rename "${from}": the collection "${to}" exists. Pass { dropTarget: true } to replace it.`,
      );
    }
    dropCollection(transaction, to);
  }
  const renamed = { ...entry, name: to };
  transaction.remove(environment.stores.catalog, collectionKey(from));
  transaction.put(environment.stores.catalog, collectionKey(to), encode(renamed), undefined);
  return renamed;
}

export function nothingToModify(name: string): LioranError {
  return new LioranError("NAMESPACE_NOT_FOUND", `There is no collection "${name}" to modify.`);
}

export function nothingToRename(name: string): LioranError {
  return new LioranError("NAMESPACE_NOT_FOUND", `There is no collection "${name}" to rename.`);
}

/** Whether documents of dropped collections, or entries of dropped indexes, wait to be removed. */
export function hasDropped(environment: Environment): boolean {
  return nextDropped(environment) !== undefined;
}

/**
 * Removes a slice of what dropped collections and indexes have left. Not undone by a rollback: it is
 * garbage.
 */
export function purgeDropped(environment: Environment): void {
  const key = nextDropped(environment);
  if (!key) return;
  const { documents, indexes, catalog } = environment.stores;
  const store = key[0] === purgePrefix ? documents : indexes;
  const { start, end } = collectionRange(key.readUInt32BE(1));
  const keys = Array.from(store.getKeys({ start, end, limit: purgeSliceRecords }));
  for (const one of keys) store.removeSync(one);
  if (keys.length < purgeSliceRecords) catalog.removeSync(key);
}

function nextDropped(environment: Environment): Buffer | undefined {
  const start = Buffer.from([purgePrefix]);
  const end = Buffer.from([indexPurgePrefix + 1]);
  for (const key of environment.stores.catalog.getKeys({ start, end, limit: 1 })) {
    return Buffer.from(key);
  }
  return undefined;
}

function collectionKey(name: string): Buffer {
  return Buffer.concat([Buffer.from([collectionPrefix]), Buffer.from(name, "utf8")]);
}

function purgeKey(prefix: number, id: number): Uint8Array {
  const key = Buffer.allocUnsafe(5);
  key[0] = prefix;
  key.writeUInt32BE(id, 1);
  return key;
}

/** lmdb-js hands out a view on a shared buffer whose `length` is set by hand, so compare by bytes. */
function sameBytes(a: Buffer, b: Buffer): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  for (let i = 0; i < length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
