/** What a document contributes to an index: the entries of its values (`index-values.ts`). */
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import type { IndexEntry } from "../storage/catalog.js";
import {
  type Component,
  complemented,
  componentOf,
  EMPTY_ARRAY,
  entryBytes,
  type IndexEntryBytes,
  isLongId,
  isOpaqueEntry,
  MISSING,
} from "../storage/index-entries.js";
import { isReadable } from "../storage/key-values.js";
import type { Document } from "../values/document.js";
import { compileFilter } from "./filter.js";
import { filterPaths } from "./filter-paths.js";
import { type IndexedValues, indexedValues, ParallelArrays } from "./index-values.js";
import { parsePath } from "./path.js";
import { compilePlainEntry, type PlainEntry } from "./plain-entry.js";

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
  /** Its one entry for an encoded document, where it can be made of the bytes. */
  readonly plainEntry?: PlainEntry;
  /** @throws CANNOT_INDEX_PARALLEL_ARRAYS */
  entriesOf(document: Document, idKey: Uint8Array): DocumentEntries;
  /** The values of one of its entries, for the message of a violated unique index. */
  keyValue(document: Document, entryKey: Uint8Array, idKey: Uint8Array): Document;
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
  const paths = index.key.map(([path]) => parsePath(path).segments);
  const matches = index.partialFilter && compileFilter(index.partialFilter);
  const isDescending = index.key.map(([, direction]) => direction === -1);
  const filtered = index.partialFilter ? filterPaths(index.partialFilter) : [];
  return {
    index,
    paths: filtered && ["_id", ...index.key.map(([path]) => path), ...filtered],
    plainEntry: compilePlainEntry(index),
    entriesOf: (document, idKey) => {
      if (matches && !matches(document)) return none;
      const values = valuesOf(index, document, paths);
      if (index.sparse && values.rows.every((row) => row.every((value) => value === MISSING))) {
        return none;
      }
      return entriesFor(index, isDescending, values, document, idKey);
    },
    keyValue: (document, entryKey, idKey) => {
      const { rows } = valuesOf(index, document, paths);
      const row = rows.find((values) => {
        const { entry } = entryOf(index, isDescending, values, idKey);
        return Buffer.compare(entry.key, entryKey) === 0;
      });
      invariant(row, "an entry has the values of a row");
      return Object.fromEntries(index.key.map(([path], at) => [path, shownValue(row[at])]));
    },
  };
}

function shownValue(value: unknown): unknown {
  if (value === MISSING) return null;
  return value === EMPTY_ARRAY ? [] : value;
}

/** @throws CANNOT_INDEX_PARALLEL_ARRAYS */
function valuesOf(
  index: IndexEntry,
  document: Document,
  paths: readonly (readonly string[])[],
): IndexedValues {
  try {
    return indexedValues(document, paths);
  } catch (error) {
    if (!(error instanceof ParallelArrays)) throw error;
    const [one, other] = error.fields.map((at) => index.key[at]![0]);
    throw new LioranError(
      "CANNOT_INDEX_PARALLEL_ARRAYS",
      `cannot index parallel arrays [${other}] [${one}]: one of the fields of the index "${index.name}" ` +
        "may hold an array, not two.",
    );
  }
}

function entriesFor(
  index: IndexEntry,
  isDescending: readonly boolean[],
  { rows, multikey }: IndexedValues,
  document: Document,
  idKey: Uint8Array,
): DocumentEntries {
  const isIdReadable = isReadable(document._id);
  let isCut = isLongId(idKey);
  const entries: IndexEntryBytes[] = [];
  for (const values of rows) {
    const made = entryOf(index, isDescending, values, idKey, !isIdReadable);
    if (made.isCut) isCut = true;
    entries.push(made.entry);
  }
  return { entries: entries.length > 1 ? distinctEntries(entries) : entries, multikey, isCut };
}

function entryOf(
  index: IndexEntry,
  isDescending: readonly boolean[],
  values: readonly unknown[],
  idKey: Uint8Array,
  isOpaqueId = false,
): { entry: IndexEntryBytes; isCut: boolean } {
  let isOpaque = isOpaqueId;
  let isCut = false;
  const components = values.map((value, at) => {
    const component: Component = componentOf(value, values.length);
    if (component.isCut) isCut = true;
    if (component.isCut || typeof value === "symbol" || !isReadable(value)) isOpaque = true;
    return isDescending[at] ? complemented(component.key) : component.key;
  });
  return { entry: entryBytes(index.id, components, idKey, isOpaque), isCut };
}

function distinctEntries(entries: IndexEntryBytes[]): IndexEntryBytes[] {
  const seen = new Map<string, IndexEntryBytes>();
  for (const entry of entries) {
    const key = Buffer.from(entry.key).toString("latin1");
    // A value that cannot be told from the key makes the entry opaque, whichever comes last.
    if (!seen.has(key) || isOpaqueEntry(entry.value)) seen.set(key, entry);
  }
  return [...seen.values()];
}
