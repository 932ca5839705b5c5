/**
 * A projection read into a tree: one node for each field on the way, so that a document is walked
 * once whatever the number of paths. Finds contradictions between the paths.
 */
import { LioranError } from "../errors.js";
import { isPlainObject } from "../values/document.js";
import { compileExpression, type Expression } from "./expression.js";
import { type Path, parseWritablePath } from "./path.js";
import type { Variables } from "./variables.js";

/** What happens at the end of a path. */
export type Leaf =
  | { readonly kind: "include" }
  | { readonly kind: "exclude" }
  | { readonly kind: "compute"; readonly expression: Expression };

/** A field on the way, or at the end, of one or more paths. In the order they were written. */
export interface ProjectionNode {
  readonly fields: Map<string, ProjectionNode>;
  leaf: Leaf | undefined;
}

export function newNode(): ProjectionNode {
  return { fields: new Map(), leaf: undefined };
}

/**
 * Adds a leaf at a path.
 *
 * @throws LioranError BAD_VALUE when the path meets another one: `{ a: 1, "a.b": 1 }`
 */
export function addLeaf(root: ProjectionNode, path: Path, leaf: Leaf): void {
  let node = root;
  for (const segment of path.segments) {
    if (node.leaf) throw collision(path);
    let next = node.fields.get(segment);
    if (!next) {
      next = newNode();
      node.fields.set(segment, next);
    }
    node = next;
  }
  if (node.leaf || node.fields.size > 0) throw collision(path);
  node.leaf = leaf;
}

/** Reads `{ a: 1, b: { c: "$d" } }` below a path into leaves. @param variables what expressions may name */
export function addSpecification(
  root: ProjectionNode,
  text: string,
  value: unknown,
  variables?: Variables,
): void {
  const path = parseWritablePath(text);
  if (text.startsWith("$") || path.segments.some((segment) => segment.startsWith("$"))) {
    throw new LioranError(
      "BAD_VALUE",
      `The projection path "${text}" has a field name that begins with "$".`,
    );
  }
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    if (names.length === 0) {
      throw new LioranError("BAD_VALUE", `An empty sub-projection is no value: "${text}".`);
    }
    if (!names.some((name) => name.startsWith("$"))) {
      for (const name of names) {
        addSpecification(root, `${text}.${name}`, value[name], variables);
      }
      return;
    }
  }
  addLeaf(root, path, leafOf(value, variables));
}

/** Numbers and booleans choose; anything else is an expression. */
function leafOf(value: unknown, variables: Variables | undefined): Leaf {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return value ? { kind: "include" } : { kind: "exclude" };
  }
  return { kind: "compute", expression: compileExpression(value, variables) };
}

/** The kinds of leaves below a node. */
export function kindsOf(node: ProjectionNode, kinds = new Set<Leaf["kind"]>()): Set<Leaf["kind"]> {
  if (node.leaf) kinds.add(node.leaf.kind);
  for (const field of node.fields.values()) kindsOf(field, kinds);
  return kinds;
}

function collision(path: Path): LioranError {
  return new LioranError(
    "BAD_VALUE",
    `Path collision at "${path.text}": a projection cannot name a field and a part of it.`,
  );
}
