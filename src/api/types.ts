/** The types of documents, filters, options and results, named as in MongoDB's Node driver. */
import type { Explanation } from "../dispatch/operation.js";
import type { FailedBatch, JobOutcome } from "../jobs/outcome.js";
import type { JobProgress } from "../jobs/progress.js";
import type { Document, OptionalId, OptionalUnlessRequiredId, WithId } from "./types/document.js";
import type { Filter } from "./types/filter.js";
import type { StandardSchema } from "./types/schema.js";
import type { UpdateFilter } from "./types/update.js";

export type * from "./types/document.js";
export type * from "./types/filter.js";
export type * from "./types/paths.js";
export type * from "./types/schema.js";
export type * from "./types/update.js";
export type { Explanation, FailedBatch, JobProgress };

export type SortDirection = 1 | -1 | "asc" | "desc" | "ascending" | "descending";
export type Sort =
  | string
  | string[]
  | { [path: string]: SortDirection }
  | [string, SortDirection][]
  | [string, SortDirection]
  | Map<string, SortDirection>;

/** The index to use: its name, its key, or `{ $natural: 1 }` for a walk over the collection. */
export type Hint = string | Document;

export type IndexDirection = 1 | -1 | number;
/** The fields of an index: `"a"`, `{ a: 1, b: -1 }`, `["a", 1]`, a Map, or an array of these. */
export type IndexSpecification =
  | string
  | { [path: string]: IndexDirection }
  | [string, IndexDirection]
  | Map<string, IndexDirection>
  | (string | [string, IndexDirection] | { [path: string]: IndexDirection })[];

/** https://www.mongodb.com/docs/manual/reference/method/db.collection.createIndex/#options */
export interface IndexOptions {
  /** Default: the fields and their directions, such as `a_1_b_-1`. */
  name?: string;
  /** Refuse documents whose values another one has. Default false. */
  unique?: boolean;
  /** Leave out documents that have none of the fields. Default false. */
  sparse?: boolean;
  /** Leave out documents that do not match. */
  partialFilterExpression?: Document;
  /** Remove documents this many seconds after the date in the field. */
  expireAfterSeconds?: number;
  /** Has no effect: indexes are always built while others go on. */
  background?: boolean;
}

export interface CreateIndexesOptions extends IndexOptions, OperationOptions {}

/** One index of `createIndexes`. */
export interface IndexDescription extends IndexOptions {
  key: IndexSpecification;
}

/** An index as `listIndexes()` shows it. */
export interface IndexInfo {
  v: 2;
  key: Record<string, 1 | -1>;
  name: string;
  unique?: boolean;
  sparse?: boolean;
  partialFilterExpression?: Document;
  expireAfterSeconds?: number;
  /** It is not used yet. */
  building?: boolean;
}

/** How much `explain` does: plan only, or run the query and count. */
export type ExplainVerbosity = "queryPlanner" | "executionStats" | "allPlansExecution";

/** Options that every operation takes. */
export interface OperationOptions {
  /** Aborts the operation; the call rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Has no effect; kept so that code can carry it along. */
  comment?: unknown;
}

export interface FindOptions extends OperationOptions {
  hint?: Hint;
  sort?: Sort;
  projection?: Document;
  skip?: number;
  /** Most documents to return; 0 means all. */
  limit?: number;
  /** Documents per batch: a hint that does not change the results. Default 101, at most 10,000. */
  batchSize?: number;
  /** Stop after this many milliseconds with code 50; 0 means never. */
  maxTimeMS?: number;
}

export type FindOneOptions = Omit<FindOptions, "limit" | "batchSize">;
export interface AggregateOptions extends OperationOptions {
  /** Accepted, and without effect: nothing is spilled to disk; a stage over 100 MiB fails with code 292. */
  allowDiskUse?: boolean;
  /** Documents per batch: a hint that does not change the results. Default 101, at most 10,000. */
  batchSize?: number;
  /** Stop after this many milliseconds with code 50; 0 means never. */
  maxTimeMS?: number;
  /** Variables for the expressions of the pipeline: `$$name`. */
  let?: Document;
  /** The index to use for the collection that the pipeline begins with. */
  hint?: Hint;
}

export interface CountOptions extends OperationOptions {
  hint?: Hint;
  skip?: number;
  limit?: number;
  maxTimeMS?: number;
}

export interface EstimatedCountOptions extends OperationOptions {
  /** Accepted, and without effect: it is one read. */
  maxTimeMS?: number;
}

export interface DistinctOptions extends OperationOptions {
  hint?: Hint;
  maxTimeMS?: number;
}

/** Options of writes whose documents the validator of the collection checks. */
export interface ValidatedWriteOptions extends OperationOptions {
  /** Store the documents whatever the validator of the collection says. Default false. */
  bypassDocumentValidation?: boolean;
}

export interface InsertOneOptions extends ValidatedWriteOptions {}

export interface InsertManyOptions extends ValidatedWriteOptions {
  /** Stop at the first document that fails. Default true. */
  ordered?: boolean;
}

/** Options of writes that look for the documents they change. */
export interface SearchingWriteOptions {
  hint?: Hint;
  /** Give up after this many milliseconds with code 50, and change nothing; 0 means never. */
  maxTimeMS?: number;
}

export interface UpdateOptions extends ValidatedWriteOptions, SearchingWriteOptions {
  /** Insert a document when none matches. Default false. */
  upsert?: boolean;
  arrayFilters?: Document[];
}

export interface UpdateOneOptions extends UpdateOptions {
  /** Which document is the first. */
  sort?: Sort;
}

export interface ReplaceOptions extends ValidatedWriteOptions, SearchingWriteOptions {
  /** Which document is the first. */
  sort?: Sort;
  upsert?: boolean;
}

export interface FindOneAndOptions extends OperationOptions, SearchingWriteOptions {
  sort?: Sort;
  projection?: Document;
  /** Return `{ value, lastErrorObject, ok }` instead of the document. Default false. */
  includeResultMetadata?: boolean;
}

export interface FindOneAndChangeOptions extends FindOneAndOptions, ValidatedWriteOptions {
  upsert?: boolean;
  /** Which version to return. Default "before". */
  returnDocument?: "before" | "after";
}

export interface FindOneAndUpdateOptions extends FindOneAndChangeOptions {
  arrayFilters?: Document[];
}

export interface DeleteOptions extends OperationOptions, SearchingWriteOptions {}

export interface BulkWriteOptions extends ValidatedWriteOptions {
  /** Stop at the first operation that fails. Default true. */
  ordered?: boolean;
}

/** One operation of a `bulkWrite`. `Input` is the type of documents to insert. */
export type BulkWriteOperation<T, Input = OptionalUnlessRequiredId<T>> =
  | { insertOne: { document: Input } }
  | {
      updateOne: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions & {
          sort?: Sort;
        };
    }
  | { updateMany: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions }
  | {
      replaceOne: {
        filter: Filter<T>;
        replacement: OptionalId<Input>;
        upsert?: boolean;
        hint?: Hint;
        sort?: Sort;
      };
    }
  | { deleteOne: { filter: Filter<T>; hint?: Hint } }
  | { deleteMany: { filter: Filter<T>; hint?: Hint } };

interface BulkUpdateOptions {
  hint?: Hint;
  upsert?: boolean;
  arrayFilters?: Document[];
}

export interface InsertOneResult<Id = unknown> {
  acknowledged: true;
  insertedId: Id;
}

export interface InsertManyResult<Id = unknown> {
  acknowledged: true;
  insertedCount: number;
  /** By position in the array that was passed in. */
  insertedIds: Record<number, Id>;
}

/** Of an `insertMany` from an iterable: its ids would need as much memory as there are documents. */
export interface InsertStreamResult {
  acknowledged: true;
  insertedCount: number;
}

export interface UpdateResult {
  acknowledged: true;
  matchedCount: number;
  /** Documents that really changed. */
  modifiedCount: number;
  upsertedCount: number;
  /** `_id` of the inserted document, or `null`. */
  upsertedId: unknown;
}

export interface DeleteResult {
  acknowledged: true;
  deletedCount: number;
}

export interface BulkWriteResult {
  insertedCount: number;
  matchedCount: number;
  modifiedCount: number;
  deletedCount: number;
  upsertedCount: number;
  /** By position in the array of operations. */
  insertedIds: Record<number, unknown>;
  upsertedIds: Record<number, unknown>;
}

/** What `findOneAndX` returns with `includeResultMetadata: true`. */
export interface ModifyResult<T> {
  value: WithId<T> | null;
  lastErrorObject: { n: number; updatedExisting?: boolean; upserted?: unknown };
  ok: 1;
}

/** What a collection demands of its documents: https://www.mongodb.com/docs/manual/core/schema-validation/ */
export interface ValidationOptions {
  /** A filter that documents must match, such as `{ $jsonSchema: { ... } }`. Default `{}`: none. */
  validator?: Document;
  /**
   * Which writes are checked: all (`"strict"`, the default), all but updates of documents that
   * violate it already (`"moderate"`), or none (`"off"`).
   */
  validationLevel?: "strict" | "moderate" | "off";
  /** Whether a write that violates it fails (the default) or goes through with a warning. */
  validationAction?: "error" | "warn";
}

export interface CollectionOptions {
  /** Validates what is inserted and what replaces documents through this object, before it is sent. */
  schema?: StandardSchema;
}

export interface CreateCollectionOptions
  extends OperationOptions,
    ValidationOptions,
    CollectionOptions {}

/** What `listCollections()` tells of each collection. */
export interface CollectionInfo {
  name: string;
  type: "collection";
  options: Document;
  info: { readOnly: boolean; createdAt: Date };
}

/** Options of `collection.parallel()`. */
export interface ParallelOptions<T = Document> {
  /** Which documents the job is over. Default `{}`: all. */
  filter?: Filter<T>;
  /** Most children at work at once. Default: the manager's `cores`, at least 1. */
  concurrency?: number;
  /** Documents of a batch, at most; one that would have more than 8 MiB ends before. Default 1,000, at most 100,000. */
  batchSize?: number;
  /** Handed to the module as `context.args`: anything that structured clone can carry. */
  args?: unknown;
  /**
   * Resumes the job of this id, or begins one: 1 to 100 letters, digits, `.`, `:`, `_` and `-`. Default: a new
   * UUIDv7.
   */
  jobId?: string;
  /**
   * How long, in milliseconds, a child may take for a batch before it is killed. Also for `finish`, and for `reduce` of
   * some values. Default 60,000.
   */
  batchTimeoutMs?: number;
  /** How long, in milliseconds, a child may take to load the module and to run `init`. Default 60,000. */
  startTimeoutMs?: number;
  /** How often a batch is tried before it is given up. Default 3. */
  maxAttempts?: number;
  /** Most memory of the JavaScript heap of one child, in MiB. Default: that of Node.js. */
  maxMemoryMb?: number;
  /**
   * `"process"`: each child is a process, and a client of the root. `"thread"`: a thread, for modules that only compute;
   * its context has no data. Default `"process"`.
   */
  isolation?: "process" | "thread";
  /** Stops the children and rejects with the signal's reason. The job can be resumed. */
  signal?: AbortSignal;
  /** Called now and then, at most four times a second, and at the end. What it throws ends the job. */
  onProgress?: (progress: JobProgress) => void;
}

/** Options of `database.parallel()`. */
export interface DatabaseParallelOptions extends ParallelOptions {
  /** Name of the collection that the job is over. */
  collection: string;
}

/** What a job has come to. `V` is the value of its module. */
export interface JobResult<V = unknown> extends JobOutcome {
  /** What `finish` gave, else `reduce`; undefined where the module has neither. */
  value: V;
}

/** What `database.stats()` tells. */
export interface DatabaseStats {
  db: string;
  collections: number;
  objects: number;
  /** Bytes of all documents. */
  dataSize: number;
  /** Bytes of the database's file. */
  storageSize: number;
  ok: 1;
}
