/**
 * How a path of a filter meets a document: MongoDB's rules for arrays on the way and at the end
 * (https://www.mongodb.com/docs/manual/tutorial/query-arrays/).
 */
import { type Document, isSubdocument } from "../values/document.js";
import { fieldOf, type Path } from "./path.js";

/** Tests one value; `undefined` stands for a missing field. */
export type ValueTest = (value: unknown, details?: MatchDetails) => boolean;

/** Which array elements made a filter match: what the positional `$` stands for. */
export class MatchDetails {
  readonly #positions = new Map<string, number>();
  #last: number | undefined;

  record(arrayPath: string, position: number): void {
    this.#positions.set(arrayPath, position);
    this.#last = position;
  }

  /** The position in the array at this path, or else in whichever array was matched last. */
  positionIn(arrayPath: string): number | undefined {
    return this.#positions.get(arrayPath) ?? this.#last;
  }
}

interface Traversal {
  readonly path: Path;
  readonly test: ValueTest;
  /** Whether an array at the end of the path is also looked into. */
  readonly elements: boolean;
  readonly details: MatchDetails | undefined;
}

/**
 * Whether any value that the path reaches passes the test. A missing field is one value,
 * `undefined`; an array in the middle without any sub-document reaches nothing at all.
 *
 * @param elements test the elements of an array at the end of the path, then the array itself;
 *   otherwise only the array itself
 */
export function someValue(
  document: Document,
  path: Path,
  test: ValueTest,
  elements: boolean,
  details?: MatchDetails,
): boolean {
  const { segments } = path;
  if (segments.length === 1) {
    const value = fieldOf(document, segments[0]!);
    if (!Array.isArray(value)) return test(value, details);
  }
  return inDocument(document, 0, { path, test, elements, details });
}

function inDocument(document: Document, at: number, traversal: Traversal): boolean {
  const { segments } = traversal.path;
  const value = fieldOf(document, segments[at]!);
  const isLast = at === segments.length - 1;
  if (Array.isArray(value)) {
    return isLast ? inLeafArray(value, traversal) : inArray(value, at + 1, traversal);
  }
  if (isLast) return traversal.test(value, traversal.details);
  if (isSubdocument(value)) return inDocument(value, at + 1, traversal);
  return traversal.test(undefined, traversal.details);
}

function inLeafArray(array: unknown[], traversal: Traversal): boolean {
  const { path, test, details } = traversal;
  if (traversal.elements) {
    for (let position = 0; position < array.length; position++) {
      if (!test(array[position])) continue;
      details?.record(path.text, position);
      return true;
    }
  }
  return test(array, details);
}

function inArray(array: unknown[], at: number, traversal: Traversal): boolean {
  for (let position = 0; position < array.length; position++) {
    if (!throughElement(array[position], position, at, traversal)) continue;
    const { path, details } = traversal;
    details?.record(path.segments.slice(0, at).join("."), position);
    return true;
  }
  return false;
}

/** An element is entered by its field names, and by its position if the path names that. */
function throughElement(
  element: unknown,
  position: number,
  at: number,
  traversal: Traversal,
): boolean {
  if (isSubdocument(element) && inDocument(element, at, traversal)) return true;
  const { segments } = traversal.path;
  if (segments[at] !== String(position)) return false;
  if (at === segments.length - 1) return traversal.test(element, traversal.details);
  if (Array.isArray(element)) return inArray(element, at + 1, traversal);
  return isSubdocument(element) && inDocument(element, at + 1, traversal);
}
