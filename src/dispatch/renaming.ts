/**
 * Renames a collection, over another one if it may: the last step of `$out`, too.
 *
 * Owning thread: the Host, inside a write transaction.
 */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { type CollectionEntry, findCollection, renameCollection } from "../storage/catalog.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { RenameCollectionOperation } from "./operation.js";

/** @throws NAMESPACE_NOT_FOUND, NAMESPACE_EXISTS; WRITE_CONFLICT when the target has to be alike and is not */
export function applyRename(
  transaction: WriteTransaction,
  { collection, to, dropTarget, onlyAlike }: RenameCollectionOperation,
): CollectionEntry {
  const { environment } = transaction;
  const source = findCollection(environment, collection);
  const target = findCollection(environment, to);
  if (onlyAlike && source && target && makeOf(source) !== makeOf(target)) {
    throw new LioranError(
      "WRITE_CONFLICT",
      `The indexes or options of "${to}" were changed while its replacement was filled. Try again.`,
    );
  }
  return renameCollection(transaction, collection, to, dropTarget);
}

/** What a collection was made with, whatever is in it. */
function makeOf({ options, indexes }: CollectionEntry): string {
  const made = indexes.map(({ name, key, unique, sparse, partialFilter, expireAfterSeconds }) =>
    encode([name, key, unique, sparse, partialFilter ?? null, expireAfterSeconds ?? null]),
  );
  made.sort(Buffer.compare);
  return Buffer.concat([encode(options), ...made]).toString("latin1");
}
