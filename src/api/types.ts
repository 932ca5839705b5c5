/** The types of documents, filters, options and results, named as in MongoDB's Node driver. */
import type { Document } from "../values/document.js";

export type { Document };

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

/** Options that every operation takes. */
export interface OperationOptions {
  /** Aborts the operation; the call rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Has no effect; kept so that code can carry it along. */
  comment?: unknown;
}

export interface FindOptions extends OperationOptions {
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

export interface CountOptions extends OperationOptions {
  skip?: number;
  limit?: number;
  maxTimeMS?: number;
}

export interface DistinctOptions extends OperationOptions {
  maxTimeMS?: number;
}

export interface InsertManyOptions extends OperationOptions {
  /** Stop at the first document that fails. Default true. */
  ordered?: boolean;
}

export interface UpdateOptions extends OperationOptions {
  /** Insert a document when none matches. Default false. */
  upsert?: boolean;
  arrayFilters?: Document[];
}

export interface ReplaceOptions extends OperationOptions {
  upsert?: boolean;
}

export interface FindOneAndOptions extends OperationOptions {
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

export interface BulkWriteOptions extends OperationOptions {
  /** Stop at the first operation that fails. Default true. */
  ordered?: boolean;
}

/** One operation of a `bulkWrite`. */
export type BulkWriteOperation<T> =
  | { insertOne: { document: OptionalId<T> } }
  | { updateOne: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions }
  | { updateMany: { filter: Filter<T>; update: UpdateFilter<T> | Document[] } & BulkUpdateOptions }
  | { replaceOne: { filter: Filter<T>; replacement: Document; upsert?: boolean } }
  | { deleteOne: { filter: Filter<T> } }
  | { deleteMany: { filter: Filter<T> } };

interface BulkUpdateOptions {
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
