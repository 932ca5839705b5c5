/**
 * The operations: everything a caller can ask for, as plain data. One operation is the body of one
 * request frame; the same object is executed on the calling thread, on a pool worker or in the Host.
 *
 * Documents travel encoded (docs/format.md), so that whoever only passes them on, or stores them,
 * never decodes them.
 */
import type { CollectionEntry } from "../storage/catalog.js";
import type { Document } from "../values/document.js";
import type { CommitFigures } from "./commit-meter.js";
import type { IndexSpec } from "./index-spec.js";

/** When a write is acknowledged: after the flush to disk, or once committed. */
export type Durability = "flushed" | "committed";

/** A sort in its one normal form. */
export type SortSpec = [path: string, direction: 1 | -1][];

interface OnCollection {
  db: string;
  collection: string;
}

interface Read extends OnCollection {
  /** Stop with MAX_TIME_EXPIRED after this time. 0 or missing: no limit. */
  maxTimeMs?: number;
  /** The index to use: its name or key, or `{ $natural: 1 }` for none. */
  hint?: string | Document;
}

interface Write extends OnCollection {
  durability: Durability;
}

/** Writes that look for the documents they change. */
interface Searching {
  /** Give up with MAX_TIME_EXPIRED, and change nothing, when they are not found in this time. 0 or missing: no limit. */
  maxTimeMs?: number;
}

/** Writes whose documents pass the collection's validator. */
interface Validated {
  /** Store the documents whatever the validator says. */
  bypassValidation?: boolean;
}

/** What a collection demands of its documents. */
export interface ValidationOptions {
  /** A filter that documents must match. `{}`: none. */
  validator?: Document;
  /** Which writes are checked: all, all but updates of documents that violate it already, none. */
  validationLevel?: "strict" | "moderate" | "off";
  /** Whether a write that violates it fails, or goes through with a warning. */
  validationAction?: "error" | "warn";
}

/**
 * A part of a collection in the order of `_id`, over all types. A filter cannot say it: comparisons match
 * values of one type.
 */
export interface IdRange {
  /** Behind this `_id`; missing: from the first document. */
  after?: unknown;
  /** Up to and with this `_id`; missing: to the last document. */
  upTo?: unknown;
}

export interface FindOperation extends Read {
  kind: "find";
  filter: Document;
  /** Walk over this part of the collection only, in the order of `_id`. */
  idRange?: IdRange;
  sort?: SortSpec;
  projection?: Document;
  skip?: number;
  /** 0 or missing: no limit. */
  limit?: number;
  batchSize?: number;
}

export interface AggregateOperation extends Omit<Read, "collection"> {
  kind: "aggregate";
  /** Missing: the pipeline begins with `$documents`. */
  collection?: string;
  /** Without `$out` and `$merge`, which the caller carries out. */
  pipeline: Document[];
  let?: Document;
  hint?: string | Document;
  batchSize?: number;
}

export interface CountOperation extends Read {
  kind: "count";
  filter: Document;
  skip?: number;
  limit?: number;
}

export interface DistinctOperation extends Read {
  kind: "distinct";
  key: string;
  filter: Document;
}

/** The search half of an update or delete whose filter is not bounded by `_id`. */
export interface SearchOperation extends Read {
  kind: "search";
  filter: Document;
  sort?: SortSpec;
  /** 0: all. */
  limit: number;
}

/** How another read is, or would be, run. */
export interface ExplainOperation {
  kind: "explain";
  db: string;
  verbosity: "queryPlanner" | "executionStats";
  explained: FindOperation | CountOperation | DistinctOperation | AggregateOperation;
  maxTimeMs?: number;
}

export interface EstimatedCountOperation extends OnCollection {
  kind: "estimatedCount";
}

export interface GetMoreOperation {
  kind: "getMore";
  cursor: number;
  batchSize?: number;
}

export interface KillCursorsOperation {
  kind: "killCursors";
  cursors: number[];
}

export interface ListCollectionsOperation {
  kind: "listCollections";
  db: string;
}

export interface ListDatabasesOperation {
  kind: "listDatabases";
}

export interface DatabaseStatisticsOperation {
  kind: "databaseStatistics";
  db: string;
}

export interface PingOperation {
  kind: "ping";
}

/** The Host's half of `manager.status()`. */
export interface HostStatusOperation {
  kind: "hostStatus";
}

export interface InsertOperation extends Write, Validated {
  kind: "insert";
  /** How many documents `documents` holds. */
  count: number;
  /** Encoded documents, one after the other. */
  documents: Uint8Array;
  /** Stop at the first document that fails. */
  ordered: boolean;
  /** Fail where the collection does not exist, instead of creating it. */
  mustExist?: boolean;
}

/** What to change in the documents that match. */
export interface UpdateStatement {
  filter: Document;
  /** Operators, a pipeline, or the replacement. */
  update: Document | Document[];
  replacement: boolean;
  multi: boolean;
  /** Which document is the first, unless `multi`. */
  sort?: SortSpec;
  upsert: boolean;
  arrayFilters?: Document[];
  hint?: string | Document;
}

export interface UpdateOperation extends Write, Validated, Searching, UpdateStatement {
  kind: "update";
}

export interface DeleteStatement {
  filter: Document;
  multi: boolean;
  hint?: string | Document;
}

export interface DeleteOperation extends Write, Searching, DeleteStatement {
  kind: "delete";
}

export interface FindAndModifyOperation extends Write, Validated, Searching {
  kind: "findAndModify";
  action: "update" | "replace" | "remove";
  filter: Document;
  sort?: SortSpec;
  projection?: Document;
  update?: Document | Document[];
  upsert: boolean;
  returnNew: boolean;
  arrayFilters?: Document[];
  hint?: string | Document;
}

/** One statement of a bulk write. */
export type BulkModel =
  | { op: "insert"; document: Uint8Array }
  | ({ op: "update" } & UpdateStatement)
  | ({ op: "delete" } & DeleteStatement);

export interface BulkOperation extends Write, Validated {
  kind: "bulk";
  models: BulkModel[];
  ordered: boolean;
}

/** What a batch of a job writes to one collection. */
export interface JobWrite extends Validated {
  collection: string;
  models: BulkModel[];
}

/**
 * Ends a batch of a job: what it writes, and the record that it is done, take effect together or not at all.
 * Where the record is there already, nothing is changed.
 */
export interface JobCommitOperation {
  kind: "jobCommit";
  db: string;
  durability: Durability;
  /** `_id` of the job, and its run: a run that another one has taken over from changes nothing any more. */
  job: string;
  run: number;
  /** The encoded record. */
  record: Uint8Array;
  writes: JobWrite[];
}

export interface CreateCollectionOperation extends Write {
  kind: "createCollection";
  options: ValidationOptions;
}

/** `collMod`: changes the options that are given. */
export interface ModifyCollectionOperation extends Write {
  kind: "modifyCollection";
  options: ValidationOptions;
}

export interface DropCollectionOperation extends Write {
  kind: "dropCollection";
}

export interface RenameCollectionOperation extends Write {
  kind: "renameCollection";
  to: string;
  dropTarget: boolean;
  /** Replace the target only while it has the same options and indexes. */
  onlyAlike?: boolean;
}

export interface CreateIndexesOperation extends Write {
  kind: "createIndexes";
  indexes: IndexSpec[];
}

export interface DropIndexesOperation extends Write {
  kind: "dropIndexes";
  /** A name, a key, or "*" for all but that of `_id`. */
  index: string | IndexSpec["key"];
}

export interface DropDatabaseOperation {
  kind: "dropDatabase";
  db: string;
  durability: Durability;
}

/** A read that opens a cursor. */
export type RowsOperation = FindOperation | AggregateOperation;

export type ReadOperation =
  | RowsOperation
  | CountOperation
  | DistinctOperation
  | SearchOperation
  | ExplainOperation
  | EstimatedCountOperation
  | ListCollectionsOperation
  | ListDatabasesOperation
  | DatabaseStatisticsOperation;

export type CursorOperation = GetMoreOperation | KillCursorsOperation;

export type WriteOperation =
  | InsertOperation
  | UpdateOperation
  | DeleteOperation
  | FindAndModifyOperation
  | BulkOperation
  | JobCommitOperation
  | CreateCollectionOperation
  | ModifyCollectionOperation
  | DropCollectionOperation
  | RenameCollectionOperation
  | CreateIndexesOperation
  | DropIndexesOperation
  | DropDatabaseOperation;

export type OwnerOperation = PingOperation | HostStatusOperation;

export type Operation = ReadOperation | CursorOperation | WriteOperation | OwnerOperation;

export type OperationKind = Operation["kind"];

/** Where an operation belongs. */
export type OperationClass = "read" | "cursor" | "write" | "owner";

/** One row for each operation: a new kind does not compile until it is classified. */
export const operationClass: Record<OperationKind, OperationClass> = {
  find: "read",
  aggregate: "read",
  count: "read",
  distinct: "read",
  search: "read",
  explain: "read",
  estimatedCount: "read",
  listCollections: "read",
  listDatabases: "read",
  databaseStatistics: "read",
  getMore: "cursor",
  killCursors: "cursor",
  insert: "write",
  update: "write",
  delete: "write",
  findAndModify: "write",
  bulk: "write",
  jobCommit: "write",
  createCollection: "write",
  modifyCollection: "write",
  dropCollection: "write",
  renameCollection: "write",
  createIndexes: "write",
  dropIndexes: "write",
  dropDatabase: "write",
  ping: "owner",
  hostStatus: "owner",
};

export function opensCursor(operation: Operation): operation is RowsOperation {
  return operation.kind === "find" || operation.kind === "aggregate";
}

/** Documents of a cursor, encoded one after the other. */
export interface EncodedBatch {
  count: number;
  bytes: Uint8Array;
}

/** Documents of a cursor that were read on the calling thread. */
export interface DecodedBatch {
  documents: Document[];
}

export interface CursorResult {
  batch: EncodedBatch | DecodedBatch;
  /** For `getMore`; 0 when there is no more. */
  cursor: number;
}

export interface UpdateResultData {
  matched: number;
  modified: number;
  /** The `_id` of the document that was inserted, in an array of one; empty otherwise. */
  upserted: unknown[];
}

/** Documents found for an update or delete, and the state of the collection they were found in. */
export interface SearchResult {
  idKeys: Uint8Array[];
  /** 0: there was no such collection. */
  collectionId: number;
  /** `CollectionStatistics.version` at the search. */
  version: number;
}

export interface BulkResultData {
  inserted: number;
  matched: number;
  modified: number;
  deleted: number;
  /** `[index in models, _id]` */
  upserted: [number, unknown][];
  /** Positions of the inserts that took effect. */
  insertedAt: number[];
}

export interface HostStatus extends CommitFigures {
  epoch: number;
  pid: number;
  clients: number;
  queuedOperations: number;
  pool: PoolFigures | null;
  indexBuilds: IndexBuildStatus[];
}

/** The threads for heavy reads. */
export interface PoolFigures {
  /** Most threads. */
  threads: number;
  /** Threads that have something to do. */
  busy: number;
  /** Queries that wait for a thread. */
  waiting: number;
}

/** An index that is being built. */
export interface IndexBuildStatus {
  db: string;
  collection: string;
  index: string;
  /** Documents indexed so far, and how many there are. */
  done: number;
  documents: number;
}

/** The result of each operation. */
export interface Results {
  find: CursorResult;
  aggregate: CursorResult;
  getMore: CursorResult;
  count: number;
  distinct: unknown[];
  search: SearchResult;
  explain: Explanation;
  estimatedCount: number;
  listCollections: CollectionEntry[];
  listDatabases: { name: string; collections: number; fileBytes: number }[];
  databaseStatistics: DatabaseStatistics;
  killCursors: number;
  insert: { inserted: number };
  update: UpdateResultData;
  delete: { deleted: number };
  findAndModify: { value: Uint8Array | null; matched: boolean; upserted: unknown[] };
  bulk: BulkResultData;
  /** The record that was there already, or null: the batch has taken effect with this commit. */
  jobCommit: { known: Uint8Array | null };
  createCollection: CollectionEntry;
  modifyCollection: CollectionEntry;
  dropCollection: boolean;
  renameCollection: CollectionEntry;
  createIndexes: { names: string[] };
  dropIndexes: { indexesBefore: number };
  dropDatabase: boolean;
  ping: { ok: 1 };
  hostStatus: HostStatus;
}

/** https://www.mongodb.com/docs/manual/reference/explain-results/ */
export interface Explanation {
  explainVersion: "1";
  queryPlanner: {
    namespace: string;
    parsedQuery: Document;
    winningPlan: Document;
    rejectedPlans: Document[];
  };
  executionStats?: {
    executionSuccess: true;
    nReturned: number;
    executionTimeMillis: number;
    totalKeysExamined: number;
    totalDocsExamined: number;
    executionStages: Document;
  };
  /** Aggregations: what runs on the documents that the plan finds. */
  stages?: Document[];
  command: Document;
  /** Where it ran: on the calling thread, on the query pool of this process, or at the primary. */
  place: "inline" | "pool" | "owner";
  /**
   * How many threads share the operation when it runs and all are free. Running it for `executionStats` takes one,
   * which counts for all.
   */
  threads: number;
  ok: 1;
}

export interface DatabaseStatistics {
  collections: number;
  documents: number;
  dataBytes: number;
  fileBytes: number;
  mapBytes: number;
}

export type ResultOf<K extends OperationKind> = Results[K];
