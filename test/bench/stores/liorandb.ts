import type { Collection, ManagerOptions } from "@liorandb/core";
import {
  type BenchDocument,
  overlapFor,
  type QueryName,
  RANGE_LIMIT,
  SCAN_SCORE,
  type Store,
  type Value,
} from "./store.js";

/** @param options besides the defaults: what everybody gets who opens a root and says nothing else */
export async function openLioranDB(root: string, options: ManagerOptions): Promise<Store> {
  const { LioranManager } = await import("@liorandb/core");
  const manager = new LioranManager({ rootPath: root, ...options });
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
    readOverlappingFor: (ids, durationMs, inFlight) => {
      let n = 0;
      const read = () => people.findOne({ _id: ids[n++ % ids.length]! });
      return overlapFor(read, durationMs, inFlight);
    },
    incrementFor: (nextId, durationMs, inFlight) =>
      overlapFor(
        () => people.updateOne({ _id: nextId() }, { $inc: { score: 1 } }),
        durationMs,
        inFlight,
      ),
    insertFor: (next, durationMs, inFlight) =>
      overlapFor(() => people.insertOne(next()), durationMs, inFlight),
    insert: async (document) => {
      await people.insertOne(document);
    },
    insertStream: async (documents) => {
      await people.insertMany(documents);
    },
    createIndex: async (field) => {
      await people.createIndex({ [field]: 1 });
    },
    queryFor: async (name, values, durationMs) => {
      const query = queries(people)[name];
      if (!query) return undefined;
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        await query(values[n % values.length]!);
        n++;
      }
      return n;
    },
    close: () => manager.close(),
  };
}

type Query = (value: Value) => Promise<unknown>;

function queries(people: Collection<BenchDocument>): Record<QueryName, Query | undefined> {
  const groups = [{ $group: { _id: "$group", count: { $sum: 1 }, scores: { $sum: "$score" } } }];
  const { aggregate } = people as Collection<BenchDocument> & Aggregating;
  return {
    range: (score) =>
      people
        .find({ score: { $gte: score as number } })
        .sort({ score: 1 })
        .limit(RANGE_LIMIT)
        .toArray(),
    equality: (code) => people.find({ code: code as string }).toArray(),
    "equality-one": (code) => people.findOne({ code: code as string }),
    count: (age) => people.countDocuments({ age: age as number }),
    scan: (city) => people.find({ city: city as string, score: { $gte: SCAN_SCORE } }).toArray(),
    group: aggregate && (() => aggregate.call(people, groups).toArray()),
  };
}

interface Aggregating {
  aggregate?(stages: object[]): { toArray(): Promise<unknown[]> };
}
