/**
 * The statements that change which indexes a collection has, applied inside an open write transaction.
 *
 * Owning thread: the Host.
 */
import { LioranError } from "../errors.js";
import { indexBuildSliceDocuments, indexBuildSliceMs, indexesPerCollectionMax } from "../limits.js";
import { isSameKey } from "../query/plan/planner.js";
import {
  type CollectionEntry,
  ensureCollection,
  findCollection,
  type IndexEntry,
  listCollections,
  nextId,
} from "../storage/catalog.js";
import { type StoredDocument, scanDocuments } from "../storage/collection.js";
import { decodeDocument } from "../storage/document.js";
import {
  addIndex,
  finishBuild,
  indexNamed,
  readProgress,
  removeIndex,
  writeProgress,
} from "../storage/index-catalog.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import { existingIndex, type IndexSpec, idIndexName, isIdKey } from "./index-spec.js";
import { noCollection } from "./missing-collection.js";
import type { CreateIndexesOperation, DropIndexesOperation } from "./operation.js";
import { indexDocument } from "./stored-documents.js";

/** An index that is being built, wherever its collection is named to meanwhile. */
export interface Building {
  readonly collectionId: number;
  readonly indexId: number;
}

/**
 * Adds the indexes that are not there. Those of a small collection are complete at once; the others are to be
 * built.
 *
 * @returns those that are being built
 * @throws INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT, CANNOT_CREATE_INDEX, DUPLICATE_KEY
 */
export function applyCreateIndexes(
  transaction: WriteTransaction,
  { db, collection, indexes }: CreateIndexesOperation,
): Building[] {
  const { id, name } = ensureCollection(transaction, collection);
  const isSmall = transaction.statistics(id).documents <= indexBuildSliceDocuments;
  const building: Building[] = [];
  for (const spec of indexes) {
    if (isIdKey(spec.key)) continue;
    const entry = findCollection(transaction.environment, name)!;
    const existing = existingIndex(entry.indexes, spec);
    const index = existing ?? newIndex(transaction, entry, spec);
    if (!existing) {
      addIndex(transaction, entry, index);
      writeProgress(transaction, index.id, { doneTo: nothing, documents: 0 });
    }
    if (index.state === "ready") continue;
    const one = { collectionId: id, indexId: index.id };
    const isDone = isSmall && !existing && buildSlice(transaction, db, one).isDone;
    if (!isDone) building.push(one);
  }
  return building;
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

/** What of a build is left. */
export interface BuildState {
  readonly isDone: boolean;
  /** Documents looked at so far. */
  readonly documents: number;
}

/**
 * Indexes the next documents of a build, as many as there is time for.
 *
 * @throws DUPLICATE_KEY, CANNOT_INDEX_PARALLEL_ARRAYS, INDEX_BUILD_ABORTED when the index is gone
 */
export function buildSlice(
  transaction: WriteTransaction,
  db: string,
  { collectionId, indexId }: Building,
): BuildState {
  const { environment } = transaction;
  const entry = collectionOf(transaction, collectionId);
  const index = entry?.indexes.find(({ id }) => id === indexId);
  if (!entry || !index) throw aborted();
  if (index.state === "ready") return { isDone: true, documents: 0 };
  const { doneTo, documents } = readProgress(environment, indexId)!;
  const range = doneTo.length > 0 ? { lower: { key: doneTo, inclusive: false } } : {};
  const untilMs = performance.now() + indexBuildSliceMs;
  let count = 0;
  for (const { idKey, bytes } of sliceOf(scanDocuments(environment, collectionId, range, false))) {
    indexDocument(transaction, { db, entry }, index, decodeDocument(bytes), idKey);
    count += 1;
    const isOver = count >= indexBuildSliceDocuments || performance.now() > untilMs;
    if (isOver && documents + count < transaction.statistics(collectionId).documents) {
      writeProgress(transaction, indexId, {
        doneTo: Uint8Array.from(idKey),
        documents: documents + count,
      });
      return { isDone: false, documents: documents + count };
    }
  }
  finishBuild(transaction, entry.name, indexId);
  return { isDone: true, documents: documents + count };
}

/** Read before anything is written, and no more than one slice can take. */
function sliceOf(documents: Iterable<StoredDocument>): StoredDocument[] {
  const slice: StoredDocument[] = [];
  for (const document of documents) {
    slice.push(document);
    if (slice.length > indexBuildSliceDocuments) break;
  }
  return slice;
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

/** @throws NAMESPACE_NOT_FOUND, INDEX_NOT_FOUND, INVALID_INDEX_OPTIONS for the index of `_id` */
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
  const index =
    typeof wanted === "string"
      ? indexNamed(entry, wanted)
      : entry.indexes.find((one) => isSameKey(one, Object.fromEntries(wanted)));
  if (index) return index;
  throw new LioranError(
    "INDEX_NOT_FOUND",
    `index not found: "${entry.name}" has no index ${JSON.stringify(wanted)}. listIndexes() shows those there are.`,
  );
}

function aborted(): LioranError {
  return new LioranError(
    "INDEX_BUILD_ABORTED",
    "The index build was aborted: the index or its collection was dropped meanwhile.",
  );
}
