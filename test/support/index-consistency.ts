/**
 * Holds the indexes of a root against its documents: every entry has its document, and every document has
 * exactly its entries. Reads one snapshot of each database, so that it may run beside a primary.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { keyPrefixBytes } from "../../src/limits.js";
import { compileIndex } from "../../src/query/index-keys.js";
import {
  type CollectionEntry,
  type IndexEntry,
  listCollections,
} from "../../src/storage/catalog.js";
import { collectionRange, scanDocuments } from "../../src/storage/collection.js";
import { acquireDatabases } from "../../src/storage/databases.js";
import { decodeDocument } from "../../src/storage/document.js";
import type { Environment, Snapshot } from "../../src/storage/environment.js";
import { readStatistics } from "../../src/storage/statistics.js";

/** Prefix of the catalog's records of dropped indexes whose entries are still being removed. */
const indexPurgePrefix = 0x05;

/** What was looked at, so that a test can tell that there was something. */
export interface Checked {
  documents: number;
  indexes: number;
  entries: number;
}

/**
 * @param only the one database to look at
 * @throws AssertionError naming the first thing that is wrong
 */
export async function checkIndexConsistency(rootPath: string, only?: string): Promise<Checked> {
  const databases = acquireDatabases(rootPath, "read");
  const checked: Checked = { documents: 0, indexes: 0, entries: 0 };
  try {
    for (const name of databases.names()) {
      if (only !== undefined && name !== only) continue;
      const environment = databases.get(name);
      if (environment) checkDatabase(environment, name, checked);
    }
  } finally {
    await databases.release();
  }
  return checked;
}

function checkDatabase(environment: Environment, db: string, checked: Checked): void {
  const snapshot = environment.openSnapshot();
  try {
    const known = new Set<number>();
    for (const entry of listCollections(environment, snapshot)) {
      for (const { id } of entry.indexes) known.add(id);
      checkCollection(environment, snapshot, `${db}.${entry.name}`, entry, checked);
    }
    checkOrphans(environment, snapshot, db, known);
  } finally {
    snapshot.close();
  }
}

function checkCollection(
  environment: Environment,
  snapshot: Snapshot,
  namespace: string,
  { id, indexes }: CollectionEntry,
  checked: Checked,
): void {
  const expected = indexes.map(() => new Map<string, number>());
  let documents = 0;
  for (const { idKey, bytes } of scanDocuments(environment, id, {}, false, snapshot)) {
    documents += 1;
    const document = decodeDocument(bytes);
    for (const [at, index] of indexes.entries()) {
      if (index.state === "building") continue;
      const { entries, multikey, isCut } = compileIndex(index).entriesOf(document, idKey);
      const where = `${namespace}.${index.name}: ${inspect(document)}`;
      assert.ok(
        multikey.every((field) => index.multikey.includes(field)),
        `${where} has arrays that the catalog does not know of`,
      );
      assert.ok(!isCut || index.cut, `${where} has long values that the catalog does not know of`);
      for (const { key, value } of entries) expected[at]!.set(nameOf(key, value), documents);
    }
  }
  assert.equal(readStatistics(environment, id, snapshot).documents, documents, namespace);
  checked.documents += documents;
  for (const [at, index] of indexes.entries()) {
    if (index.state === "building") continue;
    checkEntries(environment, snapshot, `${namespace}.${index.name}`, index, expected[at]!);
    checked.indexes += 1;
    checked.entries += expected[at]!.size;
  }
}

function checkEntries(
  environment: Environment,
  snapshot: Snapshot,
  where: string,
  index: IndexEntry,
  expected: ReadonlyMap<string, number>,
): void {
  const left = new Set(expected.keys());
  const range = { ...collectionRange(index.id), ...snapshot.options };
  for (const { key, value } of environment.stores.indexes.getRange(range)) {
    const name = nameOf(key, value);
    assert.ok(left.delete(name), `${where}: the entry ${name} has no document`);
  }
  const [missing] = left;
  assert.equal(missing, undefined, `${where}: ${left.size} entries of documents are missing`);
}

/** Entries of indexes that are gone wait to be removed; any other would stay for ever. */
function checkOrphans(
  environment: Environment,
  snapshot: Snapshot,
  db: string,
  known: ReadonlySet<number>,
): void {
  const { catalog, indexes } = environment.stores;
  const dropped = { start: Buffer.of(indexPurgePrefix), end: Buffer.of(indexPurgePrefix + 1) };
  const purged = new Set(
    Array.from(catalog.getKeys({ ...dropped, ...snapshot.options }), (key) =>
      Buffer.from(key).readUInt32BE(1),
    ),
  );
  let at = 0;
  for (;;) {
    const start = Buffer.alloc(keyPrefixBytes);
    start.writeUInt32BE(at, 0);
    const end = Buffer.alloc(keyPrefixBytes, 0xff);
    const [key] = indexes.getKeys({ start, end, limit: 1, ...snapshot.options });
    if (!key) return;
    const id = Buffer.from(key).readUInt32BE(0);
    assert.ok(known.has(id) || purged.has(id), `${db}: entries of an unknown index ${id}`);
    at = id + 1;
  }
}

function nameOf(key: Uint8Array, value: Uint8Array): string {
  return `${Buffer.from(key).toString("hex")}/${Buffer.from(value).toString("hex")}`;
}
