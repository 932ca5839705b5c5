import { join } from "node:path";
import { loadNedb } from "./peers.js";
import { overlapFor, type Store } from "./store.js";

/** For one process: it holds all documents in memory, and appends to a file that it does not flush. */
export async function openNedb(root: string): Promise<Store> {
  const Nedb = loadNedb();
  const people = new Nedb({ filename: join(root, "people.nedb") });
  await people.loadDatabaseAsync();

  return {
    fill: async (documents) => {
      await people.insertAsync(documents);
    },
    readFor: async (ids, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        await people.findOneAsync({ _id: ids[n % ids.length]! });
        n++;
      }
      return n;
    },
    insertFor: (next, durationMs, inFlight) =>
      overlapFor(() => people.insertAsync(next()), durationMs, inFlight),
    insert: async (document) => {
      await people.insertAsync(document);
    },
    close: async () => {},
  };
}
