/**
 * The values that a document has at the fields of an index: a row for each entry. An array gives a row for each
 * of its elements ("multikey": https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/),
 * and fields that lie in one array go element by element, so that `{ "a.b": 1, "a.c": 1 }` has an entry for
 * each element of `a`.
 *
 * Whatever a filter on a field can match (`traverse.ts`) and whatever the document can be sorted by (`sort.ts`)
 * is in one of the rows. There may be more than a filter matches; it is tested again then.
 */
import { EMPTY_ARRAY, MISSING } from "../storage/index-entries.js";
import { encodeKey } from "../storage/key.js";
import { type Document, isSubdocument } from "../values/document.js";
import { fieldOf, isIndex } from "./path.js";

/** The rows of one document. */
export interface IndexedValues {
  /** At least one; `MISSING` and `EMPTY_ARRAY` stand for what has no value. */
  readonly rows: readonly (readonly unknown[])[];
  /** Positions of the fields that met an array, in order. */
  readonly multikey: readonly number[];
}

/** Two arrays that are not one and the same would need an entry for each pair of elements. */
export class ParallelArrays extends Error {
  /** Positions of the two fields. */
  readonly fields: readonly [number, number];

  constructor(one: number, other: number) {
    super("parallel arrays");
    this.fields = [one, other];
  }
}

/** How far the walk along the path of a field has come. */
interface Place {
  readonly value: unknown;
  /** Segments of the path that led here. */
  readonly depth: number;
}

const noMultikey: readonly number[] = [];

/** @throws ParallelArrays */
export function indexedValues(
  document: Document,
  paths: readonly (readonly string[])[],
): IndexedValues {
  const start = paths.map((segments) => walk({ value: document, depth: 0 }, segments));
  if (!start.some(isArray)) return { rows: [start.map(reachedBy)], multikey: noMultikey };
  const expansion = { paths, rows: [], multikey: new Set<number>() };
  expand(start, expansion);
  return { rows: expansion.rows, multikey: [...expansion.multikey].sort((a, b) => a - b) };
}

interface Expansion {
  readonly paths: readonly (readonly string[])[];
  readonly rows: unknown[][];
  readonly multikey: Set<number>;
}

/** A value that is final, as an element of an array is even if it is an array itself. */
class Final {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

type Field = Place | Final;

function isArray(field: Field): field is Place {
  return !(field instanceof Final) && Array.isArray(field.value);
}

function reachedBy(field: Field): unknown {
  return field.value;
}

/** Follows the path up to its end, or to the first array. */
function walk({ value, depth }: Place, segments: readonly string[]): Field {
  let reached = value;
  let at = depth;
  for (; at < segments.length && !Array.isArray(reached); at += 1) {
    if (!isSubdocument(reached)) return new Final(MISSING);
    reached = fieldOf(reached, segments[at]!);
  }
  if (Array.isArray(reached)) return { value: reached, depth: at };
  return new Final(reached === undefined ? MISSING : reached);
}

/** Adds the rows of fields of which some may have come to an array: all to the same one. */
function expand(fields: readonly Field[], expansion: Expansion): void {
  const { paths, rows, multikey } = expansion;
  const first = fields.findIndex(isArray);
  if (first < 0) {
    rows.push(fields.map(reachedBy));
    return;
  }
  fields.forEach((field, at) => {
    if (isArray(field)) multikey.add(at);
  });
  const positional = fields.findIndex(
    (field, at) => isArray(field) && isPositional(field, paths[at]!),
  );
  if (positional >= 0) {
    const place = fields[positional] as Place;
    const values = throughPositions(place, paths[positional]!);
    const other = fields.findIndex((field, at) => isArray(field) && at !== positional);
    // The element at the position, and nothing where elements have no field of that name.
    if (other >= 0 && countDistinct(values) > 2) throw new ParallelArrays(positional, other);
    for (const value of values) {
      expand(fields.with(positional, new Final(value)), expansion);
    }
    return;
  }
  refuseParallel(fields, first, paths);
  for (const element of elementsOf((fields[first] as Place).value as unknown[])) {
    const within = fields.map((field, at) =>
      isArray(field) ? intoElement(element, field.depth, paths[at]!) : field,
    );
    expand(within, expansion);
  }
}

const nothing = Symbol("an array without elements");

function elementsOf(array: unknown[]): unknown[] {
  return array.length === 0 ? [nothing] : array;
}

/** Whether the path may name a position of the array. */
function isPositional({ depth }: Place, segments: readonly string[]): boolean {
  return depth < segments.length && isIndex(segments[depth]!);
}

function intoElement(element: unknown, depth: number, segments: readonly string[]): Field {
  if (depth === segments.length) return new Final(element === nothing ? EMPTY_ARRAY : element);
  if (!isSubdocument(element)) return new Final(MISSING);
  return walk({ value: element, depth }, segments);
}

/** Everything that a path which names a position can lead to: that element, and fields of that name. */
function throughPositions(place: Place, segments: readonly string[]): unknown[] {
  const values: unknown[] = [];
  collect(place.value, segments, place.depth, values);
  return values;
}

function collect(value: unknown, segments: readonly string[], at: number, values: unknown[]): void {
  if (at === segments.length) {
    if (!Array.isArray(value)) values.push(value === undefined ? MISSING : value);
    else if (value.length === 0) values.push(EMPTY_ARRAY);
    else values.push(...value);
    return;
  }
  const segment = segments[at]!;
  if (Array.isArray(value)) {
    if (isIndex(segment)) collect(value[Number(segment)], segments, at + 1, values);
    else if (value.length === 0) values.push(MISSING);
    for (const element of value) {
      if (isSubdocument(element)) collect(element, segments, at, values);
      else if (!isIndex(segment)) values.push(MISSING);
    }
    return;
  }
  if (isSubdocument(value)) collect(fieldOf(value, segment), segments, at + 1, values);
  else values.push(MISSING);
}

function countDistinct(values: readonly unknown[]): number {
  const nameOf = (value: unknown) =>
    typeof value === "symbol" ? value : Buffer.from(encodeKey(value)).toString("latin1");
  return new Set(values.map(nameOf)).size;
}

/** @throws ParallelArrays */
function refuseParallel(
  fields: readonly Field[],
  first: number,
  paths: readonly (readonly string[])[],
): void {
  const { depth } = fields[first] as Place;
  fields.forEach((field, at) => {
    if (!isArray(field) || at === first) return;
    const isSame =
      field.depth === depth &&
      paths[at]!.slice(0, depth).every((segment, i) => segment === paths[first]![i]);
    if (!isSame) throw new ParallelArrays(first, at);
  });
}
