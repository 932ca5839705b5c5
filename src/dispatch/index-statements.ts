/**
 * The statements that change which indexes a collection has, applied inside an open write transaction.
 *
 * Owning thread: the Host.
 */
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { indexAtOnceDocumentsMax, indexBuildSliceMs, indexesPerCollectionMax } from "../limits.js";
import { isSameKey } from "../query/plan/planner.js";
import {
  type CollectionEntry,
  ensureCollection,
  findCollection,
  type IndexEntry,
  listCollections,
  nextId,
} from "../storage/catalog.js";
import { getDocument, scanDocuments } from "../storage/collection.js";
import {
  addIndex,
  finishBuild,
  noteEntries,
  readProgress,
  removeIndex,
  writeProgress,
} from "../storage/index-catalog.js";
import { type ChangedIds, idText } from "../storage/index-changes.js";
import { entryIdKey } from "../storage/index-entries.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { IndexRun } from "./index-run.js";
import { existingIndex, type IndexSpec, idIndexName, isIdKey } from "./index-spec.js";
import { noCollection } from "./missing-collection.js";
import type { CreateIndexesOperation, DropIndexesOperation } from "./operation.js";
import { duplicateKey, hasOtherHolder, indexDocument, indexedPart } from "./stored-documents.js";

/** An index that is being built, wherever its collection is named to meanwhile. */
export interface Building {
  readonly collectionId: number;
  readonly indexId: number;
}

/** What becomes of an index that was asked for. */
export interface RequestedIndex extends Building {
  readonly isNew: boolean;
  /** It is complete; any other is to be built. */
  readonly isReady: boolean;
}

/**
 * Adds the indexes that are not there. Those of a small collection are complete at once.
 *
 * @returns the indexes that were asked for, without that of `_id`
 * @throws INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT, CANNOT_CREATE_INDEX, DUPLICATE_KEY
 */
export function applyCreateIndexes(
  transaction: WriteTransaction,
  { db, collection, indexes }: CreateIndexesOperation,
): RequestedIndex[] {
  const { id, name } = ensureCollection(transaction, collection);
  const isSmall = transaction.statistics(id).documents <= indexAtOnceDocumentsMax;
  const requested: RequestedIndex[] = [];
  for (const spec of indexes) {
    if (isIdKey(spec.key)) continue;
    const entry = findCollection(transaction.environment, name)!;
    const existing = existingIndex(entry.indexes, spec);
    const index = existing ?? newIndex(transaction, entry, spec);
    if (!existing) {
      addIndex(transaction, entry, index);
      writeProgress(transaction, index.id, { doneTo: nothing, documents: 0 });
    }
    const one = { collectionId: id, indexId: index.id };
    const isAtOnce = isSmall && !existing;
    if (isAtOnce) indexAll(transaction, db, one);
    const isReady = isAtOnce || index.state === "ready";
    requested.push({ ...one, isNew: !existing, isReady });
  }
  return requested;
}

const nothing = new Uint8Array(0);

function newIndex(
  transaction: WriteTransaction,
  entry: CollectionEntry,
  spec: IndexSpec,
): IndexEntry {
  if (entry.indexes.length >= indexesPerCollectionMax) {
    throw new LioranError(
      "CANNOT_CREATE_INDEX",
      `Cannot create the index "${spec.name}": a collection has at most ${indexesPerCollectionMax} besides that of _id.`,
    );
  }
  const { name, key, unique, sparse, partialFilter, expireAfterSeconds } = spec;
  return {
    id: nextId(transaction),
    name,
    key,
    unique,
    sparse,
    ...(partialFilter && { partialFilter }),
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
    multikey: [],
    cut: false,
    state: "building",
  };
}

/**
 * Stores the next entries of a run, as many as there is time for.
 *
 * @returns whether all are stored
 * @throws DUPLICATE_KEY, INDEX_BUILD_ABORTED when the index is gone
 */
export function storeRun(
  transaction: WriteTransaction,
  db: string,
  building: Building,
  run: IndexRun,
  changed: ChangedIds,
): boolean {
  const { environment } = transaction;
  const { entry, index } = buildOf(transaction, building);
  const { indexes } = environment.stores;
  const untilMs = performance.now() + indexBuildSliceMs;
  run.rewind();
  for (let count = 1; ; count += 1) {
    const next = run.take();
    if (!next) return true;
    const { key, value } = next;
    const idKey = entryIdKey(key, value);
    if (changed.size > 0 && changed.has(idText(idKey))) continue;
    if (index.unique && hasOtherHolder(transaction, key, value, idKey)) {
      const bytes = getDocument(environment, entry.id, idKey)!;
      throw duplicateKey({ db, entry }, index, indexedPart(entry, bytes), key, idKey);
    }
    // When this slice fails the index is abandoned, so what was there before does not matter.
    transaction.put(indexes, key, value, undefined);
    if (count % 32 === 0 && performance.now() > untilMs) return false;
  }
}

/**
 * Indexes documents that were written after a run had begun, from the one at `from` on, as many as there is time
 * for. A write that failed has left its document, and no entries.
 *
 * @returns how many of them are done
 * @throws DUPLICATE_KEY, CANNOT_INDEX_PARALLEL_ARRAYS, INDEX_BUILD_ABORTED when the index is gone
 */
export function storeOutdated(
  transaction: WriteTransaction,
  db: string,
  building: Building,
  idKeys: readonly Uint8Array[],
  from: number,
): number {
  const { environment } = transaction;
  const { entry, index } = buildOf(transaction, building);
  const untilMs = performance.now() + indexBuildSliceMs;
  let done = from;
  while (done < idKeys.length && performance.now() < untilMs) {
    const idKey = idKeys[done]!;
    const bytes = getDocument(environment, entry.id, idKey);
    if (bytes) indexDocument(transaction, { db, entry }, index, indexedPart(entry, bytes), idKey);
    done += 1;
  }
  return done;
}

/** Notes that all of a run is stored: how far the build has got, or that it is complete. */
export function endRun(transaction: WriteTransaction, building: Building, run: IndexRun): void {
  const { entry, index } = buildOf(transaction, building);
  noteEntries(transaction, entry.name, index.id, { multikey: [...run.multikey], isCut: run.isCut });
  if (run.isLast) {
    finishBuild(transaction, entry.name, index.id);
    return;
  }
  const { documents } = readProgress(transaction.environment, index.id)!;
  const done = { doneTo: run.lastId, documents: documents + run.documents };
  writeProgress(transaction, index.id, done);
}

/** @throws INDEX_BUILD_ABORTED when the index is gone, and is not complete */
export function assertBuilt(transaction: WriteTransaction, building: Building): void {
  const { index } = buildOf(transaction, building);
  invariant(index.state === "ready", "an index that is being built has a progress");
}

/** @throws INDEX_BUILD_ABORTED when the index is gone */
function buildOf(
  transaction: WriteTransaction,
  { collectionId, indexId }: Building,
): { entry: CollectionEntry; index: IndexEntry } {
  const entry = collectionOf(transaction, collectionId);
  const index = entry?.indexes.find(({ id }) => id === indexId);
  if (!entry || !index) throw aborted();
  return { entry, index };
}

/** Indexes a whole collection that is small. */
function indexAll(
  transaction: WriteTransaction,
  db: string,
  { collectionId, indexId }: Building,
): void {
  const { environment } = transaction;
  const { entry, index } = buildOf(transaction, { collectionId, indexId });
  // Read before anything is written.
  for (const { idKey, bytes } of [...scanDocuments(environment, collectionId, {}, false)]) {
    indexDocument(transaction, { db, entry }, index, indexedPart(entry, bytes), idKey);
  }
  finishBuild(transaction, entry.name, indexId);
}

/** The collection of that number, whatever it is called by now. */
export function collectionOf(
  { environment }: WriteTransaction,
  collectionId: number,
): CollectionEntry | undefined {
  return listCollections(environment).find(({ id }) => id === collectionId);
}

/** Removes an index that could not be built. Nothing happens when it is gone already. */
export function abandonBuild(transaction: WriteTransaction, building: Building): void {
  const entry = collectionOf(transaction, building.collectionId);
  const index = entry?.indexes.find(({ id }) => id === building.indexId);
  if (entry && index && index.state === "building") removeIndex(transaction, entry, index);
}

/** Removes an index together with which another one was to be created, and could not. */
export function takeBack(transaction: WriteTransaction, { collectionId, indexId }: Building): void {
  const entry = collectionOf(transaction, collectionId);
  const index = entry?.indexes.find(({ id }) => id === indexId);
  if (entry && index) removeIndex(transaction, entry, index);
}

/**
 * @throws NAMESPACE_NOT_FOUND, INDEX_NOT_FOUND, AMBIGUOUS_INDEX_KEY_PATTERN, INVALID_INDEX_OPTIONS for the index
 * of `_id`
 */
export function applyDropIndexes(
  transaction: WriteTransaction,
  { db, collection, index: wanted }: DropIndexesOperation,
): { indexesBefore: number } {
  const entry = findCollection(transaction.environment, collection);
  if (!entry) throw noCollection(db, collection);
  const indexesBefore = entry.indexes.length + 1;
  let left: CollectionEntry = entry;
  for (const index of wanted === "*" ? entry.indexes : [indexToDrop(entry, wanted)]) {
    left = removeIndex(transaction, left, index);
  }
  return { indexesBefore };
}

function indexToDrop(entry: CollectionEntry, wanted: DropIndexesOperation["index"]): IndexEntry {
  const isId = typeof wanted === "string" ? wanted === idIndexName : isIdKey(wanted);
  if (isId) throw new LioranError("INVALID_INDEX_OPTIONS", "cannot drop _id index.");
  const found =
    typeof wanted === "string"
      ? entry.indexes.filter(({ name }) => name === wanted)
      : entry.indexes.filter((one) => isSameKey(one, Object.fromEntries(wanted)));
  const [index] = found;
  const shown = JSON.stringify(typeof wanted === "string" ? wanted : Object.fromEntries(wanted));
  if (found.length > 1) {
    const names = found.map(({ name }) => `"${name}"`).join(", ");
    throw new LioranError(
      "AMBIGUOUS_INDEX_KEY_PATTERN",
      `${found.length} indexes found for the key ${shown}: ${names}. Drop the one that is meant by its name.`,
    );
  }
  if (index) return index;
  throw new LioranError(
    "INDEX_NOT_FOUND",
    `index not found: "${entry.name}" has no index ${shown}. listIndexes() shows those there are.`,
  );
}

function aborted(): LioranError {
  return new LioranError(
    "INDEX_BUILD_ABORTED",
    "The index build was aborted: the index or its collection was dropped meanwhile.",
  );
}
