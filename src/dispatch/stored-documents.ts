/**
 * Documents together with their entries in the indexes of their collection: whatever changes a document
 * goes through here, so that the two are never apart.
 *
 * Owning thread: the Host, inside a write transaction.
 *
 * Invariant: in each commit every document has exactly the entries that `index-keys.ts` gives for it in every
 * index that is ready, and in one that is being built if it was written since the build began.
 */
import { LioranError } from "../errors.js";
import { compileIndex, type DocumentEntries } from "../query/index-keys.js";
import { parsePath } from "../query/path.js";
import type { CollectionEntry, IndexEntry } from "../storage/catalog.js";
import {
  deleteDocument,
  insertDocument,
  type StoredDocument,
  updateDocument,
} from "../storage/collection.js";
import { decodeDocument } from "../storage/document.js";
import { compileFieldReader } from "../storage/field-reader.js";
import { noteEntries } from "../storage/index-catalog.js";
import { noteChange } from "../storage/index-changes.js";
import { entryIdKey, entryValuesEnd, type IndexEntryBytes } from "../storage/index-entries.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { Document } from "../values/document.js";
import { shownValue } from "../values/shown.js";

/** The collection a statement changes, as it is in the open transaction. */
export interface TargetCollection {
  readonly db: string;
  readonly entry: CollectionEntry;
}

/** @throws DUPLICATE_KEY, CANNOT_INDEX_PARALLEL_ARRAYS */
export function addDocument(
  transaction: WriteTransaction,
  { db, entry }: TargetCollection,
  idKey: Uint8Array,
  bytes: Uint8Array,
): void {
  insertDocument(transaction, entry.id, `${db}.${entry.name}`, idKey, bytes);
  for (const index of entry.indexes) {
    noteIfBuilding(transaction, index, idKey);
    const plain = compileIndex(index).plainEntry?.(bytes, idKey);
    if (!plain) {
      indexDocument(transaction, { db, entry }, index, indexedPart(entry, bytes), idKey);
      continue;
    }
    addEntry(transaction, index, plain, idKey, () =>
      duplicateKey({ db, entry }, index, indexedPart(entry, bytes), plain.key, idKey),
    );
  }
}

/**
 * @param changed the top-level fields that may differ, if that is known
 * @throws DUPLICATE_KEY, CANNOT_INDEX_PARALLEL_ARRAYS
 */
export function changeDocument(
  transaction: WriteTransaction,
  target: TargetCollection,
  before: StoredDocument,
  bytes: Uint8Array,
  changed?: readonly string[],
): void {
  const { entry } = target;
  updateDocument(transaction, entry.id, before, bytes);
  if (entry.indexes.length === 0 || (changed && !concernsIndexes(entry, changed))) return;
  const old = indexedPart(entry, before.bytes);
  const document = indexedPart(entry, bytes);
  const isSame = haveSameScalars(old, document);
  for (const index of entry.indexes) {
    noteIfBuilding(transaction, index, before.idKey);
    // Its entries are there, and the same. A build may not have come to this document.
    if (isSame && index.state === "ready") continue;
    reindexDocument(transaction, target, index, old, document, before.idKey);
  }
}

export function removeDocument(
  transaction: WriteTransaction,
  { entry }: TargetCollection,
  before: StoredDocument,
): void {
  deleteDocument(transaction, entry.id, before);
  if (entry.indexes.length === 0) return;
  const document = indexedPart(entry, before.bytes);
  for (const index of entry.indexes) {
    noteIfBuilding(transaction, index, before.idKey);
    const { entries } = entriesBefore(index, document, before.idKey);
    removeEntries(transaction, entries, index);
  }
}

/** Whether two documents have the same fields, all of them scalars, in the same order. False may be wrong. */
function haveSameScalars(one: Document, other: Document): boolean {
  const names = Object.keys(one);
  const others = Object.keys(other);
  if (names.length !== others.length) return false;
  for (let at = 0; at < names.length; at++) {
    const name = names[at]!;
    const value = one[name];
    if (name !== others[at] || !Object.is(value, other[name])) return false;
    if (typeof value === "object" && value !== null) return false;
  }
  return true;
}

function noteIfBuilding(transaction: WriteTransaction, index: IndexEntry, idKey: Uint8Array): void {
  if (index.state === "building") noteChange(transaction.environment, index.id, idKey);
}

const lookedAt = new WeakMap<CollectionEntry, ReadonlySet<string> | "all">();

/** Whether an index may look at one of the fields, or is being built and wants to be told of every change. */
function concernsIndexes(entry: CollectionEntry, fields: readonly string[]): boolean {
  let looked = lookedAt.get(entry);
  if (!looked) {
    looked = fieldsLookedAt(entry);
    lookedAt.set(entry, looked);
  }
  if (looked === "all") return true;
  for (let at = 0; at < fields.length; at += 1) if (looked.has(fields[at]!)) return true;
  return false;
}

function fieldsLookedAt({ indexes }: CollectionEntry): ReadonlySet<string> | "all" {
  const fields = new Set<string>();
  for (const index of indexes) {
    const { paths } = compileIndex(index);
    if (!paths || index.state === "building") return "all";
    for (const path of paths) fields.add(parsePath(path).segments[0]!);
  }
  return fields;
}

const readers = new WeakMap<CollectionEntry, (bytes: Uint8Array) => Document>();

/** What the indexes of a collection look at of a stored document. */
export function indexedPart(entry: CollectionEntry, bytes: Uint8Array): Document {
  let read = readers.get(entry);
  if (!read) {
    read = compileReader(entry);
    readers.set(entry, read);
  }
  return read(bytes);
}

function compileReader({ indexes }: CollectionEntry): (bytes: Uint8Array) => Document {
  const paths = new Set<string>();
  for (const index of indexes) {
    const looked = compileIndex(index).paths;
    if (!looked) return decodeDocument;
    for (const path of looked) paths.add(path);
  }
  const read = compileFieldReader(Array.from(paths, (path) => parsePath(path).segments));
  return (bytes) => read(bytes, 0);
}

/** Adds the entries of one document to one index. @throws DUPLICATE_KEY, CANNOT_INDEX_PARALLEL_ARRAYS */
export function indexDocument(
  transaction: WriteTransaction,
  target: TargetCollection,
  index: IndexEntry,
  document: Document,
  idKey: Uint8Array,
): void {
  const after = compileIndex(index).entriesOf(document, idKey);
  addEntries(transaction, target, index, after, after.entries, document, idKey);
}

function reindexDocument(
  transaction: WriteTransaction,
  target: TargetCollection,
  index: IndexEntry,
  old: Document,
  document: Document,
  idKey: Uint8Array,
): void {
  const before = entriesBefore(index, old, idKey);
  const after = compileIndex(index).entriesOf(document, idKey);
  const gone = without(before.entries, after.entries);
  const added = without(after.entries, before.entries);
  // First what is gone: a unique index allows a document to keep its own values.
  removeEntries(transaction, gone, index);
  addEntries(transaction, target, index, after, added, document, idKey);
}

/** While an index is being built, documents with parallel arrays may be there: they have no entries yet. */
function entriesBefore(index: IndexEntry, document: Document, idKey: Uint8Array): DocumentEntries {
  try {
    return compileIndex(index).entriesOf(document, idKey);
  } catch (error) {
    if (index.state === "ready" || !(error instanceof LioranError)) throw error;
    return { entries: [], multikey: [], isCut: false };
  }
}

function addEntries(
  transaction: WriteTransaction,
  target: TargetCollection,
  index: IndexEntry,
  kinds: DocumentEntries,
  added: readonly IndexEntryBytes[],
  document: Document,
  idKey: Uint8Array,
): void {
  for (const one of added) {
    addEntry(transaction, index, one, idKey, () =>
      duplicateKey(target, index, document, one.key, idKey),
    );
  }
  const isNew = kinds.multikey.some((at) => !index.multikey.includes(at));
  if (isNew || (kinds.isCut && !index.cut)) {
    noteEntries(transaction, target.entry.name, index.id, kinds);
  }
}

/** @param duplicate what is thrown when another document has an entry with the same values */
function addEntry(
  transaction: WriteTransaction,
  index: IndexEntry,
  { key, value }: IndexEntryBytes,
  idKey: Uint8Array,
  duplicate: () => LioranError,
): void {
  const { indexes } = transaction.environment.stores;
  if (index.unique && hasOtherHolder(transaction, key, value, idKey)) throw duplicate();
  const before = index.state === "building" ? transaction.get(indexes, key) : undefined;
  transaction.put(indexes, key, value, before);
}

function removeEntries(
  transaction: WriteTransaction,
  entries: readonly IndexEntryBytes[],
  index: IndexEntry,
): void {
  const { indexes } = transaction.environment.stores;
  for (const { key, value } of entries) {
    // A build has not come to every document yet.
    if (index.state === "building") transaction.remove(indexes, key);
    else transaction.remove(indexes, key, value);
  }
}

/** Whether another document has an entry with the same values. */
export function hasOtherHolder(
  transaction: WriteTransaction,
  key: Uint8Array,
  value: Uint8Array,
  idKey: Uint8Array,
): boolean {
  const { indexes } = transaction.environment.stores;
  const start = key.subarray(0, entryValuesEnd(value));
  const end = Buffer.concat([start, Uint8Array.of(0xff)]);
  for (const holder of indexes.getRange({ start, end, limit: 2 })) {
    if (entryValuesEnd(holder.value) !== start.length) continue;
    if (Buffer.compare(entryIdKey(holder.key, holder.value), idKey) !== 0) return true;
  }
  return false;
}

/** The entries of `entries` that are not among the others. */
function without(
  entries: readonly IndexEntryBytes[],
  others: readonly IndexEntryBytes[],
): readonly IndexEntryBytes[] {
  if (entries.length === 1 && others.length === 1) {
    return isSameEntry(entries[0]!, others[0]!) ? [] : entries;
  }
  const known = new Set(others.map(entryName));
  return entries.filter((entry) => !known.has(entryName(entry)));
}

function isSameEntry(a: IndexEntryBytes, b: IndexEntryBytes): boolean {
  return Buffer.compare(a.key, b.key) === 0 && Buffer.compare(a.value, b.value) === 0;
}

function entryName({ key, value }: IndexEntryBytes): string {
  return `${Buffer.from(key).toString("latin1")}/${value[0]}`;
}

/** As MongoDB words it. */
export function duplicateKey(
  { db, entry }: TargetCollection,
  index: IndexEntry,
  document: Document,
  entryKey: Uint8Array,
  idKey: Uint8Array,
): LioranError {
  const keyValue = compileIndex(index).keyValue(document, entryKey, idKey);
  const shown = Object.entries(keyValue).map(([path, value]) => `${path}: ${shownValue(value)}`);
  return new LioranError(
    "DUPLICATE_KEY",
    `E11000 duplicate key error collection: ${db}.${entry.name} index: ${index.name} dup key: { ${shown.join(", ")} }`,
    { details: { keyPattern: Object.fromEntries(index.key), keyValue } },
  );
}
