/**
 * The statements that change documents, applied inside an open write transaction. Each either takes
 * effect as a whole or throws, in which case the writer takes back what it wrote.
 *
 * Owning thread: the Host.
 */
import { type Control, unlimited } from "../query/control.js";
import { executeQuery } from "../query/execute.js";
import { compileFilter } from "../query/filter.js";
import { pointReadId } from "../query/id-plan.js";
import { OwnerControl, underControl, withTimeLimit } from "../query/loop-control.js";
import { filterHasLoop } from "../query/loops.js";
import { Row } from "../query/row.js";
import type { ByteUpdate } from "../query/update/byte-update.js";
import { compileUpdate, replaceDocument } from "../query/update.js";
import { upsertSeed } from "../query/upsert.js";
import { type View, viewOf } from "../query/walk.js";
import { createCollection, ensureCollection, findInTransaction } from "../storage/catalog.js";
import { getDocument } from "../storage/collection.js";
import { decodeDocument, encodeDocument, idKeyOfDocument } from "../storage/document.js";
import { idKey } from "../storage/key.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { Document } from "../values/document.js";
import { newId } from "../values/new-id.js";
import { toStorable } from "../values/validate.js";
import { noCollection } from "./missing-collection.js";
import type {
  DeleteStatement,
  FindAndModifyOperation,
  SearchResult,
  SortSpec,
  UpdateResultData,
  UpdateStatement,
} from "./operation.js";
import { addDocument, changeDocument, removeDocument } from "./stored-documents.js";
import { validatorOf } from "./validation.js";

/**
 * Thrown when what a search found has changed before the transaction began, so that the statement
 * needs a new search. Never reaches a caller.
 */
export class StaleSearch extends Error {}

/** The collection a statement is about, and whether its validator has a say. */
interface Place {
  db: string;
  collection: string;
  bypassValidation?: boolean;
}

/** Which documents a statement is about. */
interface Target extends Place {
  filter: Document;
  sort?: SortSpec;
  multi: boolean;
  hint?: string | Document;
}

/** How the documents of a statement are found. */
export interface Search {
  /** What a search on the pool found. Without it they are looked for in the transaction. */
  found?: SearchResult;
  /** Ends a search in the transaction. */
  control: Control;
}

const searchHere: Search = { control: unlimited };
/** What most updates do: one object, so that its reply need not be encoded each time. */
export const oneModified: UpdateResultData = { matched: 1, modified: 1, upserted: [] };

/**
 * Stores one well-formed encoded document.
 *
 * @throws DUPLICATE_KEY, DOCUMENT_VALIDATION_FAILED; NAMESPACE_NOT_FOUND where the collection must exist and does not
 */
export function applyInsert(
  transaction: WriteTransaction,
  place: Place & { mustExist?: boolean },
  bytes: Uint8Array,
): void {
  const { db, collection, mustExist } = place;
  const known = findInTransaction(transaction, collection);
  if (!known && mustExist) throw noCollection(db, collection);
  const entry = known ?? createCollection(transaction, collection);
  if (!place.bypassValidation) {
    validatorOf(entry)?.checkInsert(nameOf(place), decodeDocument(bytes));
  }
  addDocument(transaction, { db: place.db, entry }, idKeyOfDocument(bytes), bytes);
}

export function applyUpdate(
  transaction: WriteTransaction,
  { db, collection, bypassValidation }: Place,
  statement: UpdateStatement,
  search: Search = searchHere,
  change: Change = compileChange(statement),
): UpdateResultData {
  const { filter, sort, multi, hint } = statement;
  const target = { db, collection, bypassValidation, filter, sort, multi, hint };
  const rows = targetRows(transaction, target, search, statement.upsert);
  if (rows.length === 0 && statement.upsert) {
    const inserted = insertUpserted(transaction, target, change);
    return { matched: 0, modified: 0, upserted: [inserted._id] };
  }
  let modified = 0;
  for (const row of rows) if (changeStored(transaction, target, row, change)) modified += 1;
  return modified === 1 && rows.length === 1
    ? oneModified
    : { matched: rows.length, modified, upserted: [] };
}

export function applyDelete(
  transaction: WriteTransaction,
  { db, collection }: Place,
  statement: DeleteStatement,
  search: Search = searchHere,
): number {
  const { filter, multi, hint } = statement;
  const target = { db, collection, filter, multi, hint };
  const rows = targetRows(transaction, target, search, false);
  for (const row of rows) deleteRow(transaction, target, row);
  return rows.length;
}

/** The document before or after the change, not yet projected. */
export interface Modified {
  document: Document | null;
  matched: boolean;
  upserted: unknown[];
}

export function applyFindAndModify(
  transaction: WriteTransaction,
  operation: FindAndModifyOperation,
  search: Search,
): Modified {
  const { db, collection, bypassValidation, filter, sort, action, hint } = operation;
  const target = { db, collection, bypassValidation, filter, sort, multi: false, hint };
  const change =
    action === "remove"
      ? undefined
      : compileChange({
          filter,
          update: operation.update ?? {},
          replacement: action === "replace",
          multi: false,
          upsert: operation.upsert,
          arrayFilters: operation.arrayFilters,
        });
  const [row] = targetRows(transaction, target, search, operation.upsert);
  if (!row) {
    if (!change || !operation.upsert) return { document: null, matched: false, upserted: [] };
    const inserted = insertUpserted(transaction, target, change);
    const document = operation.returnNew ? inserted : null;
    return { document, matched: false, upserted: [inserted._id] };
  }
  if (!change) {
    deleteRow(transaction, target, row);
    return { document: row.source, matched: true, upserted: [] };
  }
  const after = changeRow(transaction, target, row, change) ?? row.source;
  return { document: operation.returnNew ? after : row.source, matched: true, upserted: [] };
}

/** What an update statement does to a document that is there, and what it inserts when none is. */
export interface Change {
  apply(document: Document): { document: Document; modified: boolean };
  /** The same on encoded documents, where it can be done. */
  readonly onBytes?: ByteUpdate;
  insert(): Document;
}

/** @throws language errors of the update */
export function compileChange(statement: UpdateStatement): Change {
  const { filter, update, arrayFilters } = statement;
  if (statement.replacement) {
    const replacement = update as Document;
    return {
      apply: (document) => replaceDocument(document, replacement),
      insert: () => {
        const { _id } = upsertSeed(filter);
        const seed = _id === undefined ? {} : { _id };
        return "_id" in seed ? replaceDocument(seed, replacement).document : replacement;
      },
    };
  }
  const compiled = compileUpdate(update, { arrayFilters, filter });
  return {
    apply: (document) => compiled.apply(document),
    onBytes: compiled.onBytes,
    insert: () => compiled.applyOnInsert(upsertSeed(filter)),
  };
}

/** The documents a statement is about, read before any of them is changed. */
function targetRows(
  transaction: WriteTransaction,
  target: Target,
  { found, control }: Search,
  upsert: boolean,
): Row[] {
  const { environment } = transaction;
  const entry = findInTransaction(transaction, target.collection);
  const view = viewOf(environment, entry);
  if (found) return recheckedRows(transaction, view, target, found, upsert);
  const { filter, sort, multi, hint } = target;
  // What most statements ask for needs no plan.
  const id = hint === undefined && !sort?.length ? pointReadId(filter) : undefined;
  if (id !== undefined) return rowById(view, id, control);
  const query = { filter, sort, limit: multi ? 0 : 1, hint };
  const limited = new OwnerControl(control);
  return underControl(limited, () => Array.from(executeQuery(view, query, limited)));
}

function rowById(
  { environment, collectionId }: View,
  id: string | number,
  control: Control,
): Row[] {
  const key = idKey(id);
  const bytes = getDocument(environment, collectionId, key);
  // Its time may have run out while it waited for its turn.
  control.step(bytes?.length ?? 0);
  // In Node's pool of small buffers, where memory of its own would take a microsecond.
  return bytes ? [new Row(key, Buffer.from(bytes))] : [];
}

/** Of the documents that a search found, those that still match now that nobody else can write. */
function recheckedRows(
  transaction: WriteTransaction,
  view: View,
  target: Target,
  found: SearchResult,
  upsert: boolean,
): Row[] {
  const { version, changed } = transaction.statistics(view.collectionId);
  const isSame = view.collectionId === found.collectionId;
  const unchanged = isSame && version === found.version && !changed;
  const matches = withTimeLimit(filterHasLoop(target.filter), compileFilter(target.filter));
  const rows: Row[] = [];
  for (const key of found.idKeys) {
    const bytes = getDocument(view.environment, view.collectionId, key);
    const row = bytes && new Row(key, Uint8Array.prototype.slice.call(bytes));
    if (row && (unchanged || matches(row.source))) rows.push(row);
  }
  // "The first by the sort", and "there is none", can be wrong as soon as anything has changed.
  if (!unchanged) {
    const isLost = !target.multi && (rows.length < found.idKeys.length || target.sort);
    if (isLost || (upsert && rows.length === 0)) throw new StaleSearch();
  }
  return rows;
}

/** @returns whether the document differs now */
function changeStored(
  transaction: WriteTransaction,
  target: Target,
  row: Row,
  change: Change,
): boolean {
  const { onBytes } = change;
  const entry = onBytes && ensureCollection(transaction, target.collection);
  // A validator wants to see the document.
  if (!entry || (!target.bypassValidation && validatorOf(entry))) {
    return changeRow(transaction, target, row, change) !== undefined;
  }
  const after = onBytes.apply(row.stored);
  if (!after) return changeRow(transaction, target, row, change) !== undefined;
  if (after === row.stored) return false;
  const before = { idKey: row.idKey, bytes: row.stored };
  changeDocument(transaction, { db: target.db, entry }, before, after, onBytes.fields);
  return true;
}

/** @returns the new document when it differs from the old one */
function changeRow(
  transaction: WriteTransaction,
  target: Target,
  row: Row,
  change: Change,
): Document | undefined {
  const { document, modified } = change.apply(row.source);
  if (!modified) return undefined;
  const storable = toStorable(document);
  const entry = ensureCollection(transaction, target.collection);
  if (!target.bypassValidation) {
    validatorOf(entry)?.checkUpdate(nameOf(target), row.source, storable);
  }
  const before = { idKey: row.idKey, bytes: row.stored };
  changeDocument(transaction, { db: target.db, entry }, before, encodeDocument(storable));
  return storable;
}

function deleteRow(transaction: WriteTransaction, target: Target, row: Row): void {
  const entry = ensureCollection(transaction, target.collection);
  const before = { idKey: row.idKey, bytes: row.stored };
  removeDocument(transaction, { db: target.db, entry }, before);
}

function insertUpserted(transaction: WriteTransaction, target: Target, change: Change): Document {
  const document = change.insert();
  const complete = toStorable(
    document._id === undefined ? { ...document, _id: newId() } : document,
  );
  const entry = ensureCollection(transaction, target.collection);
  if (!target.bypassValidation) validatorOf(entry)?.checkInsert(nameOf(target), complete);
  const bytes = encodeDocument(complete);
  addDocument(transaction, { db: target.db, entry }, idKey(complete._id), bytes);
  return complete;
}

function nameOf({ db, collection }: Place): string {
  return `${db}.${collection}`;
}
