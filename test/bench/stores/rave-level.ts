import { loadRaveLevel } from "./peers.js";
import {
  type BenchDocument,
  type BenchDurability,
  type IndexedField,
  overlapFor,
  type Store,
} from "./store.js";

/** The first process to open the folder becomes its leader, as with LioranDB. An index is kept by hand. */
export async function openRaveLevel(root: string, durability: BenchDurability): Promise<Store> {
  const RaveLevel = loadRaveLevel();
  const database = new RaveLevel(root, { valueEncoding: "json" });
  await database.open();
  const sync = durability === "flushed";
  const indexes = new Set<IndexedField>();
  const put = (document: BenchDocument) => {
    const { _id } = document;
    if (indexes.size === 0) return database.put(_id, document, { sync });
    const entries = Array.from(indexes, (field) => `index!${field}!${document[field]}!${_id}`);
    return database.batch(
      [
        { type: "put" as const, key: _id, value: document },
        ...entries.map((key) => ({ type: "put" as const, key, value: "" })),
      ],
      { sync },
    );
  };

  return {
    fill: (documents) =>
      database.batch(documents.map((value) => ({ type: "put" as const, key: value._id, value }))),
    readFor: async (ids, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        await database.get(ids[n % ids.length]!);
        n++;
      }
      return n;
    },
    insertFor: (next, durationMs, inFlight) => overlapFor(() => put(next()), durationMs, inFlight),
    insert: put,
    createIndex: async (field) => {
      indexes.add(field);
    },
    close: () => database.close(),
  };
}
