/** Whether a document would be stored as the same bytes: what "modified" means for an update. */
import { isSubdocument } from "../values/document.js";

/** Equal in value, type and order of fields. `1` and `1n`, and `0` and `-0`, are not identical. */
export function identicalValues(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((element, at) => identicalValues(element, b[at]));
  }
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof RegExp) {
    return b instanceof RegExp && a.source === b.source && a.flags === b.flags;
  }
  if (!isSubdocument(a) || !isSubdocument(b)) return false;
  const names = Object.keys(a);
  const others = Object.keys(b);
  if (names.length !== others.length) return false;
  return names.every((name, at) => name === others[at] && identicalValues(a[name], b[name]));
}
