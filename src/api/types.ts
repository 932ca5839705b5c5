/** The types of documents, filters, options and results, named as in MongoDB's Node driver. */
import type { Explanation } from "../dispatch/operation.js";
import type { Document } from "../values/document.js";

export type { Document, Explanation };

/** A stored document: it always has an `_id`. */
export type WithId<T> = Omit<T, "_id"> & { _id: IdOf<T> };
/** A document to insert: a missing `_id` becomes a UUIDv7 string. */
export type OptionalId<T> = T extends { _id?: unknown }
  ? Omit<T, "_id"> & { _id?: T["_id"] }
  : T & { _id?: unknown };
/** The type of `_id`; string where the document's type does not say. */
export type IdOf<T> = T extends { _id?: infer I } ? (unknown extends I ? unknown : I) : string;
/** A query filter. https://www.mongodb.com/docs/manual/reference/operator/query/ */
export type Filter<T> = { [P in keyof T]?: T[P] | Document | RegExp | null } & Document;
/** Update operators. https://www.mongodb.com/docs/manual/reference/operator/update/ */
export type UpdateFilter<T> = { $set?: Partial<T> & Document; $unset?: Document } & Document;

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

export interface DistinctOptions extends OperationOptions {
  hint?: Hint;
  maxTimeMS?: number;
}

export interface InsertManyOptions extends OperationOptions {
  /** Stop at the first document that fails. Default true. */
  ordered?: boolean;
}

export interface UpdateOptions extends OperationOptions {
  hint?: Hint;
  /** Insert a document when none matches. Default false. */
  upsert?: boolean;
  arrayFilters?: Document[];
}

export interface ReplaceOptions extends OperationOptions {
  hint?: Hint;
  upsert?: boolean;
}

export interface FindOneAndOptions extends OperationOptions {
  hint?: Hint;
  sort?: Sort;
  projection?: Document;
  /** Return `{ value, lastErrorObject, ok }` instead of the document. Default false. */
  includeResultMetadata?: boolean;
}

export interface FindOneAndChangeOptions extends FindOneAndOptions {
  upsert?: boolean;
  /** Which version to return. Default "before". */
  returnDocument?: "before" | "after";
}

export interface FindOneAndUpdateOptions extends FindOneAndChangeOptions {
  arrayFilters?: Document[];
}

export interface DeleteOptions extends OperationOptions {
  hint?: Hint;
}

export interface BulkWriteOptions extends OperationOptions {
  /** Stop at the first operation that fails. Default true. */
  ordered?: boolean;
}

/** One operation of a `bulkWrite`. */
export type BulkWriteOperation<T> =
  | { insertOne: { document: OptionalId<T> } }
  | { updateOne: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions }
  | { updateMany: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions }
  | { replaceOne: { filter: Filter<T>; replacement: Document; upsert?: boolean; hint?: Hint } }
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

/** What `listCollections()` tells of each collection. */
export interface CollectionInfo {
  name: string;
  type: "collection";
  options: Document;
  info: { readOnly: boolean; createdAt: Date };
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
