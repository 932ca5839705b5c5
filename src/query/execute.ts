/**
 * Executes a plan over one collection in one view of the data: walks keys, filters, sorts, skips,
 * limits and projects, one row at a time. Synchronous and free of I/O other than storage reads, so
 * that the same code runs inline, on a pool worker and inside a write transaction.
 */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { idKeyBytesMax, sortBytesMax } from "../limits.js";
import type { CollectionEntry, IndexEntry } from "../storage/catalog.js";
import { getDocument, type IdKeyRange, scanDocuments } from "../storage/collection.js";
import { decodeDocument } from "../storage/document.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { entryIdKey, isOpaqueEntry } from "../storage/index-entries.js";
import { encodeKey, typeBracket } from "../storage/key.js";
import { readStatistics } from "../storage/statistics.js";
import type { Document } from "../values/document.js";
import { type Control, unlimited } from "./control.js";
import { compileFilter } from "./filter.js";
import type { IdBound } from "./id-plan.js";
import { compileEntryReader } from "./plan/entry-document.js";
import type { IndexScan, KeyRange } from "./plan/index-bounds.js";
import type { Access, CollectionAccess, IdsAccess, Plan } from "./plan/plan.js";
import { type CollectionFacts, countKeys, planQuery } from "./plan/planner.js";
import { compileProjection } from "./projection.js";
import { compileSort } from "./sort.js";

/** What to read, independent of where it runs. */
export interface Query {
  filter: Document;
  sort?: [string, 1 | -1][];
  projection?: Document;
  skip?: number;
  /** 0 or missing: no limit. */
  limit?: number;
  /** The index to use: its name or key, or `{ $natural: 1 }` for none. */
  hint?: string | Document;
}

/** Where to read: the latest commit, a snapshot, or the open write transaction. */
export interface View {
  environment: Environment;
  /** 0: there is no such collection. */
  collectionId: number;
  indexes: readonly IndexEntry[];
  snapshot?: Snapshot;
}

/** What a query has looked at. */
export interface Examined {
  keys: number;
  documents: number;
}

export function viewOf(
  environment: Environment,
  entry: CollectionEntry | undefined,
  snapshot?: Snapshot,
): View {
  return { environment, collectionId: entry?.id ?? 0, indexes: entry?.indexes ?? [], snapshot };
}

/** One result. Decoded or encoded when asked for, and not before. */
export class Row {
  readonly idKey: Uint8Array;
  /** The document as it is stored; nothing when it was put together from an index. */
  readonly stored: Uint8Array;
  #decoded: Document | undefined;
  #projected: Document | undefined;

  /** @param fromIndex the part of the document that the query needs */
  constructor(key: Uint8Array, stored: Uint8Array, fromIndex?: Document) {
    this.idKey = key;
    this.stored = stored;
    this.#decoded = fromIndex;
  }

  /** The stored document. */
  get source(): Document {
    this.#decoded ??= decodeDocument(this.stored);
    return this.#decoded;
  }

  /** The result: the stored document, or its projection. */
  get document(): Document {
    return this.#projected ?? this.source;
  }

  get bytes(): Uint8Array {
    return this.#projected ? encode(this.#projected) : this.stored;
  }

  project(projection: (document: Document) => Document): void {
    this.#projected = projection(this.source);
  }
}

/**
 * Runs a query.
 *
 * @param examined counts what is looked at
 * @throws what the control throws, and language errors of filter, sort, projection and hint
 */
export function* executeQuery(
  view: View,
  query: Query,
  control: Control,
  examined: Examined = { keys: 0, documents: 0 },
): Generator<Row, void, void> {
  const plan = planFor(view, query, control);
  const projection = query.projection && compileProjection(query.projection, query.filter);
  const { skip = 0, limit = 0 } = query;
  let skipped = 0;
  let returned = 0;
  for (const row of orderedRows(view, query, plan, control, examined)) {
    if (skipped < skip) {
      skipped += 1;
      continue;
    }
    if (projection) row.project(projection);
    yield row;
    returned += 1;
    if (returned === limit) return;
  }
}

/** How a query would be run. @throws BAD_VALUE for a hint that names no index */
export function planFor(view: View, query: Query, control: Control): Plan {
  return planQuery(query, factsOf(view, control));
}

/** How many keys a plan passes over; stops counting at `limit`. */
export function passedKeys(view: View, { access }: Plan, limit: number): number {
  return access.kind === "none" ? 0 : countKeys(access, factsOf(view, unlimited), limit);
}

/**
 * How many documents match, without reading them where the index tells; undefined where they have to be read.
 *
 * @throws what the control throws
 */
export function countByIndex(
  view: View,
  plan: Plan,
  control: Control,
  examined: Examined,
): number | undefined {
  const { access, residual } = plan;
  if (access.kind !== "index" || residual !== undefined) return undefined;
  let count = 0;
  for (const _ of indexRows(view, access, false, control, examined)) count += 1;
  return count;
}

function factsOf({ environment, collectionId, indexes, snapshot }: View, control: Control) {
  const reading = snapshot ? snapshot.options : environment.latest;
  const count = (keys: Iterable<unknown>) => {
    let counted = 0;
    for (const _ of keys) {
      control.step(0);
      counted += 1;
    }
    return counted;
  };
  return {
    indexes,
    documents: () => readStatistics(environment, collectionId, snapshot).documents,
    keys: (access, limit) => {
      if (access.kind === "index") {
        let counted = 0;
        for (const { start, end } of access.ranges) {
          if (counted >= limit) break;
          const range = { start, end, limit: limit - counted, ...reading };
          counted += count(environment.stores.indexes.getKeys(range));
        }
        return counted;
      }
      const documents = scanDocuments(environment, collectionId, rangeOf(access), false, snapshot);
      return count(firstOf(documents, limit));
    },
  } satisfies CollectionFacts;
}

function* firstOf<T>(items: Iterable<T>, limit: number): Generator<T, void, void> {
  let given = 0;
  for (const item of items) {
    yield item;
    given += 1;
    if (given === limit) return;
  }
}

/** The rows that match, in the order the query asks for. */
function* orderedRows(
  view: View,
  query: Query,
  plan: Plan,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  const rows = matchingRows(view, plan, control, examined);
  if (!plan.sort) {
    yield* rows;
    return;
  }
  const wanted = query.limit ? (query.skip ?? 0) + query.limit : Number.POSITIVE_INFINITY;
  yield* sortedRows(rows, compileSort(plan.sort), wanted);
}

/** What a row takes besides its document. */
const rowBytes = 64;

/**
 * Sorts by keeping at most twice the wanted rows: enough for a top-k without holding everything.
 * The sort is stable, so equal rows stay in the order of `_id`.
 */
function sortedRows(
  rows: Iterable<Row>,
  compare: (a: Document, b: Document) => number,
  wanted: number,
): Row[] {
  let kept: Row[] = [];
  let bytes = 0;
  const order = (a: Row, b: Row) => compare(a.source, b.source);
  for (const row of rows) {
    kept.push(row);
    bytes += row.stored.length + rowBytes;
    if (kept.length >= 2 * wanted + 64) {
      kept = kept.sort(order).slice(0, wanted);
      bytes = kept.reduce((sum, { stored }) => sum + stored.length + rowBytes, 0);
    }
    if (bytes > sortBytesMax) {
      throw new LioranError(
        "MEMORY_EXCEEDED",
        `Sort exceeded its memory limit of ${sortBytesMax} bytes. Add a limit, or sort by _id.`,
      );
    }
  }
  return kept.sort(order).slice(0, wanted);
}

function* matchingRows(
  view: View,
  plan: Plan,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  // Compiled also when nothing is walked: a wrong filter is an error on an empty collection too.
  const matches = plan.residual && compileFilter(plan.residual);
  for (const row of accessRows(view, plan, control, examined)) {
    if (!matches || matches(row.source)) yield row;
  }
}

function accessRows(
  view: View,
  { access, isReverse, isCovered }: Plan,
  control: Control,
  examined: Examined,
): Iterable<Row> {
  switch (access.kind) {
    case "none":
      return [];
    case "ids":
      return idRows(view, access, isReverse, control, examined);
    case "range":
    case "scan":
      return collectionRows(view, access, isReverse, control, examined);
    case "index":
      return isCovered
        ? coveredRows(view, access, isReverse, control, examined)
        : fetchedRows(view, access, isReverse, control, examined);
    case "union":
      return unionRows(view, access.branches, control, examined);
  }
}

function* idRows(
  { environment, collectionId, snapshot }: View,
  { ids }: IdsAccess,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  for (const key of distinctKeys(ids, isReverse)) {
    // Nothing can be stored under a longer key.
    if (key.length > idKeyBytesMax) continue;
    const bytes = getDocument(environment, collectionId, key, snapshot);
    control.step(bytes?.length ?? 0);
    examined.keys += 1;
    if (!bytes) continue;
    examined.documents += 1;
    yield new Row(key, Uint8Array.prototype.slice.call(bytes));
  }
}

function* collectionRows(
  { environment, collectionId, snapshot }: View,
  access: CollectionAccess,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  const range = rangeOf(access);
  for (const stored of scanDocuments(environment, collectionId, range, isReverse, snapshot)) {
    control.step(stored.bytes.length);
    if (access.kind === "range") examined.keys += 1;
    examined.documents += 1;
    yield new Row(stored.idKey, stored.bytes);
  }
}

/** An entry, and the document it belongs to. */
interface EntryRow {
  readonly idKey: Uint8Array;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The entries of a walk, one for each document. */
function* indexRows(
  { environment, snapshot }: View,
  { index, ranges }: IndexScan,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<EntryRow, void, void> {
  const reading = snapshot ? snapshot.options : environment.latest;
  const seen = index.multikey.length > 0 ? new SeenIds() : undefined;
  for (const range of isReverse ? [...ranges].reverse() : ranges) {
    const entries = environment.stores.indexes.getRange({
      ...directed(range, isReverse),
      ...reading,
    });
    for (const { key, value } of entries) {
      control.step(0);
      examined.keys += 1;
      const idKey = entryIdKey(key, value);
      if (!seen || seen.add(idKey)) yield { idKey, key, value };
    }
  }
}

function directed({ start, end }: KeyRange, isReverse: boolean) {
  if (!isReverse) return { start, end };
  // No key is an edge itself, so it does not matter to which side an edge belongs.
  return { start: end, end: start, reverse: true };
}

function* fetchedRows(
  view: View,
  access: IndexScan,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  for (const { idKey } of indexRows(view, access, isReverse, control, examined)) {
    yield fetchRow(view, idKey, control, examined);
  }
}

function* coveredRows(
  view: View,
  access: IndexScan,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  const read = compileEntryReader(access.index);
  for (const { idKey, key, value } of indexRows(view, access, isReverse, control, examined)) {
    if (isOpaqueEntry(value)) yield fetchRow(view, idKey, control, examined);
    else yield new Row(idKey, nothing, read(key, value));
  }
}

const nothing = new Uint8Array(0);

function fetchRow(
  { environment, collectionId, snapshot }: View,
  idKey: Uint8Array,
  control: Control,
  examined: Examined,
): Row {
  const bytes = getDocument(environment, collectionId, idKey, snapshot);
  invariant(bytes, "an index entry has a document in the same commit");
  control.step(bytes.length);
  examined.documents += 1;
  return new Row(idKey, Uint8Array.prototype.slice.call(bytes));
}

function* unionRows(
  view: View,
  branches: readonly Access[],
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  const seen = new SeenIds();
  for (const access of branches) {
    const plan = { access, isReverse: false, isCovered: false } as Plan;
    for (const row of accessRows(view, plan, control, examined)) {
      if (seen.add(row.idKey)) yield row;
    }
  }
}

/** Which documents a walk has come to already. */
class SeenIds {
  readonly #seen = new Set<string>();

  /** @returns whether it is a new one */
  add(idKey: Uint8Array): boolean {
    const { size } = this.#seen;
    this.#seen.add(textOf(idKey));
    return this.#seen.size > size;
  }
}

/** `$in` returns each document once, in the order of the keys. */
function distinctKeys(ids: unknown[], reverse: boolean): Uint8Array[] {
  const keys = ids.map((id) => encodeKey(id));
  if (keys.length < 2) return keys;
  keys.sort((a, b) => Buffer.compare(a, b));
  const distinct = keys.filter((key, at) => at === 0 || Buffer.compare(key, keys[at - 1]) !== 0);
  return reverse ? distinct.reverse() : distinct;
}

/** Comparisons match values of the same type only, so an open end stops at the type's last key. */
function rangeOf(plan: CollectionAccess): IdKeyRange {
  if (plan.kind === "scan") return {};
  const [first, last] = typeBracket((plan.lower ?? plan.upper)!.value);
  return {
    lower: plan.lower ? boundKey(plan.lower) : { key: first, inclusive: true },
    upper: plan.upper ? boundKey(plan.upper) : { key: last, inclusive: false },
  };
}

/** A bound that is longer than any stored key lies right behind the keys that are a prefix of it. */
function boundKey({ value, inclusive }: IdBound): { key: Uint8Array; inclusive: boolean } {
  const key = encodeKey(value);
  return key.length <= idKeyBytesMax
    ? { key, inclusive }
    : { key: key.slice(0, idKeyBytesMax), inclusive: false };
}

/** Bytes as a text of the same length: what a Set can hold. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
