/**
 * All operators of an update in one tree of paths. Conflicts show while it is built; applying it walks
 * each container once, in MongoDB's order: names by their bytes, array positions by number
 * (https://www.mongodb.com/docs/manual/reference/operator/update/#behavior). Containers on the way are
 * copied, never changed.
 */
import { LioranError } from "../../errors.js";
import { documentBytesMax } from "../../limits.js";
import { compareStrings } from "../../values/compare.js";
import { type Document, isSubdocument } from "../../values/document.js";
import type { Matcher } from "../filter.js";
import { fieldOf, isIndex } from "../path.js";
import { typeName } from "../type-names.js";
import type { ArrayFilters } from "./array-filters.js";
import type { Operation, UpdateScope } from "./operation.js";
import { parseUpdate } from "./parse.js";

export interface UpdateTree {
  apply(document: Document, scope: UpdateScope): Document;
  /** Whether the positional `$` occurs, which needs the filter's match. */
  readonly isPositional: boolean;
}

interface Node {
  readonly operation: Operation | undefined;
  readonly children: Map<string, Node>;
  /** The children in the order in which they are applied. */
  order: [string, Node][];
}

/** Most elements an update may append to reach a position behind the end. As MongoDB. */
const backfillMax = 1_500_000;

/** @throws LioranError as `compileUpdate` */
export function compileTree(update: Document, filters: ArrayFilters): UpdateTree {
  const root = newNode(undefined);
  let isPositional = false;
  const unused = new Set(filters.keys());
  for (const { path, operation } of parseUpdate(update)) {
    for (const segment of path.segments) {
      if (segment === "$") isPositional = true;
      const identifier = identifierOf(segment);
      if (!identifier) continue;
      if (!filters.has(identifier)) {
        throw new LioranError(
          "BAD_VALUE",
          `No array filter found for identifier "${identifier}" in path "${path.text}".`,
        );
      }
      unused.delete(identifier);
    }
    insert(root, path.segments, operation, path.text);
  }
  for (const identifier of unused) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      `The array filter for identifier "${identifier}" was not used in the update.`,
    );
  }
  arrange(root);
  return {
    isPositional,
    apply: (document, scope) => new Walk(filters, scope).document(document, root, ""),
  };
}

function newNode(operation: Operation | undefined): Node {
  return { operation, children: new Map(), order: [] };
}

function insert(root: Node, segments: readonly string[], operation: Operation, path: string): void {
  let node = root;
  segments.forEach((segment, at) => {
    const isLast = at === segments.length - 1;
    const known = node.children.get(segment);
    const here = segments.slice(0, at).join(".");
    if (known && (isLast || known.operation))
      throw conflict(path, at ? `${here}.${segment}` : segment);
    if (!known && mixesArrays(node, segment)) throw conflict(path, here);
    const next = known ?? newNode(isLast ? operation : undefined);
    if (!known) node.children.set(segment, next);
    node = next;
  });
}

/** `$[]` and `$[name]` stand for many elements, so nothing else may name elements beside them. */
function mixesArrays(node: Node, segment: string): boolean {
  const [first] = node.children.keys();
  return first !== undefined && isArrayStep(first) !== isArrayStep(segment);
}

function isArrayStep(segment: string): boolean {
  return segment.startsWith("$[");
}

/** The name in `$[name]`; empty for `$[]`, undefined for anything else. */
function identifierOf(segment: string): string | undefined {
  return isArrayStep(segment) && segment.endsWith("]") ? segment.slice(2, -1) : undefined;
}

function conflict(path: string, at: string): LioranError {
  return new LioranError(
    "CONFLICTING_UPDATE",
    `Updating the path "${path}" would create a conflict at "${at}".`,
  );
}

function arrange(node: Node): void {
  node.order = ordered(node.children);
  for (const child of node.children.values()) arrange(child);
}

function ordered(children: ReadonlyMap<string, Node>): [string, Node][] {
  return [...children].sort(([a], [b]) =>
    isIndex(a) && isIndex(b) ? Number(a) - Number(b) : compareStrings(a, b),
  );
}

/** What two steps (`$[a]` and `$[b]`, `$` and `0`) that meet at one element do to it together. */
function merged(one: Node, other: Node, path: string): Node {
  if (one.operation || other.operation) throw conflict(path, path);
  const children = new Map(one.children);
  const both: Node = { operation: undefined, children, order: [] };
  for (const [segment, node] of other.children) {
    const known = children.get(segment);
    if (!known && mixesArrays(both, segment)) throw conflict(path, path);
    children.set(segment, known ? merged(known, node, `${path}.${segment}`) : node);
  }
  both.order = ordered(children);
  return both;
}

/** One application of the tree to one document. */
class Walk {
  readonly #filters: ArrayFilters;
  readonly #scope: UpdateScope;
  /** Every null that fills up an array takes a byte at least. */
  #paddingLeft = documentBytesMax;

  constructor(filters: ArrayFilters, scope: UpdateScope) {
    this.#filters = filters;
    this.#scope = scope;
  }

  document(document: Document, node: Node, path: string): Document {
    let result = document;
    for (const [segment, child] of node.order) {
      const at = path === "" ? segment : `${path}.${segment}`;
      if (segment.startsWith("$")) throw noArray(path, segment, document);
      const before = fieldOf(result, segment);
      const after = this.#value(before, child, at);
      if (after === before) continue;
      if (result === document) result = { ...document };
      if (after === undefined) delete result[segment];
      else result[segment] = after;
    }
    return result;
  }

  #value(value: unknown, node: Node, path: string): unknown {
    if (node.operation) return node.operation(value, this.#scope, path);
    if (Array.isArray(value)) return this.#array(value, node, path);
    if (isSubdocument(value)) return this.document(value, node, path);
    if (value !== undefined) return this.#throughScalar(value, node, path);
    return this.#missing(node, path);
  }

  /** Creates what is missing on the way, unless nothing is set in the end (`$unset`, `$pull`). */
  #missing(node: Node, path: string): unknown {
    const step = node.order[0]![0];
    if (step.startsWith("$")) {
      throw new LioranError(
        "BAD_VALUE",
        `The path "${path}" must exist in the document in order to apply array updates.`,
      );
    }
    const created = this.document({}, node, path);
    return Object.keys(created).length === 0 ? undefined : created;
  }

  /** An operator that sets nothing, such as `$unset`, may go through a scalar; others may not. */
  #throughScalar(value: unknown, node: Node, path: string): unknown {
    const [step] = node.order[0]!;
    if (step.startsWith("$")) throw noArray(path, step, value);
    if (this.#missing(node, path) === undefined) return value;
    throw new LioranError(
      "PATH_NOT_VIABLE",
      `Cannot create field "${step}" in element "${path}", which is of type ${typeName(value)}. ` +
        "Set the whole field instead.",
    );
  }

  #array(array: unknown[], node: Node, path: string): unknown[] {
    let result = array;
    for (const [position, child] of this.#elements(array, node, path)) {
      const before: unknown = result[position];
      const after = this.#value(before, child, `${path}.${position}`);
      if (after === before) continue;
      if (after === undefined && position >= result.length) continue;
      if (result === array) result = [...array];
      this.#pad(result, position, path);
      result[position] = after === undefined ? null : after;
    }
    return result;
  }

  /** Which elements are changed, and how: found out before any of them is. */
  #elements(array: unknown[], node: Node, path: string): Iterable<[position: number, Node]> {
    const elements = new Map<number, Node>();
    for (const [segment, child] of node.order) {
      for (const position of this.#positions(array, segment, path, child)) {
        const other = elements.get(position);
        elements.set(position, other ? merged(other, child, `${path}.${position}`) : child);
      }
    }
    if (node.order.length === 1) return elements;
    return [...elements].sort(([a], [b]) => a - b);
  }

  #positions(array: unknown[], segment: string, path: string, child: Node): Iterable<number> {
    if (segment === "$") return [matchedPosition(this.#scope, path)];
    const identifier = identifierOf(segment);
    if (identifier === "") return array.keys();
    if (identifier !== undefined) {
      return matchingPositions(array, identifier, this.#filters.get(identifier)!);
    }
    if (isIndex(segment)) return [Number(segment)];
    const probe = this.#value(undefined, child, `${path}.${segment}`);
    if (probe === undefined) return [];
    throw new LioranError(
      "PATH_NOT_VIABLE",
      `Cannot create field "${segment}" in the array at "${path}". Name a position, or use $[].`,
    );
  }

  /** Fills up the array with null so that the position is its end. */
  #pad(array: unknown[], position: number, path: string): void {
    const count = position - array.length;
    if (count > backfillMax) {
      throw new LioranError(
        "CANNOT_BACKFILL_ARRAY",
        `Cannot add an element at position ${position} of the array at "${path}": that takes more than ` +
          `${backfillMax} nulls before it.`,
      );
    }
    this.#paddingLeft -= Math.max(0, count);
    if (this.#paddingLeft < 0) {
      throw new LioranError(
        "DOCUMENT_TOO_LARGE",
        `Filling up arrays such as that at "${path}" makes the document larger than ${documentBytesMax} bytes.`,
      );
    }
    while (array.length < position) array.push(null);
  }
}

function matchedPosition(scope: UpdateScope, path: string): number {
  const position = scope.details.positionIn(path);
  if (position !== undefined) return position;
  throw new LioranError(
    "BAD_VALUE",
    "The positional operator did not find the match needed from the query. " +
      `Name the array "${path}" in the filter.`,
  );
}

function* matchingPositions(
  array: unknown[],
  identifier: string,
  matches: Matcher,
): Generator<number> {
  for (let position = 0; position < array.length; position++) {
    if (matches({ [identifier]: array[position] })) yield position;
  }
}

function noArray(path: string, segment: string, value: unknown): LioranError {
  if (segment === "$") {
    return new LioranError(
      "BAD_VALUE",
      `The positional operator $ needs an array at "${path}", not ${typeName(value)}.`,
    );
  }
  return new LioranError(
    "BAD_VALUE",
    `Cannot apply array updates to the non-array element "${path}" (${typeName(value)}).`,
  );
}
