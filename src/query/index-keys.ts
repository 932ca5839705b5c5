/**
 * What a document contributes to an index: the values at each key field. An array contributes each of its
 * elements ("multikey": https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/).
 *
 * Whatever a filter on the field can match (`traverse.ts`) and whatever the document can be sorted by (`sort.ts`)
 * is among the values. There may be more than a filter matches; it is tested again then.
 */
import { LioranError } from "../errors.js";
import type { IndexEntry } from "../storage/catalog.js";
import {
  type Component,
  complemented,
  componentOf,
  EMPTY_ARRAY,
  entryBytes,
  type IndexEntryBytes,
  isLongId,
  MISSING,
} from "../storage/index-entries.js";
import { isReadable } from "../storage/key-values.js";
import { equalValues } from "../values/compare.js";
import { type Document, isSubdocument } from "../values/document.js";
import { compileFilter } from "./filter.js";
import { filterPaths } from "./filter-paths.js";
import { fieldOf, isIndex, parsePath } from "./path.js";

/** The values at one key field of a document. */
interface FieldValues {
  /** At least one; `MISSING` and `EMPTY_ARRAY` stand for what has no value. */
  readonly values: unknown[];
  /** The path met an array. */
  readonly isMultikey: boolean;
}

/** The entries of one document in one index. */
export interface DocumentEntries {
  readonly entries: readonly IndexEntryBytes[];
  /** Positions of the key fields that met an array. */
  readonly multikey: readonly number[];
  /** A value or the `_id` was too long to be kept whole. */
  readonly isCut: boolean;
}

const none: DocumentEntries = { entries: [], multikey: [], isCut: false };

/** An index, ready to be applied to documents. */
export interface CompiledIndex {
  readonly index: IndexEntry;
  /** What it looks at of a document; `undefined`: the whole of it. */
  readonly paths: readonly string[] | undefined;
  /** @throws CANNOT_INDEX_PARALLEL_ARRAYS */
  entriesOf(document: Document, idKey: Uint8Array): DocumentEntries;
  /** What the document has at each key field, for the message of a violated unique index. */
  keyValue(document: Document): Document;
}

const compiled = new WeakMap<IndexEntry, CompiledIndex>();

export function compileIndex(index: IndexEntry): CompiledIndex {
  let known = compiled.get(index);
  if (!known) {
    known = compile(index);
    compiled.set(index, known);
  }
  return known;
}

function compile(index: IndexEntry): CompiledIndex {
  const paths = index.key.map(([path]) => parsePath(path));
  const matches = index.partialFilter && compileFilter(index.partialFilter);
  const isDescending = index.key.map(([, direction]) => direction === -1);
  const filtered = index.partialFilter ? filterPaths(index.partialFilter) : [];
  return {
    index,
    paths: filtered && ["_id", ...index.key.map(([path]) => path), ...filtered],
    entriesOf: (document, idKey) => {
      if (matches && !matches(document)) return none;
      const fields = paths.map(({ segments }) => valuesAt(document, segments));
      if (index.sparse && fields.every(({ values }) => values.every((v) => v === MISSING)))
        return none;
      refuseParallelArrays(index, fields);
      return entriesFor(index, isDescending, fields, document, idKey);
    },
    keyValue: (document) =>
      Object.fromEntries(
        paths.map(({ text, segments }) => {
          const { values, isMultikey } = valuesAt(document, segments);
          const shown = values.map((value) => shownValue(value));
          return [text, isMultikey ? shown : shown[0]];
        }),
      ),
  };
}

function shownValue(value: unknown): unknown {
  if (value === MISSING) return null;
  return value === EMPTY_ARRAY ? [] : value;
}

function valuesAt(document: Document, segments: readonly string[]): FieldValues {
  const [name] = segments as [string, ...string[]];
  if (segments.length === 1) {
    const value = fieldOf(document, name);
    if (!Array.isArray(value)) {
      return { values: [value === undefined ? MISSING : value], isMultikey: false };
    }
  }
  const values: unknown[] = [];
  const isMultikey = collect(document, segments, 0, values);
  return { values: isMultikey ? distinct(values) : values, isMultikey };
}

/** @returns whether an array was met */
function collect(
  value: unknown,
  segments: readonly string[],
  at: number,
  values: unknown[],
): boolean {
  if (at === segments.length) {
    if (!Array.isArray(value)) {
      values.push(value === undefined ? MISSING : value);
      return false;
    }
    if (value.length === 0) values.push(EMPTY_ARRAY);
    for (const element of value) values.push(element);
    return true;
  }
  const segment = segments[at]!;
  if (Array.isArray(value)) {
    if (isIndex(segment)) collect(value[Number(segment)], segments, at + 1, values);
    else if (value.length === 0) values.push(MISSING);
    for (const element of value) {
      if (isSubdocument(element)) collect(element, segments, at, values);
      else if (!isIndex(segment)) values.push(MISSING);
    }
    return true;
  }
  if (!isSubdocument(value)) {
    values.push(MISSING);
    return false;
  }
  return collect(fieldOf(value, segment), segments, at + 1, values);
}

/** The entries of a document are a set: `[1, 1]` has one. */
function distinct(values: unknown[]): unknown[] {
  if (values.length > 16) {
    const seen = new Map<string, unknown>();
    for (const value of values) {
      const { key } = componentOf(value, 1);
      seen.set(Buffer.from(key).toString("latin1"), value);
    }
    return [...seen.values()];
  }
  return values.filter((value, at) => values.findIndex((other) => isSame(other, value)) === at);
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === "symbol" || typeof b === "symbol") return a === b;
  return equalValues(a, b);
}

/** One of the fields may have many values; two would need an entry for each pair. */
function refuseParallelArrays(index: IndexEntry, fields: readonly FieldValues[]): void {
  const arrays = fields.flatMap(({ isMultikey }, at) => (isMultikey ? [index.key[at]![0]] : []));
  const [first, ...others] = arrays;
  const parallel = others.find((path) => path.split(".")[0] !== first!.split(".")[0]);
  if (parallel === undefined) return;
  throw new LioranError(
    "CANNOT_INDEX_PARALLEL_ARRAYS",
    `cannot index parallel arrays [${parallel}] [${first}]: one of the fields of the index "${index.name}" ` +
      "may hold an array, not two.",
  );
}

function entriesFor(
  index: IndexEntry,
  isDescending: readonly boolean[],
  fields: readonly FieldValues[],
  document: Document,
  idKey: Uint8Array,
): DocumentEntries {
  const isIdReadable = isReadable(document._id);
  let isCut = isLongId(idKey);
  const entries: IndexEntryBytes[] = [];
  for (const values of combinations(index, fields, document)) {
    let isOpaque = !isIdReadable;
    const components = values.map((value, at) => {
      const component: Component = componentOf(value, values.length);
      if (component.isCut) isCut = true;
      if (component.isCut || typeof value === "symbol" || !isReadable(value)) isOpaque = true;
      return isDescending[at] ? complemented(component.key) : component.key;
    });
    entries.push(entryBytes(index.id, components, idKey, isOpaque));
  }
  const multikey = fields.flatMap(({ isMultikey }, at) => (isMultikey ? [at] : []));
  return { entries: entries.length > 1 ? distinctEntries(entries) : entries, multikey, isCut };
}

/**
 * The value lists of the entries. Fields that lie in one array go element by element, so that
 * `{ "a.b": 1, "a.c": 1 }` has an entry for each element of `a`.
 */
function combinations(
  index: IndexEntry,
  fields: readonly FieldValues[],
  document: Document,
): unknown[][] {
  const arrays = fields.flatMap(({ isMultikey }, at) => (isMultikey ? [at] : []));
  if (arrays.length === 0) return [fields.map(({ values }) => values[0])];
  if (arrays.length === 1) {
    const [only] = arrays as [number];
    return fields[only]!.values.map((value) =>
      fields.map(({ values }, at) => (at === only ? value : values[0])),
    );
  }
  const paths = index.key.map(([path]) => path.split("."));
  const shared = sharedArray(
    document,
    arrays.map((at) => paths[at]!),
  );
  // The fields meet different arrays, one inside the other: every pair, which is more than needed.
  if (!shared) return product(fields);
  const elements = shared.array.length === 0 ? [undefined] : shared.array;
  return elements.flatMap((element) => {
    const within = fields.map((field, at) => {
      if (!field.isMultikey) return field;
      const rest = paths[at]!.slice(shared.depth);
      const values: unknown[] = [];
      if (rest.length > 0 && !isSubdocument(element)) values.push(MISSING);
      else collect(element, rest, 0, values);
      return { values, isMultikey: true };
    });
    return product(within);
  });
}

/** The array that all of the paths lead into first, when it is one and the same. */
function sharedArray(
  document: Document,
  paths: readonly string[][],
): { array: unknown[]; depth: number } | undefined {
  let value: unknown = document;
  for (let depth = 0; ; depth += 1) {
    if (Array.isArray(value)) {
      // Positions lead into the array in another way.
      return paths.some((path) => path.slice(depth).some(isIndex))
        ? undefined
        : { array: value, depth };
    }
    const segment = paths[0]![depth];
    if (segment === undefined || !isSubdocument(value)) return undefined;
    if (paths.some((path) => path[depth] !== segment)) return undefined;
    value = fieldOf(value, segment);
  }
}

function product(fields: readonly FieldValues[]): unknown[][] {
  let rows: unknown[][] = [[]];
  for (const { values } of fields) {
    rows = rows.flatMap((row) => values.map((value) => [...row, value]));
  }
  return rows;
}

function distinctEntries(entries: IndexEntryBytes[]): IndexEntryBytes[] {
  const seen = new Map<string, IndexEntryBytes>();
  for (const entry of entries) {
    const key = Buffer.from(entry.key).toString("latin1");
    // A value that cannot be told from the key makes the entry opaque, whichever comes last.
    if (!seen.has(key) || entry.value[0] !== 0) seen.set(key, entry);
  }
  return [...seen.values()];
}
