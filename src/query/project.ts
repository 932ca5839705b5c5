/**
 * Applies a projection tree to a document
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/project/): included fields keep
 * the document's order, computed ones follow in the order they were written. Nothing is changed in
 * place; what is not touched is shared with the input.
 */
import { LioranError } from "../errors.js";
import { type Document, isSubdocument } from "../values/document.js";
import { fieldOf } from "./path.js";
import { kindsOf, type Leaf, type ProjectionNode } from "./projection-tree.js";

/** The document an expression sees, and the time of the operation. */
export interface Scope {
  readonly root: Document;
  readonly now: Date | undefined;
}

/**
 * Compiles a tree into an inclusion or an exclusion.
 *
 * @param includes whether to keep only what the tree names; `undefined`: as its leaves say
 * @throws LioranError BAD_VALUE for inclusion and exclusion in one projection
 */
export function compileProject(
  root: ProjectionNode,
  includes?: boolean,
): (document: Document, now?: Date) => Document {
  if (isInclusion(root, includes)) {
    if (!root.fields.has("_id")) {
      root.fields.set("_id", { fields: new Map(), leaf: { kind: "include" } });
    }
    const isIdComputed = root.fields.get("_id")?.leaf?.kind === "compute";
    return (document, now) => {
      const scope = { root: document, now };
      const result = addComputed(include(document, root), root, scope);
      return isIdComputed && Object.hasOwn(result, "_id") ? { _id: result._id, ...result } : result;
    };
  }
  return (document) => exclude(document, root) as Document;
}

/** `_id` may be chosen either way, and then decides only if it stands alone. */
export function isInclusion(root: ProjectionNode, forced?: boolean): boolean {
  const kinds = new Set<Leaf["kind"]>();
  for (const [name, node] of root.fields) if (name !== "_id") kindsOf(node, kinds);
  const id = root.fields.get("_id");
  const isFlag = id?.leaf?.kind === "include" || id?.leaf?.kind === "exclude";
  if (id && !isFlag) kindsOf(id, kinds);
  const chosen = kinds.has("include") || kinds.has("compute");
  if (kinds.has("exclude") && (chosen || forced)) {
    throw new LioranError(
      "BAD_VALUE",
      "A projection either includes or excludes fields; only _id may be excluded from an inclusion.",
    );
  }
  if (forced !== undefined) return forced || chosen;
  if (kinds.size === 0) return id?.leaf?.kind === "include";
  return chosen;
}

function include(document: Document, node: ProjectionNode): Document {
  const result: Document = {};
  for (const name of Object.keys(document)) {
    const field = node.fields.get(name);
    if (!field) continue;
    if (field.leaf) {
      if (field.leaf.kind === "include") result[name] = document[name];
      continue;
    }
    const value = includeInside(document[name], field);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** `undefined` for a scalar: it has none of the fields that are wanted. */
function includeInside(value: unknown, node: ProjectionNode): unknown {
  if (isSubdocument(value)) return include(value, node);
  if (!Array.isArray(value)) return undefined;
  return value
    .map((element) => includeInside(element, node))
    .filter((element) => element !== undefined);
}

function exclude(value: unknown, node: ProjectionNode): unknown {
  if (Array.isArray(value)) return value.map((element) => exclude(element, node));
  if (!isSubdocument(value)) return value;
  const result: Document = {};
  for (const name of Object.keys(value)) {
    const field = node.fields.get(name);
    if (!field) result[name] = value[name];
    else if (!field.leaf) result[name] = exclude(value[name], field);
    else if (field.leaf.kind !== "exclude") result[name] = value[name];
  }
  return result;
}

/** Sets the computed fields; `$addFields` is this alone. The first argument is not changed. */
export function addComputed(document: Document, node: ProjectionNode, scope: Scope): Document {
  let result = document;
  for (const [name, field] of node.fields) {
    if (!kindsOf(field).has("compute")) continue;
    const before = fieldOf(document, name);
    const value = computeField(before, field, scope);
    if (value === before && value !== undefined) continue;
    if (result === document) result = { ...document };
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result;
}

function computeField(before: unknown, node: ProjectionNode, scope: Scope): unknown {
  if (node.leaf) {
    return node.leaf.kind === "compute" ? node.leaf.expression(scope.root, scope.now) : before;
  }
  if (Array.isArray(before)) return before.map((element) => computeField(element, node, scope));
  return addComputed(isSubdocument(before) ? before : {}, node, scope);
}
