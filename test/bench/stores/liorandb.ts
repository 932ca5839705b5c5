import type { BenchDocument, Store } from "./store.js";
import { overlapFor } from "./store.js";

/** Default options: what everybody gets who opens a root and says nothing else. */
export async function openLioranDB(root: string): Promise<Store> {
  const { LioranManager } = await import("@liorandb/core");
  const manager = new LioranManager({ rootPath: root });
  const database = await manager.db("bench");
  const people = database.collection<BenchDocument>("people");

  return {
    fill: async (documents) => {
      await people.insertMany(documents);
    },
    readFor: async (ids, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        await people.findOne({ _id: ids[n % ids.length]! });
        n++;
      }
      return n;
    },
    scanFor: async (city, score, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        await people.find({ city, score: { $gt: score } }).toArray();
        n++;
      }
      return n;
    },
    insertFor: (next, durationMs, inFlight) =>
      overlapFor(() => people.insertOne(next()), durationMs, inFlight),
    insert: async (document) => {
      await people.insertOne(document);
    },
    close: () => manager.close(),
  };
}
