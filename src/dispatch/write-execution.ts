/**
 * Turns write operations into tasks for the writer: decodes and checks what can be checked before the
 * transaction, lets the pool search where a scan would hold everybody up, and encodes the reply.
 *
 * Owning thread: the Host.
 */
import { encode } from "../cbor/codec.js";
import { failureDetails, LioranError, type WriteError } from "../errors.js";
import {
  frameBytesMax,
  searchInTransactionDocumentsMax,
  staleSearchRetriesMax,
  validationDetailsMax,
} from "../limits.js";
import { CancellableControl, type Control, unlimited } from "../query/control.js";
import { passedKeys, planFor, type Query } from "../query/execute.js";
import { compileFilter } from "../query/filter.js";
import { planId, pointReadId } from "../query/id-plan.js";
import { withTimeLimit } from "../query/loop-control.js";
import { hasLoop } from "../query/loops.js";
import { compileProjection } from "../query/projection.js";
import { compileSort } from "../query/sort.js";
import { compileUpdate } from "../query/update.js";
import { type View, viewOf } from "../query/walk.js";
import {
  createCollection,
  dropCollection,
  findCollection,
  listCollections,
  modifyCollection,
  nothingToModify,
  nothingToRename,
} from "../storage/catalog.js";
import type { Databases } from "../storage/databases.js";
import { validateDocumentBytes } from "../storage/document.js";
import { readStatistics } from "../storage/statistics.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { Document } from "../values/document.js";
import { applyDropIndexes } from "./index-statements.js";
import { prepareJobCommit } from "./job-commit.js";
import { noCollection } from "./missing-collection.js";
import type {
  BulkModel,
  BulkOperation,
  BulkResultData,
  CreateIndexesOperation,
  FindAndModifyOperation,
  InsertOperation,
  JobCommitOperation,
  JobWrite,
  ModifyCollectionOperation,
  SearchOperation,
  SearchResult,
  SortSpec,
  WriteOperation,
} from "./operation.js";
import { PartialWrite } from "./outcome.js";
import { applyRename } from "./renaming.js";
import {
  applyDelete,
  applyFindAndModify,
  applyInsert,
  applyUpdate,
  compileChange,
  oneModified,
  StaleSearch,
} from "./statements.js";

/** An operation that can be applied: to the open transaction, with what a search found. */
export interface PreparedWrite {
  /**
   * The result where the database does not exist, for an operation that has no reason to create it.
   *
   * @throws what the operation throws then
   */
  withoutDatabase?(): unknown;
  /** Search first with this, off the writing thread. */
  search?: SearchOperation;
  apply(transaction: WriteTransaction, found?: SearchResult): unknown;
}

/**
 * Prepares an operation.
 *
 * @throws language errors of filter, sort, projection and update; PROTOCOL for malformed documents
 */
export function prepareWrite(
  databases: Databases,
  operation: Exclude<WriteOperation, CreateIndexesOperation>,
): PreparedWrite {
  switch (operation.kind) {
    case "insert":
      return prepareInsert(operation);
    case "bulk":
      return prepareBulk(operation);
    case "jobCommit":
      return prepareJobCommit(
        operation,
        operation.writes.map((write) => prepareJobWrite(operation, write)),
      );
    case "update": {
      const control = searchControl(operation);
      const isById = checkFilter(operation.filter);
      const change = compileChange(operation);
      return {
        withoutDatabase: operation.upsert
          ? undefined
          : () => ({ matched: 0, modified: 0, upserted: [] }),
        search: isById
          ? undefined
          : searchFor(databases, operation, operation.sort, operation.multi),
        apply: (transaction, found) =>
          applyUpdate(transaction, operation, operation, { found, control }, change),
      };
    }
    case "delete": {
      const control = searchControl(operation);
      const isById = checkFilter(operation.filter);
      return {
        withoutDatabase: () => ({ deleted: 0 }),
        search: isById ? undefined : searchFor(databases, operation, undefined, operation.multi),
        apply: (transaction, found) => ({
          deleted: applyDelete(transaction, operation, operation, { found, control }),
        }),
      };
    }
    case "findAndModify":
      return prepareFindAndModify(databases, operation);
    case "createCollection": {
      const { collection, options } = operation;
      if (options.validator) compileFilter(options.validator);
      return {
        apply: (transaction) => createCollection(transaction, collection, { ...options }),
      };
    }
    case "modifyCollection":
      return prepareModifyCollection(operation);
    case "dropCollection":
      return {
        withoutDatabase: () => false,
        apply: (transaction) => dropCollection(transaction, operation.collection),
      };
    case "renameCollection":
      return {
        withoutDatabase: () => {
          throw nothingToRename(operation.collection);
        },
        apply: (transaction) => applyRename(transaction, operation),
      };
    case "dropIndexes":
      return {
        withoutDatabase: () => {
          throw noCollection(operation.db, operation.collection);
        },
        apply: (transaction) => applyDropIndexes(transaction, operation),
      };
    case "dropDatabase":
      return { withoutDatabase: () => false, apply: dropAllCollections };
  }
}

/**
 * Runs the searches a write needs until one is still right when the write is applied.
 *
 * @param search runs a search off the writing thread
 * @param apply queues the write and resolves to false when the search was outdated
 */
export async function searchUntilFresh(
  operation: SearchOperation,
  search: (operation: SearchOperation) => Promise<SearchResult>,
  apply: (found: SearchResult | undefined) => Promise<boolean>,
): Promise<void> {
  const { maxTimeMs = 0 } = operation;
  const endMs = performance.now() + maxTimeMs;
  for (let attempt = 0; attempt < staleSearchRetriesMax; attempt += 1) {
    const left = Math.max(1, Math.ceil(endMs - performance.now()));
    const limited = maxTimeMs > 0 ? { ...operation, maxTimeMs: left } : operation;
    if (await apply(await search(limited))) return;
  }
  // Others change the collection faster than it can be searched: search while nobody can write.
  await apply(undefined);
}

/** Marks a task whose search was outdated, so that the writer takes it back like a failure. */
export function applyUnlessStale(
  prepared: PreparedWrite,
  transaction: WriteTransaction,
  found: SearchResult | undefined,
): { stale: true } | { stale: false; body: Uint8Array } {
  try {
    return { stale: false, body: encodeReply(prepared.apply(transaction, found)) };
  } catch (error) {
    // Targets are read before anything is written, so there is nothing to take back.
    if (error instanceof StaleSearch) return { stale: true };
    throw error;
  }
}

/** The results of most writes, encoded once. */
const oneInserted = { inserted: 1 };
const frequentReplies = new Map(
  [oneInserted, oneModified].map((result): [unknown, Uint8Array] => [result, encode(result)]),
);

/** A reply that fits into a frame; one that does not fails the write, which is then taken back. */
export function encodeReply(result: unknown): Uint8Array {
  const known = frequentReplies.get(result);
  if (known) return known;
  const body = encode(result);
  if (body.length <= frameBytesMax) return body;
  throw new LioranError(
    "DOCUMENT_TOO_LARGE",
    `The result of this write has ${body.length} bytes; at most ${frameBytesMax} can be returned. Project less.`,
  );
}

function prepareInsert(operation: InsertOperation): PreparedWrite {
  const documents = splitDocuments(operation.documents, operation.count);
  return {
    apply: (transaction) => {
      const inserted = applyEach(transaction, documents, operation.ordered, (bytes) =>
        applyInsert(transaction, operation, bytes),
      );
      return inserted.length === 1 ? oneInserted : { inserted: inserted.length };
    },
  };
}

function prepareModifyCollection({
  collection,
  options,
}: ModifyCollectionOperation): PreparedWrite {
  if (options.validator) compileFilter(options.validator);
  return {
    withoutDatabase: () => {
      throw nothingToModify(collection);
    },
    apply: (transaction) => modifyCollection(transaction, collection, { ...options }),
  };
}

function prepareBulk(operation: BulkOperation): PreparedWrite {
  for (const model of operation.models) {
    // What is wrong with another one is its own failure, as in MongoDB.
    if (model.op === "insert") splitDocuments(model.document, 1);
  }
  return {
    apply: (transaction) => {
      const result: BulkResultData = {
        inserted: 0,
        matched: 0,
        modified: 0,
        deleted: 0,
        upserted: [],
        insertedAt: [],
      };
      applyEach(
        transaction,
        operation.models,
        operation.ordered,
        (model, index) => applyModel(transaction, operation, model, index, result),
        () => ({ ...result }),
      );
      return result;
    },
  };
}

/** What a batch of a job writes to one collection is a bulk write that succeeds as a whole. */
function prepareJobWrite(
  { db, durability }: JobCommitOperation,
  write: JobWrite,
): PreparedWrite["apply"] {
  const bulk = prepareBulk({ kind: "bulk", db, durability, ordered: true, ...write });
  return (transaction) => {
    try {
      return bulk.apply(transaction);
    } catch (error) {
      // As a plain failure it is taken back, with all that the batch wrote before.
      if (!(error instanceof PartialWrite)) throw error;
      const { reason } = error;
      throw reason.with({ ...failureDetails(reason), writeErrors: reason.writeErrors });
    }
  };
}

function applyModel(
  transaction: WriteTransaction,
  operation: BulkOperation,
  model: BulkModel,
  index: number,
  result: BulkResultData,
): void {
  switch (model.op) {
    case "insert":
      applyInsert(transaction, operation, model.document);
      result.inserted += 1;
      result.insertedAt.push(index);
      return;
    case "update": {
      const updated = applyUpdate(transaction, operation, model);
      result.matched += updated.matched;
      result.modified += updated.modified;
      for (const id of updated.upserted) result.upserted.push([index, id]);
      return;
    }
    case "delete":
      result.deleted += applyDelete(transaction, operation, model);
      return;
  }
}

/**
 * Applies statements one by one, as an ordered or unordered bulk write does.
 *
 * @param partial the result so far, in the shape the error carries
 * @returns the positions that took effect
 * @throws PartialWrite when a statement failed: the others stay
 */
function applyEach<T>(
  transaction: WriteTransaction,
  statements: readonly T[],
  ordered: boolean,
  apply: (statement: T, index: number) => void,
  partial?: () => Record<string, unknown>,
): number[] {
  const done: number[] = [];
  const writeErrors: WriteError[] = [];
  let first: LioranError | undefined;
  for (let index = 0; index < statements.length; index += 1) {
    const mark = transaction.mark();
    try {
      apply(statements[index], index);
      done.push(index);
    } catch (error) {
      if (!(error instanceof LioranError)) throw error;
      transaction.rollbackTo(mark);
      first ??= error;
      const isDetailed = writeErrors.length < validationDetailsMax;
      writeErrors.push(writeError(index, error, isDetailed));
      if (ordered) break;
    }
  }
  if (!first) return done;
  const result = partial?.() ?? { inserted: done.length, insertedAt: done };
  throw new PartialWrite(
    first.with({
      ...failureDetails(first),
      result,
      writeErrors,
    }),
  );
}

function writeError(index: number, error: LioranError, isDetailed: boolean): WriteError {
  const { code, message, keyPattern, keyValue, errInfo } = error;
  return {
    index,
    code,
    errmsg: message,
    ...(keyPattern && { keyPattern }),
    ...(keyValue && { keyValue }),
    ...(errInfo && isDetailed && { errInfo }),
  };
}

function prepareFindAndModify(
  databases: Databases,
  operation: FindAndModifyOperation,
): PreparedWrite {
  const { filter, sort, projection } = operation;
  compileFilter(filter);
  if (sort?.length) compileSort(sort);
  if (operation.action === "update") compileUpdate(operation.update ?? {}, operation);
  const project =
    projection && withTimeLimit(hasLoop(projection), compileProjection(projection, filter));
  const control = searchControl(operation);
  return {
    withoutDatabase: operation.upsert
      ? undefined
      : () => ({ value: null, matched: false, upserted: [] }),
    search: searchFor(databases, operation, sort, false),
    apply: (transaction, found) => {
      const { document, matched, upserted } = applyFindAndModify(transaction, operation, {
        found,
        control,
      });
      const value = document && encode(project ? project(document) : document);
      return { value, matched, upserted };
    },
  };
}

/** @returns whether it asks for one `_id`, which needs no search; @throws language errors */
function checkFilter(filter: Document): boolean {
  if (pointReadId(filter) !== undefined) return true;
  compileFilter(filter);
  return false;
}

/** Limits a search in the transaction: its time runs from the arrival of the operation. */
function searchControl({ maxTimeMs = 0 }: { maxTimeMs?: number }): Control {
  return maxTimeMs > 0 ? new CancellableControl(undefined, maxTimeMs) : unlimited;
}

/** The search that a statement needs, or undefined when it is cheap enough for the transaction. */
function searchFor(
  databases: Databases,
  operation: SearchedFor,
  sort: SortSpec | undefined,
  multi: boolean,
): SearchOperation | undefined {
  const { db, collection, filter, hint, maxTimeMs } = operation;
  const { kind } = planId(filter);
  if (kind === "none" || kind === "ids") return undefined;
  const environment = databases.get(db);
  if (!environment) return undefined;
  environment.refresh();
  const entry = findCollection(environment, collection);
  if (!entry) return undefined;
  const { documents } = readStatistics(environment, entry.id);
  if (documents <= searchInTransactionDocumentsMax) return undefined;
  if (isCheap(viewOf(environment, entry), { filter, sort, hint })) return undefined;
  return { kind: "search", db, collection, filter, sort, limit: multi ? 0 : 1, hint, maxTimeMs };
}

/** What of an operation its search needs. */
type SearchedFor = Pick<SearchOperation, "db" | "collection" | "filter" | "hint" | "maxTimeMs">;

/** Whether an index leads to so few documents that looking at them in the transaction holds nobody up. */
function isCheap(view: View, query: Query): boolean {
  if (view.indexes.length === 0) return false;
  const limit = searchInTransactionDocumentsMax;
  return passedKeys(view, planFor(view, query, unlimited), limit) < limit;
}

/** @throws PROTOCOL unless the bytes are exactly `count` well-formed documents */
function splitDocuments(bytes: Uint8Array, count: number): Uint8Array[] {
  const documents: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length && documents.length < count) {
    const end = validateDocumentBytes(bytes, at);
    documents.push(bytes.subarray(at, end));
    at = end;
  }
  if (at !== bytes.length || documents.length !== count) {
    throw new LioranError(
      "PROTOCOL",
      `Refused an insert from a peer: it announces ${count} documents and holds another number.`,
    );
  }
  return documents;
}

function dropAllCollections(transaction: WriteTransaction): boolean {
  const entries = listCollections(transaction.environment);
  for (const { name } of entries) dropCollection(transaction, name);
  return entries.length > 0;
}
