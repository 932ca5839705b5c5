/**
 * How much a collection holds, exact and in the same commit as the documents, so that counting a
 * collection is one read. Layout: docs/format.md.
 */
import type { Environment, Snapshot } from "./environment.js";
import { damagedRecord } from "./stored-record.js";

export interface CollectionStatistics {
  /** Documents in the collection. */
  documents: number;
  /** Bytes of the stored documents, without keys. */
  bytes: number;
  /** Raised by one in each commit that changes the collection: tells whether a search is stale. */
  version: number;
  /** Whether this transaction has changed it. Not stored. */
  changed: boolean;
}

const statisticsPrefix = 0x02;
const recordBytes = 24;

/** The key of a collection's statistics in the catalog store. */
export function statisticsKey(collectionId: number): Uint8Array {
  const key = Buffer.allocUnsafe(5);
  key[0] = statisticsPrefix;
  key.writeUInt32BE(collectionId, 1);
  return key;
}

/** Reads the statistics: within a write transaction with its writes, else of the latest commit. */
export function readStatistics(
  environment: Environment,
  collectionId: number,
  snapshot?: Snapshot,
): CollectionStatistics {
  const options = snapshot ? snapshot.options : environment.latest;
  const bytes = environment.stores.catalog.getBinary(statisticsKey(collectionId), options);
  if (!bytes) return { documents: 0, bytes: 0, version: 0, changed: false };
  if (bytes.length !== recordBytes) throw damagedRecord("the statistics of a collection");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [documents, size, version] = [view.getFloat64(0), view.getFloat64(8), view.getFloat64(16)];
  // Each counts something.
  if (!(isCount(documents) && isCount(size) && isCount(version))) {
    throw damagedRecord("the statistics of a collection");
  }
  return { documents, bytes: size, version, changed: false };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Stores the statistics and raises their version. Inside a write transaction only. */
export function writeStatistics(
  environment: Environment,
  collectionId: number,
  statistics: CollectionStatistics,
): void {
  const record = Buffer.allocUnsafe(recordBytes);
  record.writeDoubleBE(statistics.documents, 0);
  record.writeDoubleBE(statistics.bytes, 8);
  record.writeDoubleBE(statistics.version + 1, 16);
  environment.stores.catalog.putSync(statisticsKey(collectionId), record);
}
