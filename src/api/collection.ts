/**
 * A collection: the official MongoDB Node driver's `Collection`, with its names, arguments, options
 * and result shapes (https://mongodb.github.io/node-mongodb-native/). Where MongoDB's manual defines a
 * semantic, that definition holds.
 */

import { tooHeavy } from "../dispatch/equipment.js";
import type { IndexSpec } from "../dispatch/index-spec.js";
import { noCollection } from "../dispatch/missing-collection.js";
import type {
  DeleteOperation,
  FindAndModifyOperation,
  FindOperation,
  UpdateOperation,
  UpdateResultData,
} from "../dispatch/operation.js";
import { failureDetails, LioranError } from "../errors.js";
import { lateImport } from "../late-loading.js";
import { checkCollectionName } from "../names.js";
import { pointReadId } from "../query/id-plan.js";
import type { Runtime } from "../runtime/runtime.js";
import { turnOfOthers } from "../runtime/turns.js";
import type { CollectionEntry } from "../storage/catalog.js";
import { decodeDocument } from "../storage/document.js";
import { AggregationCursor, aggregateOptions } from "./aggregation-cursor.js";
import {
  checkFilter,
  checkHint,
  checkNames,
  checkObject,
  checkOptions,
  checkSort,
  checkUpdate,
  checkWriteFilter,
  optionsObject,
} from "./arguments.js";
import {
  checkArrayFilters,
  checkReplacement,
  prepareModels,
  runModels,
  validModels,
} from "./bulk.js";
import { type AbstractCursor, documentsOf, ListCursor } from "./cursor.js";
import { DocumentSource } from "./document-source.js";
import { FindCursor } from "./find-cursor.js";
import { indexInfos, indexToDrop, prepareIndex, prepareIndexes } from "./indexes.js";
import { InsertChunks, insertChunks } from "./insert-chunks.js";
import { type InsertTarget, insertSingle } from "./inserts.js";
import { runParallel } from "./parallel.js";
import { defined } from "./query-cursor.js";
import { validateInsert, validateReplacement } from "./schema.js";
import type {
  AggregateOptions,
  BulkWriteOperation,
  BulkWriteOptions,
  BulkWriteResult,
  CountOptions,
  CreateIndexesOptions,
  DeleteOptions,
  DeleteResult,
  DistinctOptions,
  Document,
  EstimatedCountOptions,
  Filter,
  FindOneAndChangeOptions,
  FindOneAndOptions,
  FindOneAndUpdateOptions,
  FindOneOptions,
  FindOptions,
  Flatten,
  IdOf,
  IndexDescription,
  IndexInfo,
  IndexSpecification,
  InsertManyOptions,
  InsertManyResult,
  InsertOneOptions,
  InsertOneResult,
  InsertStreamResult,
  JobResult,
  ModifyResult,
  NestedPathsOf,
  OperationOptions,
  OptionalId,
  OptionalUnlessRequiredId,
  ParallelOptions,
  ReplaceOptions,
  StandardSchema,
  UpdateFilter,
  UpdateOneOptions,
  UpdateOptions,
  UpdateResult,
  ValidatedWriteOptions,
  ValueAt,
  WithId,
} from "./types.js";

const loadInsertStream = lateImport(() => import("./insert-stream.js"));

const basic = ["signal", "comment"] as const;
const validated = [...basic, "bypassDocumentValidation"] as const;
const searching = ["hint", "maxTimeMS"] as const;
const updateManyOptions = [...validated, ...searching, "upsert", "arrayFilters"] as const;
const updateOneOptions = [...validated, ...searching, "sort", "upsert", "arrayFilters"] as const;
const deleteOptions = [...basic, ...searching] as const;
const findOptions = [
  ...basic,
  "hint",
  "sort",
  "projection",
  "skip",
  "limit",
  "batchSize",
  "maxTimeMS",
] as const;
const findOneOptions = [...basic, "hint", "sort", "projection", "skip", "maxTimeMS"] as const;
const findOneAndOptions = [
  ...basic,
  ...searching,
  "sort",
  "projection",
  "includeResultMetadata",
] as const;

/**
 * @typeParam T the type of stored documents
 * @typeParam Input the type of documents to insert
 */
export class Collection<T extends object = Document, Input = OptionalUnlessRequiredId<T>> {
  /** Bundling must not change it. */
  static readonly name = "Collection";
  readonly #runtime: Runtime;
  readonly #db: string;
  readonly #name: string;
  readonly #schema: StandardSchema | undefined;

  constructor(runtime: Runtime, db: string, name: string, schema?: StandardSchema) {
    checkCollectionName(name);
    this.#runtime = runtime;
    this.#db = db;
    this.#name = name;
    this.#schema = schema;
  }

  /** The name without the database. */
  get collectionName(): string {
    return this.#name;
  }

  get dbName(): string {
    return this.#db;
  }

  /** `<database>.<collection>`. */
  get namespace(): string {
    return `${this.#db}.${this.#name}`;
  }

  /**
   * Inserts one document. A missing `_id` becomes a UUIDv7 string, here and on the object passed in.
   *
   * @throws LioranError 11000 when the `_id` exists, 121 when a schema or validator refuses it
   */
  async insertOne(document: Input, options?: InsertOneOptions): Promise<InsertOneResult<IdOf<T>>> {
    const checked = checkOptions("insertOne", options, validated);
    const { db, collection, durability } = this.#target();
    const bypassValidation = checked.bypassDocumentValidation || undefined;
    const target = { db, collection, durability, ordered: true, bypassValidation };
    const { signal } = checked;
    const runtime = this.#runtime;
    const schema = this.#schema;
    runtime.checkOpen();
    const id = schema
      ? await runtime.call(async (execute) => {
          const valid = await validateInsert(schema, document, "document");
          return insertSingle(execute, target, valid, signal);
        })
      : await insertSingle(runtime.execute, target, document, signal);
    return { acknowledged: true, insertedId: id as IdOf<T> };
  }

  /**
   * Inserts documents.
   *
   * The documents of an array are all checked before anything is sent. Many are written piece by piece: leave them as
   * they are until the promise has settled. From any other iterable, such as a stream or a cursor, documents are taken
   * as they can be written, with bounded memory; an empty one inserts nothing.
   *
   * @throws LioranError of the first failure, with `result` and `writeErrors`. Ordered inserts (the
   *   default) stop there, unordered ones go on. With an iterable also `SOURCE_FAILED` when it throws, and
   *   `CLOSED` when the manager is closed before its end; `result` then says how many were inserted.
   */
  insertMany(
    documents: readonly Input[],
    options?: InsertManyOptions,
  ): Promise<InsertManyResult<IdOf<T>>>;
  insertMany(
    documents: AsyncIterable<Input> | Iterable<Input>,
    options?: InsertManyOptions,
  ): Promise<InsertStreamResult>;
  async insertMany(
    documents: readonly Input[] | AsyncIterable<Input> | Iterable<Input>,
    options?: InsertManyOptions,
  ): Promise<InsertManyResult<IdOf<T>> | InsertStreamResult> {
    const checked = checkOptions("insertMany", options, [...validated, "ordered"]);
    const { signal, ordered = true } = checked;
    const target = { ...this.#validatedTarget(checked), ordered };
    if (!Array.isArray(documents)) return this.#insertStream(documents, target, signal);
    if (documents.length === 0) {
      throw new LioranError(
        "BAD_VALUE",
        "insertMany: documents must be an array that is not empty, or another iterable.",
      );
    }
    return this.#runtime.call(async (execute) => {
      const schema = this.#schema;
      const chunks = new InsertChunks();
      for (const [at, document] of documents.entries()) {
        const what = `documents.${at}`;
        const valid = schema ? await validateInsert(schema, document, what) : document;
        chunks.add(valid, what);
      }
      const { ids } = chunks;
      const outcome = await insertChunks(execute, target, chunks, signal).catch(
        (error: unknown) => {
          throw withInsertedIds(error, ids);
        },
      );
      const result = insertManyResult<IdOf<T>>(outcome.insertedAt, ids);
      const { first, writeErrors } = outcome;
      if (!first) return result;
      throw first.with({ ...failureDetails(first), result: { ...result }, writeErrors });
    });
  }

  /** A cursor over the documents that match. Nothing runs before it is read. */
  find(filter?: Filter<T> | null, options?: FindOptions): FindCursor<WithId<T>>;
  find<U extends object>(filter: Filter<T> | null, options?: FindOptions): FindCursor<U>;
  find(filter?: Filter<T> | null, options?: FindOptions): FindCursor<WithId<T>> {
    const checked = checkOptions("find", options, findOptions);
    return new FindCursor<WithId<T>>(
      this.#runtime,
      {
        kind: "find",
        db: this.#db,
        collection: this.#name,
        filter: checkFilter("find", filter),
      },
      checked,
    );
  }

  /** The first document that matches, or `null`. */
  findOne(filter?: Filter<T> | null, options?: FindOneOptions): Promise<WithId<T> | null>;
  findOne<U extends object>(filter: Filter<T> | null, options?: FindOneOptions): Promise<U | null>;
  async findOne(filter?: Filter<T> | null, options?: FindOneOptions): Promise<WithId<T> | null> {
    if (options === undefined && filter) {
      // The most frequent reads of all, by `_id` or by an index, take no cursor.
      let found = this.#findById(filter);
      if (found === undefined) {
        const operation = this.#findingFirst(filter);
        const matches = this.#runtime.findNow(operation);
        if (matches === undefined || matches === tooHeavy) {
          return await this.#findFirst(operation, matches === tooHeavy);
        }
        found = (matches[0] as WithId<T> | undefined) ?? null;
      }
      // Not the promise of `inTurn`, which would have to be awaited.
      const others = turnOfOthers();
      if (others) await others;
      return found;
    }
    const checked = checkOptions("findOne", options, findOneOptions);
    const cursor = this.find(filter, { ...checked, limit: 1 });
    const [document] = await cursor.toArray();
    return document ?? null;
  }

  /**
   * Changes the first document that matches with update operators or a pipeline.
   *
   * https://www.mongodb.com/docs/manual/reference/method/db.collection.updateOne/
   */
  updateOne(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: UpdateOneOptions,
  ): Promise<UpdateResult> {
    return this.#update("updateOne", filter, update, false, options);
  }

  /**
   * Changes every document that matches. It takes effect as a whole: when one document cannot be
   * changed, none is.
   */
  updateMany(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return this.#update("updateMany", filter, update, true, options);
  }

  /** Replaces the first document that matches; its `_id` stays. */
  async replaceOne(
    filter: Filter<T>,
    replacement: OptionalId<Input>,
    options?: ReplaceOptions,
  ): Promise<UpdateResult> {
    const checked = checkOptions("replaceOne", options, [
      ...validated,
      ...searching,
      "sort",
      "upsert",
    ]);
    const statement = {
      ...this.#validatedTarget(checked),
      filter: checkWriteFilter("replaceOne", filter),
      replacement: true,
      multi: false,
      sort: checked.sort === undefined ? undefined : checkSort("replaceOne", checked.sort),
      upsert: checked.upsert ?? false,
      hint: checkHint("replaceOne", checked.hint),
      maxTimeMs: checked.maxTimeMS,
    };
    return this.#runtime.call(async (execute) => {
      const valid = this.#validReplacement("replaceOne", replacement);
      const update = valid instanceof Promise ? await valid : valid;
      const operation: UpdateOperation = { kind: "update", ...statement, update };
      return updateResult(await execute<"update">(defined(operation), checked.signal));
    });
  }

  /** Removes the first document that matches; without a filter, the first of all. */
  deleteOne(filter: Filter<T> = {}, options?: DeleteOptions): Promise<DeleteResult> {
    return this.#delete("deleteOne", filter, false, options);
  }

  /** Removes every document that matches; without a filter, all. `null` is refused. */
  deleteMany(filter: Filter<T> = {}, options?: DeleteOptions): Promise<DeleteResult> {
    return this.#delete("deleteMany", filter, true, options);
  }

  /**
   * A cursor over the results of a pipeline. Nothing runs before it is read.
   *
   * https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/
   *
   * @throws LioranError 2 for a pipeline that is no array of objects; when it is read, also 9, 115, 40324
   *   naming the stage, 292 when a stage would hold more than 100 MiB
   */
  aggregate<U extends object = Document>(
    pipeline: readonly Document[] = [],
    options?: AggregateOptions,
  ): AggregationCursor<U> {
    const checked = checkOptions("aggregate", options, aggregateOptions);
    const target = { db: this.#db, collection: this.#name };
    return new AggregationCursor<U>(this.#runtime, target, pipeline, checked);
  }

  /** How many documents match, exactly. */
  async countDocuments(filter?: Filter<T> | null, options?: CountOptions): Promise<number> {
    const checked = checkOptions("countDocuments", options, [
      ...basic,
      "hint",
      "skip",
      "limit",
      "maxTimeMS",
    ]);
    const { skip, limit, maxTimeMS: maxTimeMs, signal } = checked;
    const operation = {
      kind: "count",
      db: this.#db,
      collection: this.#name,
      filter: checkFilter("countDocuments", filter),
      skip,
      limit,
      maxTimeMs,
      hint: checkHint("countDocuments", checked.hint),
    } as const;
    return this.#runtime.execute<"count">(defined({ ...operation }), signal);
  }

  /** How many documents the collection has. Here the figure is exact, and free. */
  async estimatedDocumentCount(options?: EstimatedCountOptions): Promise<number> {
    const allowed = [...basic, "maxTimeMS"] as const;
    const { signal } = checkOptions("estimatedDocumentCount", options, allowed);
    return this.#runtime.execute<"estimatedCount">(
      { kind: "estimatedCount", db: this.#db, collection: this.#name },
      signal,
    );
  }

  /** The different values of a field; the elements of arrays count one by one. */
  distinct<K extends keyof WithId<T> & string>(
    key: K,
    filter?: Filter<T> | null,
    options?: DistinctOptions,
  ): Promise<Flatten<WithId<T>[K]>[]>;
  distinct<P extends NestedPathsOf<T>>(
    key: P,
    filter?: Filter<T> | null,
    options?: DistinctOptions,
  ): Promise<Flatten<Exclude<ValueAt<T, P>, undefined>>[]>;
  distinct(key: string, filter?: Filter<T> | null, options?: DistinctOptions): Promise<unknown[]>;
  async distinct(
    key: string,
    filter?: Filter<T> | null,
    options?: DistinctOptions,
  ): Promise<unknown[]> {
    const checked = checkOptions("distinct", options, [...basic, "hint", "maxTimeMS"]);
    if (typeof key !== "string" || key === "") {
      throw new LioranError("BAD_VALUE", "distinct: the field must be a non-empty string.");
    }
    const operation = {
      kind: "distinct",
      db: this.#db,
      collection: this.#name,
      key,
      filter: checkFilter("distinct", filter),
      maxTimeMs: checked.maxTimeMS,
      hint: checkHint("distinct", checked.hint),
    } as const;
    return this.#runtime.execute<"distinct">(defined({ ...operation }), checked.signal);
  }

  /** Changes one document and returns it as it was before, or after. `null` when none matches. */
  findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options: FindOneAndUpdateOptions & { includeResultMetadata: true },
  ): Promise<ModifyResult<T>>;
  findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: FindOneAndUpdateOptions,
  ): Promise<WithId<T> | null>;
  findOneAndUpdate(
    filter: Filter<T>,
    update: UpdateFilter<T> | Document[],
    options?: FindOneAndUpdateOptions,
  ): Promise<WithId<T> | ModifyResult<T> | null> {
    const call = "findOneAndUpdate";
    return this.#findAndModify(call, "update", filter, () => checkUpdate(call, update), options);
  }

  /** Replaces one document and returns it as it was before, or after. */
  findOneAndReplace(
    filter: Filter<T>,
    replacement: OptionalId<Input>,
    options: FindOneAndChangeOptions & { includeResultMetadata: true },
  ): Promise<ModifyResult<T>>;
  findOneAndReplace(
    filter: Filter<T>,
    replacement: OptionalId<Input>,
    options?: FindOneAndChangeOptions,
  ): Promise<WithId<T> | null>;
  findOneAndReplace(
    filter: Filter<T>,
    replacement: OptionalId<Input>,
    options?: FindOneAndChangeOptions,
  ): Promise<WithId<T> | ModifyResult<T> | null> {
    const call = "findOneAndReplace";
    const change = () => this.#validReplacement(call, replacement);
    return this.#findAndModify(call, "replace", filter, change, options);
  }

  /** Removes one document and returns it. */
  findOneAndDelete(
    filter: Filter<T>,
    options: FindOneAndOptions & { includeResultMetadata: true },
  ): Promise<ModifyResult<T>>;
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndOptions): Promise<WithId<T> | null>;
  findOneAndDelete(
    filter: Filter<T>,
    options?: FindOneAndOptions,
  ): Promise<WithId<T> | ModifyResult<T> | null> {
    return this.#findAndModify("findOneAndDelete", "remove", filter, () => undefined, options);
  }

  /**
   * Runs many writes in one call.
   *
   * @throws LioranError of the first failure, with `result` and `writeErrors`. Ordered ones (the
   *   default) stop there, unordered ones go on.
   */
  async bulkWrite(
    operations: readonly BulkWriteOperation<T, Input>[],
    options?: BulkWriteOptions,
  ): Promise<BulkWriteResult> {
    const checked = checkOptions("bulkWrite", options, [...validated, "ordered"]);
    const { ordered = true, signal } = checked;
    const target = { ...this.#validatedTarget(checked), ordered };
    return this.#runtime.call(async (execute) => {
      const schema = this.#schema;
      const prepared = prepareModels(schema ? await validModels(schema, operations) : operations);
      return runModels(execute, target, prepared, signal);
    });
  }

  /**
   * Creates an index, if it is not there, and waits until it is complete. Others read and write meanwhile.
   *
   * https://www.mongodb.com/docs/manual/reference/method/db.collection.createIndex/
   *
   * @returns its name
   * @throws LioranError 67 for what cannot be indexed, 85 and 86 when another index is in the way, 11000 when
   *   the index is unique and the documents are not, 171 for documents with two arrays
   */
  async createIndex(
    specification: IndexSpecification,
    options?: CreateIndexesOptions,
  ): Promise<string> {
    const { signal, comment: _comment, ...rest } = optionsObject("createIndex", options);
    checkOptions("createIndex", defined({ signal }), basic);
    const [name] = await this.#createIndexes(
      [prepareIndex("createIndex", specification, rest)],
      signal,
    );
    return name!;
  }

  /** Creates several indexes at once. @returns their names @throws LioranError as {@link createIndex} */
  async createIndexes(
    descriptions: readonly IndexDescription[],
    options?: OperationOptions,
  ): Promise<string[]> {
    const { signal } = checkOptions("createIndexes", options, basic);
    return this.#createIndexes(prepareIndexes("createIndexes", descriptions), signal);
  }

  /**
   * Drops an index.
   *
   * @param index its name, or its key
   * @throws LioranError 26 when there is no collection, 27 when there is no such index, 72 for that of `_id`
   */
  async dropIndex(
    index: string | IndexSpecification,
    options?: OperationOptions,
  ): Promise<{ nIndexesWas: number; ok: 1 }> {
    const { signal } = checkOptions("dropIndex", options, basic);
    const { indexesBefore } = await this.#runtime.execute<"dropIndexes">(
      { kind: "dropIndexes", ...this.#target(), index: indexToDrop(index) },
      signal,
    );
    return { nIndexesWas: indexesBefore, ok: 1 };
  }

  /** Drops every index but that of `_id`. @throws LioranError 26 when there is no collection */
  async dropIndexes(options?: OperationOptions): Promise<true> {
    const { signal } = checkOptions("dropIndexes", options, basic);
    await this.#runtime.execute<"dropIndexes">(
      { kind: "dropIndexes", ...this.#target(), index: "*" },
      signal,
    );
    return true;
  }

  /** A cursor over the indexes, that of `_id` first. @throws LioranError 26 when there is no collection */
  listIndexes(options?: OperationOptions): AbstractCursor<IndexInfo> {
    checkOptions("listIndexes", options, basic);
    return new ListCursor(async () => {
      const entry = await this.#entry();
      if (!entry) throw noCollection(this.#db, this.#name);
      return indexInfos(entry);
    });
  }

  /** The indexes, as {@link listIndexes} gives them. */
  indexes(options?: OperationOptions): Promise<IndexInfo[]> {
    return this.listIndexes(options).toArray();
  }

  /** Whether all of these indexes exist. @throws LioranError `BAD_VALUE` unless they are named */
  async indexExists(
    names: string | readonly string[],
    options?: OperationOptions,
  ): Promise<boolean> {
    checkOptions("indexExists", options, basic);
    const wanted = checkNames("indexExists", names);
    const entry = await this.#entry();
    const existing = new Set(entry ? indexInfos(entry).map(({ name }) => name) : []);
    return wanted.every((name) => existing.has(name));
  }

  /**
   * Runs a module over the collection in child processes that are ordinary clients of the root. Each batch takes
   * effect exactly once, when the module writes through its context: see docs/jobs.md.
   *
   * @param module the URL (or absolute path) of a module that exports `map(batch, context)`, and optionally `init`,
   *   `reduce(a, b)` and `finish`
   * @throws LioranError `JOB_MODULE` when the module cannot be used; `JOB_CONFLICT` when the `jobId` belongs to another
   *   job; `JOB_SUPERSEDED` when another call has resumed it; the reason of the signal. A batch that cannot be done is no
   *   error, but in `failed`
   */
  async parallel<V = unknown>(
    module: string | URL,
    options?: ParallelOptions<T>,
  ): Promise<JobResult<V>> {
    const place = { db: this.#db, collection: this.#name };
    return (await runParallel(this.#runtime, place, module, options)) as JobResult<V>;
  }

  /** Drops the collection. @returns whether there was one */
  async drop(options?: OperationOptions): Promise<boolean> {
    const { signal } = checkOptions("drop", options, basic);
    const operation = { kind: "dropCollection", ...this.#target() } as const;
    return this.#runtime.execute<"dropCollection">(operation, signal);
  }

  /** Renames the collection. @returns it by its new name @throws LioranError 26 when there is none, 48 when the name is taken */
  async rename(
    name: string,
    options?: OperationOptions & { dropTarget?: boolean },
  ): Promise<Collection<T, Input>> {
    const checked = checkOptions("rename", options, [...basic, "dropTarget"]);
    checkCollectionName(name);
    await this.#runtime.execute<"renameCollection">(
      {
        kind: "renameCollection",
        ...this.#target(),
        to: name,
        dropTarget: checked.dropTarget ?? false,
      },
      checked.signal,
    );
    return new Collection<T, Input>(this.#runtime, this.#db, name, this.#schema);
  }

  /** What `createCollection` was given for this collection. */
  async options(): Promise<Document> {
    return (await this.#entry())?.options ?? {};
  }

  /** Always false: there are no capped collections. */
  async isCapped(): Promise<boolean> {
    return false;
  }

  async #createIndexes(indexes: IndexSpec[], signal: AbortSignal | undefined): Promise<string[]> {
    const operation = { kind: "createIndexes", ...this.#target(), indexes } as const;
    const { names } = await this.#runtime.execute<"createIndexes">(operation, signal);
    return names;
  }

  /** What the catalog has of the collection. */
  async #entry(): Promise<CollectionEntry | undefined> {
    const entries = await this.#runtime.execute<"listCollections">({
      kind: "listCollections",
      db: this.#db,
    });
    return entries.find(({ name }) => name === this.#name);
  }

  #insertStream(
    documents: unknown,
    target: InsertTarget,
    signal: AbortSignal | undefined,
  ): Promise<InsertStreamResult> {
    const source = new DocumentSource("insertMany", documents);
    return this.#runtime.call(async (execute) => {
      const { closing } = this.#runtime;
      const { insertStream } = await loadInsertStream();
      return insertStream({ execute, target, source, schema: this.#schema, signal, closing });
    });
  }

  #target() {
    const { durability } = this.#runtime.options;
    return { db: this.#db, collection: this.#name, durability };
  }

  #validatedTarget({ bypassDocumentValidation }: ValidatedWriteOptions) {
    return bypassDocumentValidation
      ? { ...this.#target(), bypassValidation: true }
      : this.#target();
  }

  /** A promise only where a schema is asked: without one, a write is sent at once. */
  #validReplacement(call: string, replacement: unknown): Document | Promise<Document> {
    if (!this.#schema) return checkReplacement(call, replacement);
    const what = `${call}: replacement`;
    return validateReplacement(this.#schema, replacement, what).then((valid) =>
      checkReplacement(call, valid),
    );
  }

  #findingFirst(filter: Filter<T>): FindOperation {
    return {
      kind: "find",
      db: this.#db,
      collection: this.#name,
      filter: checkFilter("findOne", filter),
      limit: 1,
    };
  }

  /** The first match, where it cannot be read at once. */
  async #findFirst(operation: FindOperation, isHeavy: boolean): Promise<WithId<T> | null> {
    const runtime = this.#runtime;
    const result = await runtime.execute<"find">(operation, undefined, { isHeavy });
    // A large document fills a batch, and the cursor does not know yet that it is the last one.
    const { cursor } = result;
    // Closing the manager closes its cursors.
    if (cursor !== 0 && !runtime.isClosing) {
      await runtime.execute<"killCursors">({ kind: "killCursors", cursors: [cursor] });
    }
    return (documentsOf(result)[0] as WithId<T> | undefined) ?? null;
  }

  #findById(filter: Filter<T>): WithId<T> | null | undefined {
    // Anything unusual about the filter takes the long way, where it is checked.
    const id = pointReadId(filter);
    if (id === undefined) return undefined;
    const found = this.#runtime.findById(this.#db, this.#name, id);
    return found as WithId<T> | null | undefined;
  }

  async #update(
    call: string,
    filter: unknown,
    update: unknown,
    multi: boolean,
    options: UpdateOneOptions | undefined,
  ): Promise<UpdateResult> {
    const checked = checkOptions(call, options, multi ? updateManyOptions : updateOneOptions);
    // Every member by its name: small writes spend a noticeable part of their time on objects that are spread.
    const { db, collection, durability } = this.#target();
    const statement: UpdateOperation = {
      kind: "update",
      db,
      collection,
      durability,
      filter: checkWriteFilter(call, filter),
      update: checkUpdate(call, update),
      replacement: false,
      multi,
      upsert: checked.upsert ?? false,
    };
    const operation = options === undefined ? statement : withOptions(call, statement, checked);
    const data = await this.#runtime.execute<"update">(operation, checked.signal);
    return updateResult(data);
  }

  async #delete(
    call: string,
    filter: unknown,
    multi: boolean,
    options: DeleteOptions | undefined,
  ): Promise<DeleteResult> {
    const checked = checkOptions(call, options, deleteOptions);
    const { db, collection, durability } = this.#target();
    const statement: DeleteOperation = {
      kind: "delete",
      db,
      collection,
      durability,
      filter: checkWriteFilter(call, filter),
      multi,
    };
    const operation = options === undefined ? statement : withOptions(call, statement, checked);
    const { deleted } = await this.#runtime.execute<"delete">(operation, checked.signal);
    return { acknowledged: true, deletedCount: deleted };
  }

  async #findAndModify(
    call: string,
    action: FindAndModifyOperation["action"],
    filter: unknown,
    change: () => Document | Document[] | undefined | Promise<Document>,
    options: FindOneAndUpdateOptions | undefined,
  ): Promise<WithId<T> | ModifyResult<T> | null> {
    const changing =
      action === "remove"
        ? []
        : (["upsert", "returnDocument", "bypassDocumentValidation"] as const);
    const filters = action === "update" ? (["arrayFilters"] as const) : [];
    const checked = checkOptions(call, options, [...findOneAndOptions, ...changing, ...filters]);
    const statement = {
      ...this.#validatedTarget(checked),
      action,
      filter: checkWriteFilter(call, filter),
      sort: checked.sort === undefined ? undefined : checkSort(call, checked.sort),
      projection: checked.projection && checkObject(`${call}: projection`, checked.projection),
      upsert: checked.upsert ?? false,
      returnNew: checked.returnDocument === "after",
      arrayFilters: checkArrayFilters(call, checked.arrayFilters),
      hint: checkHint(call, checked.hint),
      maxTimeMs: checked.maxTimeMS,
    };
    const { value, matched, upserted } = await this.#runtime.call(async (execute) => {
      const valid = change();
      const update = valid instanceof Promise ? await valid : valid;
      const operation: FindAndModifyOperation = { kind: "findAndModify", ...statement, update };
      return execute<"findAndModify">(defined(operation), checked.signal);
    });
    const document = value ? (decodeDocument(value) as WithId<T>) : null;
    if (!checked.includeResultMetadata) return document;
    const n = matched || upserted.length > 0 ? 1 : 0;
    const lastErrorObject: ModifyResult<T>["lastErrorObject"] = { n };
    if (action !== "remove") lastErrorObject.updatedExisting = matched;
    if (upserted.length > 0) lastErrorObject.upserted = upserted[0];
    return { value: document, lastErrorObject, ok: 1 };
  }
}

/** An update or delete with those options of its call that travel. */
function withOptions<O extends UpdateOperation | DeleteOperation>(
  call: string,
  statement: O,
  { sort, arrayFilters, hint, maxTimeMS, bypassDocumentValidation }: UpdateOneOptions,
): O {
  const optional = {
    sort: sort === undefined ? undefined : checkSort(call, sort),
    arrayFilters: checkArrayFilters(call, arrayFilters),
    hint: checkHint(call, hint),
    maxTimeMs: maxTimeMS,
    bypassValidation: bypassDocumentValidation || undefined,
  };
  return { ...statement, ...defined(optional) };
}

function updateResult({ matched, modified, upserted }: UpdateResultData): UpdateResult {
  return {
    acknowledged: true,
    matchedCount: matched,
    modifiedCount: modified,
    upsertedCount: upserted.length,
    upsertedId: upserted.length > 0 ? upserted[0] : null,
  };
}

/** A failure of the way after some of the documents were inserted: says which. */
function withInsertedIds(error: unknown, ids: readonly unknown[]): unknown {
  if (!(error instanceof LioranError) || !error.result) return error;
  const { insertedAt } = error.result as { insertedAt: number[] };
  return error.with({ result: { ...insertManyResult(insertedAt, ids) } });
}

function insertManyResult<Id>(
  insertedAt: readonly number[],
  ids: readonly unknown[],
): InsertManyResult<Id> {
  const insertedIds: Record<number, Id> = {};
  for (const at of insertedAt) insertedIds[at] = ids[at] as Id;
  return { acknowledged: true, insertedCount: insertedAt.length, insertedIds };
}
