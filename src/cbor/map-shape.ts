/**
 * The field names of a map as a whole. The documents of a collection mostly have the same fields in the
 * same order, so a map whose shape is known is made by one object literal, which V8 does in a quarter of
 * the time of adding the fields one by one.
 */
import type { FieldName } from "./field-name.js";

/** Maps with more fields are data that was made a map. */
export const shapeFieldsMax = 32;
/** A shape that was met more often than this is worth compiling. */
const usesBeforeCompiled = 8;
/** More shapes than a process meets; those that share a slot push each other out. */
const slots = 512;

type Build = (values: readonly unknown[]) => Record<string, unknown>;

export interface MapShape {
  readonly names: readonly FieldName[];
  /** Undefined until it is worth it, and where code may not be generated. */
  build: Build | undefined;
  /** Shape of the map that a field had the last time, or the elements of its array: most likely the next one again. */
  readonly inner: (MapShape | undefined)[];
  uses: number;
}

const known: (MapShape | undefined)[] = new Array(slots).fill(undefined);

export function newShape(names: readonly FieldName[]): MapShape {
  return { names, build: undefined, inner: [], uses: 0 };
}

/** The shape of a map with these fields, in this order. */
export function shapeOf(names: readonly FieldName[]): MapShape {
  let hash = names.length;
  for (const { hash: one } of names) hash = (hash * 31 + one) | 0;
  const slot = hash & (slots - 1);
  let shape = known[slot];
  if (!shape || !hasNames(shape, names)) {
    shape = newShape(names);
    known[slot] = shape;
  }
  shape.uses += 1;
  if (shape.uses === usesBeforeCompiled) shape.build = compile(names);
  return shape;
}

function hasNames(shape: MapShape, names: readonly FieldName[]): boolean {
  if (shape.names.length !== names.length) return false;
  return names.every((name, at) => name.text === shape.names[at]!.text);
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
