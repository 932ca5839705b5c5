/**
 * Executes a plan over one collection in one view of the data: walks keys, filters, sorts, skips,
 * limits and projects, one row at a time. Synchronous and free of I/O other than storage reads, so
 * that the same code runs inline, on a pool worker and inside a write transaction.
 */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { idKeyBytesMax, sortBytesMax } from "../limits.js";
import { getDocument, type IdKeyRange, scanDocuments } from "../storage/collection.js";
import { decodeDocument } from "../storage/document.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { encodeKey, typeBracket } from "../storage/key.js";
import type { Document } from "../values/document.js";
import type { Control } from "./control.js";
import { compileFilter } from "./filter.js";
import { type IdBound, type IdPlan, planId } from "./plan.js";
import { compileProjection } from "./projection.js";
import { compileSort, isIdSort } from "./sort.js";

/** What to read, independent of where it runs. */
export interface Query {
  filter: Document;
  sort?: [string, 1 | -1][];
  projection?: Document;
  skip?: number;
  /** 0 or missing: no limit. */
  limit?: number;
}

/** Where to read: the latest commit, a snapshot, or the open write transaction. */
export interface View {
  environment: Environment;
  collectionId: number;
  snapshot?: Snapshot;
}

/** One result. Decoded or encoded when asked for, and not before. */
export class Row {
  readonly idKey: Uint8Array;
  /** The document as it is stored. */
  readonly stored: Uint8Array;
  #decoded: Document | undefined;
  #projected: Document | undefined;

  constructor(key: Uint8Array, stored: Uint8Array) {
    this.idKey = key;
    this.stored = stored;
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
 * @throws what the control throws, and language errors of filter, sort and projection
 */
export function* executeQuery(
  view: View,
  query: Query,
  control: Control,
): Generator<Row, void, void> {
  const plan = planId(query.filter);
  const projection = query.projection && compileProjection(query.projection, query.filter);
  const { skip = 0, limit = 0 } = query;
  let skipped = 0;
  let returned = 0;
  for (const row of orderedRows(view, query, plan, control)) {
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

/** The rows that match, in the order the query asks for. */
function* orderedRows(
  view: View,
  query: Query,
  plan: IdPlan,
  control: Control,
): Generator<Row, void, void> {
  // A contradiction is found without reading the rest of the filter, which may still be wrong.
  const tested = plan.kind === "none" ? query.filter : plan.residual;
  const matches = tested && compileFilter(tested);
  const sort = query.sort?.length ? query.sort : undefined;
  const idOrder = sort ? isIdSort(sort) : 1;
  if (idOrder !== undefined) {
    yield* matchingRows(view, plan, matches, idOrder === -1, control);
    return;
  }
  const compare = compileSort(sort!);
  const wanted = query.limit ? (query.skip ?? 0) + query.limit : Number.POSITIVE_INFINITY;
  yield* sortedRows(matchingRows(view, plan, matches, false, control), compare, wanted);
}

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
    bytes += row.stored.length;
    if (kept.length >= 2 * wanted + 64) {
      kept = kept.sort(order).slice(0, wanted);
      bytes = kept.reduce((sum, { stored }) => sum + stored.length, 0);
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
  plan: IdPlan,
  matches: ((document: Document) => boolean) | undefined,
  reverse: boolean,
  control: Control,
): Generator<Row, void, void> {
  for (const row of plannedRows(view, plan, reverse, control)) {
    if (!matches || matches(row.source)) yield row;
  }
}

function* plannedRows(
  view: View,
  plan: IdPlan,
  reverse: boolean,
  control: Control,
): Generator<Row, void, void> {
  const { environment, collectionId, snapshot } = view;
  if (plan.kind === "none") return;
  if (plan.kind === "ids") {
    for (const key of distinctKeys(plan.ids, reverse)) {
      // Nothing can be stored under a longer key.
      if (key.length > idKeyBytesMax) continue;
      const bytes = getDocument(environment, collectionId, key, snapshot);
      control.step(bytes?.length ?? 0);
      if (bytes) yield new Row(key, Uint8Array.prototype.slice.call(bytes));
    }
    return;
  }
  const range = plan.kind === "range" ? idKeyRange(plan) : {};
  for (const stored of scanDocuments(environment, collectionId, range, reverse, snapshot)) {
    control.step(stored.bytes.length);
    yield new Row(stored.idKey, stored.bytes);
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
function idKeyRange(plan: Extract<IdPlan, { kind: "range" }>): IdKeyRange {
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
