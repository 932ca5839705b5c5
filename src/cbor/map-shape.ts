/**
 * The field names of a map as a whole. The documents of a collection mostly have the same fields in the
 * same order, so a map whose shape is known is made by one object literal, which V8 does in a quarter of
 * the time of adding the fields one by one.
 *
 * Invariant: shapes are held by the table alone, and have short names, so that what is kept is bounded.
 */
import { type FieldName, keptBytesMax } from "./field-name.js";

/** Maps with more fields are data that was made a map. */
export const shapeFieldsMax = 32;
/** A shape that was met so often is worth compiling. */
const usesBeforeCompiled = 16;
/** More shapes than a process meets often; of those that share a slot the one that is met more often stays. */
const slots = 512;
/** How much more often others must be met to take the place of a shape. */
const usesMax = 16 * usesBeforeCompiled;

/** Makes the object of the values. */
type Build = (values: readonly unknown[]) => Record<string, unknown>;

export interface MapShape {
  readonly names: readonly FieldName[];
  /** Undefined until it is worth it, and where code may not be generated. */
  build: Build | undefined;
  /** For each field the slot of the shape that its map had the last time, or those in its array: most likely again. */
  readonly inner: number[];
  /** For each field how often that was wrong lately: see {@link isUnsteady}. */
  readonly misses: number[];
  uses: number;
}

const known: (MapShape | undefined)[] = new Array(slots).fill(undefined);

export function newShape(names: readonly FieldName[]): MapShape {
  return { names, build: undefined, inner: [], misses: [], uses: 0 };
}

/** Around the maps of which nothing is expected. */
export const nowhere = newShape([]);

/** A wrong expectation costs as much as so many right ones gain. */
const missCost = 4;
/** Above, nothing is expected at a place for a while. */
const missesMax = 256;
const readsUntilNextTry = 4_096;

/** Whether maps at this place differ so much from one to the next that nothing is to be expected. Counts a read. */
export function isUnsteady(around: MapShape, place: number): boolean {
  if (around === nowhere) return true;
  const misses = around.misses[place];
  if (misses === undefined || misses < missesMax) return false;
  around.misses[place] = misses < missesMax + readsUntilNextTry ? misses + 1 : missesMax / 2;
  return true;
}

/** Counts a right expectation, or one that was wrong or not there. */
export function countExpectation(around: MapShape, place: number, isRight: boolean): void {
  const misses = around.misses[place] ?? 0;
  if (!isRight) around.misses[place] = misses + missCost;
  else if (misses > 0) around.misses[place] = misses - 1;
}

export function shapeIn(slot: number | undefined): MapShape | undefined {
  return slot === undefined ? undefined : known[slot];
}

/** Remembers the shape of a map. @returns its slot; undefined when it is not kept */
export function keepShape(
  names: readonly FieldName[],
  inner: readonly number[],
): number | undefined {
  let hash = names.length;
  for (const { hash: one, bytes } of names) {
    if (bytes.length > keptBytesMax) return undefined;
    hash = (hash * 31 + one) | 0;
  }
  const slot = hash & (slots - 1);
  const shape = known[slot];
  if (shape && hasNames(shape, names)) {
    if (shape.uses < usesMax) shape.uses += 1;
    if (shape.uses === usesBeforeCompiled) shape.build ??= compile(names);
    inner.forEach((one, at) => {
      shape.inner[at] = one;
    });
    return slot;
  }
  if (shape && shape.uses > 1) {
    shape.uses -= 1;
    return undefined;
  }
  known[slot] = { ...newShape(names), inner: [...inner], uses: 1 };
  return slot;
}

function hasNames(shape: MapShape, names: readonly FieldName[]): boolean {
  if (shape.names.length !== names.length) return false;
  for (let at = 0; at < names.length; at++) {
    if (names[at]!.text !== shape.names[at]!.text) return false;
  }
  return true;
}

function compile(names: readonly FieldName[]): Build | undefined {
  // In a literal it would be the prototype.
  if (names.some(({ text }) => text === "__proto__")) return undefined;
  const fields = names.map(({ text }, at) => `${JSON.stringify(text)}:values[${at}]`);
  try {
    return new Function("values", `return {${fields.join()}}`) as Build;
  } catch {
    // Node runs with --disallow-code-generation-from-strings.
    return undefined;
  }
}
