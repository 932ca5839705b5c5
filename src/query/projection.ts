/**
 * Projections of `find()`: https://www.mongodb.com/docs/manual/reference/method/db.collection.find/#projection
 * What an aggregation's `$project` has as well is in `project.ts`; here are the operators that only
 * `find()` knows: `$slice`, `$elemMatch` and the positional `$`.
 */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../values/document.js";
import { compileElementFilter, compileFilter, type Matcher } from "./filter.js";
import { fieldOf, type Path, parseWritablePath } from "./path.js";
import { compileProject, isInclusion } from "./project.js";
import { addLeaf, addSpecification, newNode, type ProjectionNode } from "./projection-tree.js";
import { MatchDetails } from "./traverse.js";

type Transform = (projected: Document, source: Document) => Document;

/**
 * Compiles a projection. The function never changes its argument, and may share parts with it.
 *
 * @param filter the query's filter, which the positional `$` refers to
 * @throws LioranError BAD_VALUE, COMMAND_NOT_SUPPORTED
 */
export function compileProjection(
  projection: Document,
  filter?: Document,
): (document: Document) => Document {
  if (!isPlainObject(projection)) {
    throw new LioranError("BAD_VALUE", "A projection must be an object such as { name: 1 }.");
  }
  const names = Object.keys(projection);
  if (names.length === 0) return (document) => document;
  const root = newNode();
  const transforms: Transform[] = [];
  const slices: Path[] = [];
  let forced: boolean | undefined;
  for (const name of names) {
    const value = projection[name];
    if (name.endsWith(".$")) {
      if (forced) throw bad(`A projection has one positional $ or $elemMatch only: "${name}".`);
      transforms.push(positional(root, name, filter));
      forced = true;
    } else if (isOperator(value, "$slice") && !isSliceExpression(value.$slice)) {
      slices.push(parseWritablePath(name));
      transforms.push(slice(parseWritablePath(name), value.$slice));
    } else if (isOperator(value, "$elemMatch")) {
      transforms.push(elemMatch(name, value.$elemMatch));
      forced = true;
    } else {
      addSpecification(root, name, value);
    }
  }
  addSlices(root, slices, forced);
  const project = compileProject(root, forced);
  return (document) => {
    const now = new Date();
    let result = project(document, now);
    for (const transform of transforms) result = transform(result, document);
    return result;
  };
}

/** A sliced field belongs to an inclusion, and needs no mention in an exclusion. */
function addSlices(root: ProjectionNode, slices: Path[], forced: boolean | undefined): void {
  const includes = root.fields.size > 0 || forced ? isInclusion(root, forced) : false;
  for (const path of slices) {
    if (includes) addLeaf(root, path, { kind: "include" });
  }
}

function isOperator(value: unknown, operator: string): value is Document {
  if (!isPlainObject(value)) return false;
  if (Object.hasOwn(value, "$meta")) {
    throw new LioranError("COMMAND_NOT_SUPPORTED", "$meta is not supported in a projection.");
  }
  return Object.hasOwn(value, operator);
}

/** `{ $slice: ["$array", 1] }` is the expression; numbers alone are the operator of `find()`. */
function isSliceExpression(operand: unknown): boolean {
  return Array.isArray(operand) && typeof operand[0] !== "number" && typeof operand[0] !== "bigint";
}

function slice(path: Path, operand: unknown): Transform {
  const list: unknown[] = Array.isArray(operand) ? operand : [operand];
  const [first, second] = list.map((part) => {
    const number = typeof part === "bigint" ? Number(part) : part;
    if (typeof number === "number" && Number.isFinite(number)) return Math.trunc(number);
    throw bad(`$slice at "${path.text}" takes a number, or [skip, limit].`);
  });
  if (list.length > 2 || first === undefined) {
    throw bad(`$slice at "${path.text}" takes a number, or [skip, limit].`);
  }
  if (second !== undefined && second <= 0) {
    throw bad(`The limit of $slice at "${path.text}" must be positive.`);
  }
  const cut = (array: unknown[]) => {
    if (second === undefined) return first < 0 ? array.slice(first) : array.slice(0, first);
    const start = first < 0 ? Math.max(0, array.length + first) : first;
    return array.slice(start, start + second);
  };
  return (projected) =>
    transformAt(projected, path.segments, 0, (value) =>
      Array.isArray(value) ? cut(value) : value,
    ) as Document;
}

/** The field comes after the others, and only if an element matches. */
function elemMatch(name: string, operand: unknown): Transform {
  if (name.includes(".")) throw bad(`$elemMatch cannot stand at the dotted path "${name}".`);
  if (!isPlainObject(operand)) throw bad(`$elemMatch needs an object in the projection "${name}".`);
  parseWritablePath(name);
  const matches = compileElementFilter(operand);
  return (projected, source) => {
    const value = fieldOf(source, name);
    const position = Array.isArray(value) ? value.findIndex(matches) : -1;
    if (position < 0) return projected;
    return { ...projected, [name]: [(value as unknown[])[position]] };
  };
}

function positional(root: ProjectionNode, name: string, filter: Document | undefined): Transform {
  const path = parseWritablePath(name.slice(0, -2));
  if (path.segments.some((segment) => segment.startsWith("$"))) {
    throw bad(`The positional $ may stand only at the end of "${name}".`);
  }
  addLeaf(root, path, { kind: "include" });
  const matches: Matcher = compileFilter(filter ?? {});
  return (projected, source) =>
    transformAt(projected, path.segments, 0, (value, arrayPath) => {
      if (!Array.isArray(value)) return value;
      const details = new MatchDetails();
      matches(source, details);
      const position = details.positionIn(arrayPath);
      if (position === undefined || position >= value.length) {
        throw bad(`Executor error: the positional $ in "${name}" needs its array in the filter.`);
      }
      return [value[position]];
    }) as Document;
}

/** Replaces the values at a path, in all elements of arrays on the way, without changing the input. */
function transformAt(
  value: unknown,
  segments: readonly string[],
  at: number,
  transform: (value: unknown, path: string) => unknown,
): unknown {
  if (at === segments.length) return transform(value, segments.join("."));
  if (Array.isArray(value)) {
    return value.map((element) => transformAt(element, segments, at, transform));
  }
  const name = segments[at]!;
  if (!isSubdocument(value) || !Object.hasOwn(value, name)) return value;
  return { ...value, [name]: transformAt(value[name], segments, at + 1, transform) };
}

function bad(message: string): LioranError {
  return new LioranError("BAD_VALUE", message);
}
