/** Sets and reads a value at a dotted path of a document that is not changed. */
import { type Document, isSubdocument } from "../../values/document.js";

/** A copy with the value; `undefined` removes the field. Scalars on the way become objects. */
export function withValueAt(
  document: Document,
  segments: readonly string[],
  value: unknown,
  at = 0,
): Document {
  const name = segments[at]!;
  const copy = { ...document };
  if (at === segments.length - 1) {
    if (value === undefined) delete copy[name];
    else copy[name] = value;
    return copy;
  }
  const inner = Object.hasOwn(document, name) ? document[name] : undefined;
  if (value === undefined && !isSubdocument(inner)) return document;
  if (Array.isArray(inner)) {
    copy[name] = inner.map((element: unknown) =>
      withValueAt(isSubdocument(element) ? element : {}, segments, value, at + 1),
    );
  } else copy[name] = withValueAt(isSubdocument(inner) ? inner : {}, segments, value, at + 1);
  return copy;
}

/** The value at a path that leads through objects only. */
export function plainValueAt(document: Document, segments: readonly string[]): unknown {
  let value: unknown = document;
  for (const segment of segments) {
    if (!isSubdocument(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}
