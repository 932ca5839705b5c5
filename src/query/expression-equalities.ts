/** What a `$expr` says in a form that an index can answer. */
import { type Document, isPlainObject } from "../values/document.js";

/** What must hold where an expression is true. */
export function equalities(expression: unknown): Document[] {
  if (!isPlainObject(expression)) return [];
  if (Array.isArray(expression.$and)) return expression.$and.flatMap(equalities);
  if (!Array.isArray(expression.$eq) || expression.$eq.length !== 2) return [];
  const [a, b] = expression.$eq as [unknown, unknown];
  const [path, operand] = isFieldPath(a) ? [a, b] : [b, a];
  const value = isPlainObject(operand) && "$literal" in operand ? operand.$literal : operand;
  // Null also means missing in a filter, and an array would match by its elements.
  const isScalar = ["number", "bigint", "boolean"].includes(typeof value) || value instanceof Date;
  const isText = typeof value === "string" && (value !== operand || !value.startsWith("$"));
  if (!isFieldPath(path) || !(isScalar || isText)) return [];
  return [{ [path.slice(1)]: { $eq: value } }];
}

/** Without digits: in an expression they name fields, in a filter also positions. */
function isFieldPath(value: unknown): value is string {
  return typeof value === "string" && /^\$[^$.]+(?:\.[^$.]+)*$/.test(value);
}
