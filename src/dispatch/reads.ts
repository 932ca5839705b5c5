/**
 * The read operations, executed in one view of the data. Synchronous: they run inline on a calling
 * thread (with a budget) and on pool workers (until cancelled).
 */
import { batchBytesMax, firstBatchDocuments } from "../limits.js";
import type { Control } from "../query/control.js";
import { distinctCollector } from "../query/distinct.js";
import {
  countMatches,
  executeQuery,
  foresee,
  nothingExamined,
  planFor,
  type Query,
} from "../query/execute.js";
import { fetchDocuments, isFetch } from "../query/fetch.js";
import { underControl } from "../query/loop-control.js";
import type { Row } from "../query/row.js";
import { type Examined, type View, viewOf } from "../query/walk.js";
import { type CollectionEntry, findCollection, listCollections } from "../storage/catalog.js";
import type { Databases } from "../storage/databases.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { readingFrom } from "../storage/lmdb-failure.js";
import { readStatistics } from "../storage/statistics.js";
import type { Document } from "../values/document.js";
import type {
  CountOperation,
  DatabaseStatistics,
  DistinctOperation,
  EncodedBatch,
  FindOperation,
  SearchOperation,
  SearchResult,
} from "./operation.js";

/** A result of a cursor. Decoded or encoded when asked for, and not before. */
export interface ResultRow {
  readonly document: Document;
  readonly bytes: Uint8Array;
}

/** Results of `find`, one at a time; nothing when the collection does not exist. */
export function* findRows(
  environment: Environment,
  operation: FindOperation,
  control: Control,
  snapshot?: Snapshot,
): Generator<Row, void, void> {
  const view = viewOf(
    environment,
    findCollection(environment, operation.collection, snapshot),
    snapshot,
  );
  // The query is compiled in any case: a wrong filter is an error also on an empty collection.
  yield* foreseenRows(view, operation, control);
}

/** What a query finds, all of which will be read. */
function* foreseenRows(view: View, query: Query, control: Control): Generator<Row, void, void> {
  const plan = planFor(view, query, control);
  foresee(view, query, plan, control);
  yield* executeQuery(view, query, control, undefined, plan);
}

/** The documents of `find`, all at once. */
export function findDocuments(
  environment: Environment,
  operation: FindOperation,
  control: Control,
  entry = findCollection(environment, operation.collection),
): Document[] {
  const view = viewOf(environment, entry);
  const plan = planFor(view, operation, control);
  if (operation.projection === undefined && isFetch(plan)) {
    return fetchDocuments(view, operation, plan, control);
  }
  foresee(view, operation, plan, control);
  return Array.from(executeQuery(view, operation, control, undefined, plan), documentOf);
}

function documentOf(row: Row): Document {
  return row.document;
}

export function count(
  environment: Environment,
  operation: CountOperation,
  control: Control,
  snapshot?: Snapshot,
): number {
  const entry = findCollection(environment, operation.collection, snapshot);
  const view = viewOf(environment, entry, snapshot);
  return underControl(control, () => countIn(view, operation, control, nothingExamined()));
}

/** @param examined counts what is looked at */
export function countIn(
  view: View,
  { skip = 0, limit = 0, filter, hint }: CountOperation,
  control: Control,
  examined: Examined,
): number {
  if (Object.keys(filter).length > 0 || hint !== undefined) {
    return countMatches(view, { filter, skip, limit, hint }, control, examined);
  }
  const { documents } = readStatistics(view.environment, view.collectionId, view.snapshot);
  const rest = Math.max(0, documents - skip);
  return limit > 0 ? Math.min(limit, rest) : rest;
}

export function distinct(
  environment: Environment,
  operation: DistinctOperation,
  control: Control,
  snapshot?: Snapshot,
): unknown[] {
  const view = viewOf(
    environment,
    findCollection(environment, operation.collection, snapshot),
    snapshot,
  );
  const { filter, hint } = operation;
  const collector = distinctCollector(operation.key);
  return underControl(control, () => {
    for (const row of foreseenRows(view, { filter, hint }, control)) collector.add(row.source);
    return collector.values();
  });
}

/** Finds what an update or delete will change, without changing it. */
export function search(
  environment: Environment,
  operation: SearchOperation,
  control: Control,
  snapshot?: Snapshot,
): SearchResult {
  const view = viewOf(
    environment,
    findCollection(environment, operation.collection, snapshot),
    snapshot,
  );
  const { version } = readStatistics(environment, view.collectionId, snapshot);
  const query: Query = {
    filter: operation.filter,
    sort: operation.sort,
    limit: operation.limit,
    hint: operation.hint,
  };
  const idKeys = underControl(control, () =>
    Array.from(foreseenRows(view, query, control), ({ idKey }) => Uint8Array.from(idKey)),
  );
  return { idKeys, collectionId: view.collectionId, version };
}

export function estimatedCount(environment: Environment, collection: string): number {
  const entry = findCollection(environment, collection);
  return entry ? readStatistics(environment, entry.id).documents : 0;
}

export function collections(environment: Environment | undefined): CollectionEntry[] {
  return environment ? listCollections(environment) : [];
}

export function databases(
  registry: Databases,
): { name: string; collections: number; fileBytes: number }[] {
  return registry.names().flatMap((name) => {
    const environment = registry.get(name);
    if (!environment) return [];
    // Of several databases, the one that is damaged is to be named.
    return readingFrom(environment.folder, () => {
      environment.refresh();
      const { length } = listCollections(environment);
      const { fileBytes } = environment.statistics();
      // As MongoDB: a database exists while it has a collection.
      return length === 0 ? [] : [{ name, collections: length, fileBytes }];
    });
  });
}

export function databaseStatistics(environment: Environment | undefined): DatabaseStatistics {
  if (!environment) {
    return { collections: 0, documents: 0, dataBytes: 0, fileBytes: 0, mapBytes: 0 };
  }
  const { fileBytes, mapBytes } = environment.statistics();
  const entries = listCollections(environment);
  let documents = 0;
  let dataBytes = 0;
  for (const { id } of entries) {
    const statistics = readStatistics(environment, id);
    documents += statistics.documents;
    dataBytes += statistics.bytes;
  }
  return { collections: entries.length, documents, dataBytes, fileBytes, mapBytes };
}

/**
 * Takes rows until the batch is full.
 *
 * @param size documents; without it the first-batch default
 */
export function takeBatch(
  rows: Iterator<ResultRow>,
  size = firstBatchDocuments,
): { batch: EncodedBatch; done: boolean } {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (parts.length < size && bytes < batchBytesMax) {
    const { value, done } = rows.next();
    if (done) return { batch: joined(parts), done: true };
    const encoded = value.bytes;
    parts.push(encoded);
    bytes += encoded.length;
  }
  return { batch: joined(parts), done: false };
}

/** A batch in a buffer of its own, so that it can be transferred between threads. */
function joined(parts: Uint8Array[]): EncodedBatch {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { count: parts.length, bytes };
}
