/**
 * All operators of an update in one tree of paths. Conflicts show while it is built; applying it walks
 * each container once, in MongoDB's order: names by their bytes, array positions by number
 * (https://www.mongodb.com/docs/manual/reference/operator/update/#behavior). Containers on the way are
 * copied, never changed.
 */
import { LioranError } from "../../errors.js";
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
  const walk = new Walk(filters);
  return {
    isPositional,
    apply: (document, scope) => walk.document(document, root, scope, ""),
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
    if (known && (isLast || known.operation)) throw conflict(path, segments.slice(0, at + 1));
    if (!known && mixesArrays(node, segment)) throw conflict(path, segments.slice(0, at));
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

function conflict(path: string, at: readonly string[]): LioranError {
  return new LioranError(
    "CONFLICTING_UPDATE",
    `Updating the path "${path}" would create a conflict at "${at.join(".")}".`,
  );
}

function arrange(node: Node): void {
  node.order = [...node.children].sort(([a], [b]) =>
    isIndex(a) && isIndex(b) ? Number(a) - Number(b) : compareStrings(a, b),
  );
  for (const child of node.children.values()) arrange(child);
}

class Walk {
  readonly #filters: ArrayFilters;

  constructor(filters: ArrayFilters) {
    this.#filters = filters;
  }

  document(document: Document, node: Node, scope: UpdateScope, path: string): Document {
    let result = document;
    for (const [segment, child] of node.order) {
      const at = path === "" ? segment : `${path}.${segment}`;
      if (segment.startsWith("$")) throw noArray(path, segment, document);
      const before = fieldOf(result, segment);
      const after = this.#value(before, child, scope, at);
      if (after === before) continue;
      if (result === document) result = { ...document };
      if (after === undefined) delete result[segment];
      else result[segment] = after;
    }
    return result;
  }

  #value(value: unknown, node: Node, scope: UpdateScope, path: string): unknown {
    if (node.operation) return node.operation(value, scope, path);
    if (Array.isArray(value)) return this.#array(value, node, scope, path);
    if (isSubdocument(value)) return this.document(value, node, scope, path);
    if (value !== undefined) return this.#throughScalar(value, node, scope, path);
    return this.#missing(node, scope, path);
  }

  /** Creates what is missing on the way, unless nothing is set in the end (`$unset`, `$pull`). */
  #missing(node: Node, scope: UpdateScope, path: string): unknown {
    const step = node.order[0]![0];
    if (step.startsWith("$")) {
      throw new LioranError(
        "BAD_VALUE",
        `The path "${path}" must exist in the document in order to apply array updates.`,
      );
    }
    const created = this.document({}, node, scope, path);
    return Object.keys(created).length === 0 ? undefined : created;
  }

  /** An operator that sets nothing, such as `$unset`, may go through a scalar; others may not. */
  #throughScalar(value: unknown, node: Node, scope: UpdateScope, path: string): unknown {
    const [step] = node.order[0]!;
    if (step.startsWith("$")) throw noArray(path, step, value);
    if (this.#missing(node, scope, path) === undefined) return value;
    throw new LioranError(
      "PATH_NOT_VIABLE",
      `Cannot create field "${step}" in element "${path}", which is of type ${typeName(value)}. ` +
        "Set the whole field instead.",
    );
  }

  #array(array: unknown[], node: Node, scope: UpdateScope, path: string): unknown[] {
    let result = array;
    for (const [segment, child] of node.order) {
      for (const position of this.#positions(result, segment, scope, path, child)) {
        if (segment === "$" && node.children.has(String(position))) {
          throw conflict(`${path}.$`, [path, String(position)]);
        }
        const before: unknown = result[position];
        const after = this.#value(before, child, scope, `${path}.${position}`);
        if (after === before) continue;
        if (after === undefined && position >= result.length) continue;
        checkBackfill(result, position, path);
        if (result === array) result = [...array];
        while (result.length < position) result.push(null);
        result[position] = after === undefined ? null : after;
      }
    }
    return result;
  }

  #positions(
    array: unknown[],
    segment: string,
    scope: UpdateScope,
    path: string,
    child: Node,
  ): Iterable<number> {
    if (segment === "$") return [matchedPosition(scope, path)];
    const identifier = identifierOf(segment);
    if (identifier === "") return array.keys();
    if (identifier !== undefined) {
      return matchingPositions(array, identifier, this.#filters.get(identifier)!);
    }
    if (isIndex(segment)) return [Number(segment)];
    const probe = child.operation
      ? child.operation(undefined, scope, `${path}.${segment}`)
      : this.#missing(child, scope, `${path}.${segment}`);
    if (probe === undefined) return [];
    throw new LioranError(
      "PATH_NOT_VIABLE",
      `Cannot create field "${segment}" in the array at "${path}". Name a position, or use $[].`,
    );
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

function checkBackfill(array: unknown[], position: number, path: string): void {
  if (position - array.length <= backfillMax) return;
  throw new LioranError(
    "BAD_VALUE",
    `Can't backfill the array at "${path}" with more than ${backfillMax} elements.`,
  );
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
