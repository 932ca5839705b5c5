/**
 * Executes a query over one collection in one view of the data: plans, walks keys, filters, sorts, skips, limits
 * and projects, one row at a time. Synchronous and free of I/O other than storage reads, so that the same code
 * runs inline, on a pool worker and inside a write transaction.
 */
import { decodeDocument } from "../storage/document.js";
import { compileFieldReader, type FieldReader } from "../storage/field-reader.js";
import type { Document } from "../values/document.js";
import { compileByteFilter } from "./byte-filter.js";
import { type Control, InlineBudgetExceeded, unlimited } from "./control.js";
import { compileFilter, type Matcher } from "./filter.js";
import { filterPaths } from "./filter-paths.js";
import { parsePath } from "./path.js";
import type { Plan } from "./plan/plan.js";
import { countKeys, planQuery } from "./plan/planner.js";
import { compileProjection } from "./projection.js";
import type { Row } from "./row.js";
import { compileSort } from "./sort.js";
import { compileSortKey } from "./sort-key.js";
import { Sorter } from "./sorter.js";
import {
  accessRows,
  collectionRows,
  countCollection,
  countEntries,
  type Examined,
  factsOf,
  type ScanTest,
  type View,
  visitCollection,
  type Walk,
} from "./walk.js";

/** What to read, independent of where it runs. */
export interface Query {
  filter: Document;
  /** Walk over this part of the collection only, in the order of `_id`, whatever indexes there are. */
  idRange?: { after?: unknown; upTo?: unknown };
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

/** Nothing has been looked at yet. */
export function nothingExamined(): Examined {
  return { keys: 0, documents: 0 };
}

/**
 * Runs a query.
 *
 * @param examined counts what is looked at
 * @param plan when it was made already
 * @throws what the control throws, and language errors of filter, sort, projection and hint
 */
export function* executeQuery(
  view: View,
  query: Query,
  control: Control,
  examined = nothingExamined(),
  plan = planFor(view, query, control),
): Generator<Row, void, void> {
  const projection = query.projection && compileProjection(query.projection, query.filter);
  const { skip = 0, limit = 0 } = query;
  const read = partReader(query, plan);
  const walk = { view, isReverse: plan.isReverse, control, examined, read };
  let skipped = 0;
  let returned = 0;
  for (const row of orderedRows(walk, query, plan)) {
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

/**
 * Calls `visit` with every result, in order.
 *
 * @throws as {@link executeQuery}
 */
export function visitResults(
  view: View,
  query: Query,
  control: Control,
  plan: Plan,
  visit: (row: Row) => void,
): void {
  const { access, residual, sort } = plan;
  const { projection, skip = 0, limit = 0 } = query;
  const isPlain = !sort && !projection && skip === 0 && limit === 0;
  if (isPlain && (access.kind === "scan" || access.kind === "range")) {
    const { isReverse } = plan;
    const read = partReader(query, plan);
    const walk = { view, isReverse, control, examined: nothingExamined(), read };
    visitCollection(walk, access, compileScanTest(view, residual), visit);
    return;
  }
  for (const row of executeQuery(view, query, control, nothingExamined(), plan)) visit(row);
}

/** How a query would be run. @throws BAD_VALUE for a hint that names no index */
export function planFor(view: View, query: Query, control: Control): Plan {
  return planQuery(query, factsOf(view, control));
}

/**
 * Does not let a walk begin that is known to be too long. Not for rows of which the reader may take only some.
 *
 * @throws InlineBudgetExceeded, or what is wrong with the query: nobody should wait for a thread to be told
 */
export function foresee(view: View, query: Query, { access, sort }: Plan, control: Control): void {
  const { keysMax } = control;
  if (keysMax === undefined || access.kind !== "scan") return;
  if (!sort && Number.isFinite(rowsWanted(query))) return;
  if (factsOf(view, control).documents() <= keysMax) return;
  compileFilter(query.filter);
  if (query.projection) compileProjection(query.projection, query.filter);
  if (sort) compileSort(sort);
  throw new InlineBudgetExceeded();
}

/** How many keys a plan passes over; stops counting at `limit`. */
export function passedKeys(view: View, { access }: Plan, limit: number): number {
  return access.kind === "none" ? 0 : countKeys(access, factsOf(view, unlimited), limit);
}

/**
 * How many documents match; 0 as limit means all. Reads no document where an index tells, and makes no rows where
 * documents have to be looked at.
 *
 * @throws what the control throws, and language errors of filter and hint
 */
export function countMatches(
  view: View,
  query: Query,
  control: Control,
  examined = nothingExamined(),
  plan = planFor(view, query, control),
): number {
  const { skip = 0, limit = 0 } = query;
  const wanted = limit > 0 ? skip + limit : Number.POSITIVE_INFINITY;
  const { access, residual } = plan;
  const walk = { view, isReverse: false, control, examined, read: undefined };
  foresee(view, query, plan, control);
  let count = 0;
  if (access.kind === "index" && residual === undefined) count = countEntries(walk, access);
  else if (access.kind === "scan" || access.kind === "range") {
    const matches = compileScanTest(view, residual) ?? (() => true);
    count = countCollection(walk, access, matches, wanted);
  } else {
    for (const _ of matchingRows(walk, plan)) {
      count += 1;
      if (count === wanted) break;
    }
  }
  return Math.max(0, Math.min(count, wanted) - skip);
}

/** Reads what is needed of a document and no more, when the query says what that is. */
function partReader({ fields, sort = [] }: Query, { residual }: Plan): FieldReader | undefined {
  if (!fields) return undefined;
  const paths = residual ? filterPaths(residual) : [];
  if (!paths) return undefined;
  const looked = [...paths, ...sort.map(([path]) => path)].map((path) => path.split(".", 1));
  return compileFieldReader([...Array.from(fields, (name) => [name]), ...looked]);
}

/** The rows that match, in the order the query asks for. */
function orderedRows(walk: Walk, query: Query, plan: Plan): Iterable<Row> {
  const rows = matchingRows(walk, plan);
  if (!plan.sort) return rows;
  const compare = compileSort(plan.sort);
  const keyOf = compileSortKey(plan.sort);
  const sorter = new Sorter<{ row: Row; key: Document }>(
    (a, b) => compare(a.key, b.key),
    rowsWanted(query),
  );
  for (const row of rows) sorter.add({ row, key: keyOf(row) }, bytesOf(row));
  return sorter.sorted().map(({ row }) => row);
}

/** How many rows a query takes from those that match. */
export function rowsWanted({ skip = 0, limit = 0 }: Query): number {
  return limit > 0 ? skip + limit : Number.POSITIVE_INFINITY;
}

/** What a row takes besides its document. */
const rowBytes = 64;
/** What the part of a document takes that a query needs, when nobody has counted it. */
const partBytes = 256;

/** Roughly what a row takes. */
export function bytesOf({ stored }: Row): number {
  return rowBytes + (stored.length || partBytes);
}

function* matchingRows(walk: Walk, plan: Plan): Generator<Row, void, void> {
  const { access, residual, entryFilter, isCovered } = plan;
  if (access.kind === "scan" || access.kind === "range") {
    yield* collectionRows(walk, access, compileScanTest(walk.view, residual));
    return;
  }
  // Compiled also when nothing is walked: a wrong filter is an error on an empty collection too.
  const matches = residual && compileFilter(residual);
  for (const row of accessRows(walk, access, isCovered, entryFilter)) {
    if (!matches || matches(row.source)) yield row;
  }
}

/** For walks that are made in parts, whose filter is one that nobody changes in between. */
const partTests = new WeakMap<Document, ScanTest>();

function compileScanTest({ part }: View, filter: Document | undefined): ScanTest | undefined {
  if (!filter) return undefined;
  if (!part) return newScanTest(filter);
  const test = partTests.get(filter) ?? newScanTest(filter);
  partTests.set(filter, test);
  return test;
}

/** Decides on the bytes where it can, and otherwise on the fields that the filter looks at. */
function newScanTest(filter: Document): ScanTest {
  const matches: Matcher = compileFilter(filter);
  const paths = filterPaths(filter);
  const read = paths && compileFieldReader(paths.map((path) => parsePath(path).segments));
  const onBytes = compileByteFilter(filter);
  return (bytes, length) =>
    onBytes?.(bytes, 0) ?? matches(read ? read(bytes, 0) : decodeDocument(bytes, length));
}
