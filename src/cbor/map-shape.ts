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
const usesBeforeCompiled = 64;
/** More shapes than a process meets often; of those that share a slot the one that is met more often stays. */
const slots = 512;
/** How much more often another one must be met to take the place of a shape. */
const usesMax = 4 * usesBeforeCompiled;

/** Makes the object of the values. */
type Build = (values: readonly unknown[]) => Record<string, unknown>;

export interface MapShape {
  readonly names: readonly FieldName[];
  /** Undefined until it is worth it, and where code may not be generated. */
  build: Build | undefined;
  /** For each field the slot of the shape that its map had the last time, or those in its array: most likely again. */
  readonly inner: number[];
  uses: number;
}

const known: (MapShape | undefined)[] = new Array(slots).fill(undefined);

export function newShape(names: readonly FieldName[]): MapShape {
  return { names, build: undefined, inner: [], uses: 0 };
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
  known[slot] = { names, build: undefined, inner: [...inner], uses: 1 };
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
