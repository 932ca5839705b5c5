/**
 * The indexes of a collection in the catalog, and how far one that is being built has got.
 *
 * Owning thread: the Host, inside a write transaction.
 */
import { encode } from "../cbor/codec.js";
import {
  type CollectionEntry,
  dropIndexEntries,
  findCollection,
  type IndexEntry,
  replaceEntry,
} from "./catalog.js";
import type { Environment } from "./environment.js";
import { decodeRecord } from "./stored-record.js";
import type { WriteTransaction } from "./write-transaction.js";

const progressPrefix = 0x06;

/** How far the build of an index has got. */
export interface BuildProgress {
  /** Key of the last `_id` that was indexed; empty at the beginning. */
  readonly doneTo: Uint8Array;
  readonly documents: number;
}

export function addIndex(
  transaction: WriteTransaction,
  entry: CollectionEntry,
  index: IndexEntry,
): CollectionEntry {
  return replaceEntry(transaction, { ...entry, indexes: [...entry.indexes, index] });
}

/** Removes an index; its entries are removed later, in slices. */
export function removeIndex(
  transaction: WriteTransaction,
  entry: CollectionEntry,
  index: IndexEntry,
): CollectionEntry {
  const { catalog } = transaction.environment.stores;
  transaction.remove(catalog, progressKey(index.id));
  dropIndexEntries(transaction, index.id);
  const indexes = entry.indexes.filter(({ id }) => id !== index.id);
  return replaceEntry(transaction, { ...entry, indexes });
}

/** Changes what is stored of an index, found by its id: others may have changed it meanwhile. */
export function changeIndex(
  transaction: WriteTransaction,
  collection: string,
  indexId: number,
  change: (index: IndexEntry) => IndexEntry,
): void {
  const entry = findCollection(transaction.environment, collection);
  const index = entry?.indexes.find(({ id }) => id === indexId);
  if (!entry || !index) return;
  const changed = change(index);
  if (changed === index) return;
  const indexes = entry.indexes.map((one) => (one === index ? changed : one));
  replaceEntry(transaction, { ...entry, indexes });
}

/** Notes that entries of a kind exist that the planner must know of. */
export function noteEntries(
  transaction: WriteTransaction,
  collection: string,
  indexId: number,
  kinds: { multikey: readonly number[]; isCut: boolean },
): void {
  changeIndex(transaction, collection, indexId, (index) => {
    const added = kinds.multikey.filter((at) => !index.multikey.includes(at));
    const cut = index.cut || kinds.isCut;
    if (added.length === 0 && cut === index.cut) return index;
    return { ...index, cut, multikey: [...index.multikey, ...added].sort((a, b) => a - b) };
  });
}

/** How far a build has got; nothing when the index is not being built. */
export function readProgress(environment: Environment, indexId: number): BuildProgress | undefined {
  const bytes = environment.stores.catalog.getBinary(progressKey(indexId), environment.latest);
  if (!bytes) return undefined;
  const [doneTo, documents] = decodeRecord<[Uint8Array, number]>(
    bytes,
    "the progress of an index",
    (value) =>
      Array.isArray(value) && value[0] instanceof Uint8Array && Number.isSafeInteger(value[1]),
  );
  return { doneTo: Uint8Array.from(doneTo), documents };
}

export function writeProgress(
  transaction: WriteTransaction,
  indexId: number,
  { doneTo, documents }: BuildProgress,
): void {
  const { catalog } = transaction.environment.stores;
  const key = progressKey(indexId);
  transaction.put(catalog, key, encode([doneTo, documents]), transaction.get(catalog, key));
}

/** The index is complete: readers use it from now on. */
export function finishBuild(
  transaction: WriteTransaction,
  collection: string,
  indexId: number,
): void {
  transaction.remove(transaction.environment.stores.catalog, progressKey(indexId));
  changeIndex(transaction, collection, indexId, (index) => ({ ...index, state: "ready" }));
}

function progressKey(indexId: number): Uint8Array {
  const key = Buffer.allocUnsafe(5);
  key[0] = progressPrefix;
  key.writeUInt32BE(indexId, 1);
  return key;
}
