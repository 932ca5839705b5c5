import { loadRaveLevel } from "./peers.js";
import { overlapFor, type Store } from "./store.js";

/** The first process to open the folder becomes its leader, as with LioranDB. */
export async function openRaveLevel(root: string): Promise<Store> {
  const RaveLevel = loadRaveLevel();
  const database = new RaveLevel(root, { valueEncoding: "json" });
  await database.open();
  const put = (document: { _id: string }) => database.put(document._id, document, { sync: true });

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
    close: () => database.close(),
  };
}
