/**
 * Which paths of a document a filter looks at, so that the rest of the document need not be decoded.
 */
import { type Document, isPlainObject } from "../values/document.js";

/**
 * The paths whose values decide whether a document matches, each once; none for a filter that matches
 * everything. A filter that is malformed has some answer too: its compiler complains.
 *
 * @returns undefined when only the whole document can tell
 */
export function filterPaths(filter: Document): string[] | undefined {
  const paths = new Set<string>();
  return collect(filter, paths) ? [...paths] : undefined;
}

function collect(filter: unknown, paths: Set<string>): boolean {
  if (!isPlainObject(filter)) return false;
  for (const name of Object.keys(filter)) {
    if (!name.startsWith("$")) {
      // Whatever stands at the path asks about the values below it and nothing else.
      paths.add(name);
      continue;
    }
    if (name === "$comment") continue;
    // $expr names fields anywhere in an expression; what is unknown here may look at anything.
    if (name !== "$and" && name !== "$or" && name !== "$nor") return false;
    const branches = filter[name];
    if (!Array.isArray(branches)) return false;
    for (const branch of branches) if (!collect(branch, paths)) return false;
  }
  return true;
}
