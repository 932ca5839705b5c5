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
import { getDocument, type IdKeyRange } from "../storage/collection.js";
import { decodeDocument } from "../storage/document.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { compileFieldReader } from "../storage/field-reader.js";
import { entryIdKey, isOpaqueEntry } from "../storage/index-entries.js";
import { encodeKey, typeBracket } from "../storage/key.js";
import { RangeScanner, scanCollection } from "../storage/range-scanner.js";
import { readStatistics } from "../storage/statistics.js";
import type { Document } from "../values/document.js";
import { compileByteFilter } from "./byte-filter.js";
import { type Control, unlimited } from "./control.js";
import { compileFilter, type Matcher } from "./filter.js";
import { filterPaths } from "./filter-paths.js";
import type { IdBound } from "./id-plan.js";
import { parsePath } from "./path.js";
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
  /** Only these top-level fields of the results are needed; missing: all. */
  fields?: ReadonlySet<string>;
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
  if (access.index.multikey.length > 0) {
    for (const _ of indexRows(view, access, false, control, examined)) count += 1;
    return count;
  }
  for (const range of access.ranges) {
    count += countSteps(scanEntries(view, range, false), Number.POSITIVE_INFINITY, control);
  }
  examined.keys += count;
  return count;
}

function factsOf(view: View, control: Control): CollectionFacts {
  const { environment, collectionId, indexes, snapshot } = view;
  return {
    indexes,
    documents: () => readStatistics(environment, collectionId, snapshot).documents,
    keys: (access, limit) => {
      if (access.kind === "index") {
        let counted = 0;
        for (const range of access.ranges) {
          counted += countSteps(scanEntries(view, range, false), limit - counted, control);
        }
        return counted;
      }
      const range = rangeOf(access);
      const scanner = scanCollection(environment, collectionId, range, false, snapshot);
      return countSteps(scanner, limit, control);
    },
  };
}

function countSteps(scanner: RangeScanner, limit: number, control: Control): number {
  try {
    let counted = 0;
    while (counted < limit && scanner.next()) {
      control.step(0);
      counted += 1;
    }
    return counted;
  } finally {
    scanner.close();
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
  const { access, residual } = plan;
  // Compiled also when nothing is walked: a wrong filter is an error on an empty collection too.
  const matches = residual && compileFilter(residual);
  if (access.kind === "scan" || access.kind === "range") {
    yield* collectionRows(
      view,
      access,
      plan.isReverse,
      compileScanTest(residual, matches),
      control,
      examined,
    );
    return;
  }
  for (const row of accessRows(view, plan, control, examined)) {
    if (!matches || matches(row.source)) yield row;
  }
}

/** Whether the stored document at the beginning of the bytes matches. */
type ScanTest = (bytes: Uint8Array, length: number) => boolean;

/** Decides on the bytes where it can, and otherwise on the fields that the filter looks at. */
function compileScanTest(filter: Document | undefined, matches: Matcher | undefined): ScanTest {
  if (!filter || !matches) return () => true;
  const paths = filterPaths(filter);
  const read = paths && compileFieldReader(paths.map((path) => parsePath(path).segments));
  const onBytes = compileByteFilter(filter);
  return (bytes, length) =>
    onBytes?.(bytes, 0) ?? matches(read ? read(bytes, 0) : decodeDocument(bytes, length));
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
      return collectionRows(view, access, isReverse, () => true, control, examined);
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
  matches: ScanTest,
  control: Control,
  examined: Examined,
): Generator<Row, void, void> {
  const scanner = scanCollection(environment, collectionId, rangeOf(access), isReverse, snapshot);
  try {
    while (scanner.next()) {
      control.step(scanner.length);
      if (access.kind === "range") examined.keys += 1;
      examined.documents += 1;
      if (matches(scanner.bytes, scanner.length)) yield new Row(scanner.key(), scanner.value());
    }
  } finally {
    scanner.close();
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
  view: View,
  { index, ranges }: IndexScan,
  isReverse: boolean,
  control: Control,
  examined: Examined,
): Generator<EntryRow, void, void> {
  const seen = index.multikey.length > 0 ? new SeenIds() : undefined;
  for (const range of isReverse ? [...ranges].reverse() : ranges) {
    const scanner = scanEntries(view, range, isReverse);
    try {
      while (scanner.next()) {
        control.step(0);
        examined.keys += 1;
        const key = scanner.key();
        const value = scanner.value();
        const idKey = entryIdKey(key, value);
        if (!seen || seen.add(idKey)) yield { idKey, key, value };
      }
    } finally {
      scanner.close();
    }
  }
}

function scanEntries({ environment, snapshot }: View, { start, end }: KeyRange, reverse: boolean) {
  const reading = snapshot ? snapshot.options : environment.latest;
  // No key is an edge itself, so it does not matter to which side an edge belongs.
  const range = reverse ? { start: end, end: start, reverse } : { start, end };
  return new RangeScanner(environment.stores.indexes, { ...range, ...reading });
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
