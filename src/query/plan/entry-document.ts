/** The part of a document that an index entry holds, put together without reading the document. */

import { keyPrefixBytes } from "../../limits.js";
import type { IndexEntry } from "../../storage/catalog.js";
import { entryIdKey, isOpaqueEntry } from "../../storage/index-entries.js";
import { readKey } from "../../storage/key-values.js";
import type { Document } from "../../values/document.js";
import { compileFilter } from "../filter.js";

/** Reads entries that are not opaque, of an index without arrays. */
export function compileEntryReader(
  index: IndexEntry,
): (key: Uint8Array, value: Uint8Array) => Document {
  const fields = index.key.map(([path, direction]) => ({
    segments: path.split("."),
    isDescending: direction === -1,
  }));
  return (key, value) => {
    const document: Document = { _id: readKey(entryIdKey(key, value), 0, false).value };
    let at = keyPrefixBytes;
    for (const { segments, isDescending } of fields) {
      const read = readKey(key, at, isDescending);
      at = read.end;
      setAt(document, segments, read.value);
    }
    return document;
  };
}

/** Whether the document of an entry may match; one of which the entry does not tell may. */
export function compileEntryTest(
  index: IndexEntry,
  filter: Document,
): (key: Uint8Array, value: Uint8Array) => boolean {
  const read = compileEntryReader(index);
  const matches = compileFilter(filter);
  return (key, value) => isOpaqueEntry(value) || matches(read(key, value));
}

function setAt(document: Document, segments: readonly string[], value: unknown): void {
  let container = document;
  for (const segment of segments.slice(0, -1)) {
    container[segment] ??= {};
    container = container[segment] as Document;
  }
  container[segments.at(-1)!] = value;
}
