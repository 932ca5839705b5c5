/** How a document of operators, `{ $gt: 5 }`, is told from a value that is a document. */
import { type Document, isPlainObject } from "../values/document.js";

/** Whether an object is read as operators: its first name decides, as in MongoDB. */
export function isOperatorDocument(value: unknown): value is Document {
  if (!isPlainObject(value)) return false;
  for (const name in value) return name.startsWith("$");
  return false;
}
