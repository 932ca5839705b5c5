/** An index as the catalog has it. */
import type { IndexEntry } from "../../../../src/storage/catalog.js";

let lastId = 0;

export function indexOver(key: Record<string, 1 | -1>, more: Partial<IndexEntry> = {}): IndexEntry {
  lastId += 1;
  return {
    id: lastId,
    name: Object.entries(key)
      .map(([path, direction]) => `${path}_${direction}`)
      .join("_"),
    key: Object.entries(key),
    unique: false,
    sparse: false,
    multikey: [],
    cut: false,
    state: "ready",
    ...more,
  };
}
