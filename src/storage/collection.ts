/**
 * The documents of a collection as bytes: keys are the collection's number followed by the
 * order-preserving key of `_id`, so that a range of `_id`s is a range of keys.
 *
 * Reads may run on any thread; writes run in the Host, inside a write transaction.
 */

import { LioranError } from "../errors.js";
import { keyPrefixBytes, lmdbKeyBytesMax } from "../limits.js";
import type { Document } from "../values/document.js";
import { shownValue } from "../values/shown.js";
import { decodeStored, documentId } from "./document.js";
import type { Environment, RangeOptions, ReadOptions, Snapshot } from "./environment.js";
import { writeKey } from "./key.js";
import { plainView } from "./plain-view.js";
import type { WriteTransaction } from "./write-transaction.js";

/** One stored document: its key within the collection and its bytes. */
export interface StoredDocument {
  readonly idKey: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Bounds on the key of `_id`, as produced by `key.ts`. */
export interface IdKeyRange {
  /** Lowest key; without it the range begins with the first document. */
  lower?: { key: Uint8Array; inclusive: boolean };
  /** Highest key; without it the range ends with the last document. */
  upper?: { key: Uint8Array; inclusive: boolean };
}

/** The key of a document in the documents store. */
export function documentKey(collectionId: number, idKey: Uint8Array): Uint8Array {
  const key = Buffer.allocUnsafe(keyPrefixBytes + idKey.length);
  key.writeUInt32BE(collectionId, 0);
  key.set(idKey, keyPrefixBytes);
  return key;
}

/** All keys of a collection: `start` inclusive, `end` exclusive. */
export function collectionRange(collectionId: number): { start: Uint8Array; end: Uint8Array } {
  const start = Buffer.allocUnsafe(keyPrefixBytes);
  start.writeUInt32BE(collectionId, 0);
  const end = Buffer.allocUnsafe(keyPrefixBytes);
  end.writeUInt32BE(collectionId + 1, 0);
  return { start, end };
}

/**
 * The bytes of one document. They lie in a buffer that the next read overwrites: decode or copy them
 * at once.
 */
export function getDocument(
  environment: Environment,
  collectionId: number,
  idKey: Uint8Array,
  snapshot?: Snapshot,
): Uint8Array | undefined {
  const options = snapshot ? snapshot.options : environment.latest;
  const { documents } = environment.stores;
  const bytes = documents.getBinaryFast(documentKey(collectionId, idKey), options);
  return bytes?.subarray(0, bytes.length);
}

/** The key of a point read, written anew by each: a read must not cost an allocation for its key. */
const pointKey = Buffer.allocUnsafeSlow(lmdbKeyBytesMax);
/** Its beginnings, by length. */
const pointKeys: Buffer[] = Array.from({ length: lmdbKeyBytesMax + 1 });

function pointKeyUpTo(end: number): Buffer {
  pointKeys[end] ??= pointKey.subarray(0, end);
  return pointKeys[end];
}

function writeCollectionId(collectionId: number): void {
  pointKey[0] = collectionId >>> 24;
  pointKey[1] = collectionId >>> 16;
  pointKey[2] = collectionId >>> 8;
  pointKey[3] = collectionId;
}

/**
 * The bytes of the document with this `_id` in the latest commit, in a buffer that the next read
 * overwrites: for {@link decodeRead}, at once.
 */
export function readById(
  environment: Environment,
  collectionId: number,
  id: unknown,
): Buffer | undefined {
  writeCollectionId(collectionId);
  const end = writeKey(id, pointKey, keyPrefixBytes);
  return environment.stores.documents.getBinaryFast(pointKeyUpTo(end), environment.latest);
}

/** As {@link readById}, for a key that {@link pointKeyTarget} was given. */
export function readByPointKey(
  environment: Environment,
  collectionId: number,
  keyEnd: number,
  options: ReadOptions | undefined,
): Buffer | undefined {
  writeCollectionId(collectionId);
  return environment.stores.documents.getBinaryFast(pointKeyUpTo(keyEnd), options);
}

/** Where the key of an `_id` is put for {@link readByPointKey}, from `keyPrefixBytes` on. */
export const pointKeyTarget: Uint8Array = pointKey;

/** The document that {@link readById} has read. */
export function decodeRead(bytes: Buffer): Document {
  return decodeStored(plainView(bytes), bytes.length);
}

/** The keys of the documents in a range of `_id`s, in the order in which they are walked. */
export function documentRange(
  collectionId: number,
  { lower, upper }: IdKeyRange,
  reverse = false,
): RangeOptions {
  const all = collectionRange(collectionId);
  const low = lower ? documentKey(collectionId, lower.key) : all.start;
  const high = upper ? documentKey(collectionId, upper.key) : all.end;
  const isLowIn = lower?.inclusive ?? true;
  const isHighIn = upper?.inclusive ?? false;
  return {
    start: reverse ? high : low,
    end: reverse ? low : high,
    reverse,
    exclusiveStart: reverse ? !isHighIn : !isLowIn,
    inclusiveEnd: reverse ? isLowIn : isHighIn,
  };
}

/** Walks the documents of a range of `_id`s in order. The bytes are private copies. */
export function* scanDocuments(
  environment: Environment,
  collectionId: number,
  range: IdKeyRange,
  reverse: boolean,
  snapshot?: Snapshot,
): Generator<StoredDocument, void, void> {
  const entries = environment.stores.documents.getRange({
    ...documentRange(collectionId, range, reverse),
    ...(snapshot ? snapshot.options : environment.latest),
  });
  for (const { key, value } of entries) {
    yield { idKey: key.subarray(keyPrefixBytes), bytes: value };
  }
}

/**
 * Stores a new document.
 *
 * @throws DUPLICATE_KEY when a document with an equal `_id` exists
 */
export function insertDocument(
  transaction: WriteTransaction,
  collectionId: number,
  collectionName: string,
  idKey: Uint8Array,
  bytes: Uint8Array,
): void {
  const { documents } = transaction.environment.stores;
  const key = documentKey(collectionId, idKey);
  if (!transaction.putNew(documents, key, bytes)) {
    throw duplicateId(collectionName, documentId(bytes));
  }
  transaction.countDocuments(collectionId, 1, bytes.length);
}

/** Replaces a document by a version with the same `_id`. */
export function updateDocument(
  transaction: WriteTransaction,
  collectionId: number,
  before: StoredDocument,
  bytes: Uint8Array,
): void {
  const { documents } = transaction.environment.stores;
  transaction.put(documents, documentKey(collectionId, before.idKey), bytes, before.bytes);
  transaction.countDocuments(collectionId, 0, bytes.length - before.bytes.length);
}

/** Removes a document. */
export function deleteDocument(
  transaction: WriteTransaction,
  collectionId: number,
  before: StoredDocument,
): void {
  const { documents } = transaction.environment.stores;
  transaction.remove(documents, documentKey(collectionId, before.idKey), before.bytes);
  transaction.countDocuments(collectionId, -1, -before.bytes.length);
}

function duplicateId(collectionName: string, id: unknown): LioranError {
  return new LioranError(
    "DUPLICATE_KEY",
    `E11000 duplicate key error collection: ${collectionName} index: _id_ dup key: { _id: ${shownValue(id)} }`,
    { details: { keyPattern: { _id: 1 }, keyValue: { _id: id } } },
  );
}
