import { type Database, open } from "lmdb";
import {
  type BenchDocument,
  type BenchDurability,
  type IndexedField,
  overlapFor,
  type QueryName,
  RANGE_LIMIT,
  repeatFor,
  SCAN_SCORE,
  type Store,
  type Value,
} from "./store.js";

/** A commit waits for its flush, or is left to the system. */
const whenAcknowledged = {
  flushed: { overlappingSync: false },
  committed: { noSync: true },
};

type Index = Database<null, [Value, string]>;

/** What a program would do with lmdb alone: its default codec, and an index kept by hand. */
export async function openLmdb(root: string, durability: BenchDurability): Promise<Store> {
  const environment = open({ path: root, noSubdir: false, ...whenAcknowledged[durability] });
  const people = environment.openDB<BenchDocument, string>("people", {});
  const indexes = new Map<IndexedField, Index>();
  /** What is put in one turn of the event loop becomes one transaction. */
  const insert = (document: BenchDocument) => {
    for (const [field, index] of indexes) index.put([document[field], document._id], null);
    return people.put(document._id, document);
  };
  const putSync = (document: BenchDocument) => {
    for (const [field, index] of indexes) index.putSync([document[field], document._id], null);
    people.putSync(document._id, document);
  };

  return {
    fill: async (documents) => {
      environment.transactionSync(() => {
        for (const document of documents) putSync(document);
      });
    },
    readFor: async (ids, durationMs) =>
      repeatFor((id) => people.get(id as string), ids, durationMs),
    insertFor: (next, durationMs, inFlight) =>
      overlapFor(() => insert(next()), durationMs, inFlight),
    incrementFor: (nextId, durationMs, inFlight) =>
      overlapFor(
        () =>
          environment.transaction(() => {
            const document = people.get(nextId())!;
            people.put(document._id, { ...document, score: document.score + 1 });
          }),
        durationMs,
        inFlight,
      ),
    insert: async (document) => {
      await insert(document);
    },
    createIndex: async (field) => {
      const index: Index = environment.openDB(`people_${field}`, {});
      environment.transactionSync(() => {
        for (const { key, value } of people.getRange()) index.putSync([value[field], key], null);
      });
      indexes.set(field, index);
    },
    queryFor: async (query, values, durationMs) => {
      const run = queries(people, indexes)[query];
      return run && repeatFor(run, values, durationMs);
    },
    close: () => environment.close(),
  };
}

function queries(
  people: Database<BenchDocument, string>,
  indexes: ReadonlyMap<IndexedField, Index>,
): Record<QueryName, ((value: Value) => unknown) | undefined> {
  /** Every string sorts before the one that ends the range. */
  const keysOf = (field: IndexedField, value: Value) =>
    indexes.get(field)!.getKeys({ start: [value], end: [value, "\uffff"] as never });
  const read = ([, id]: [Value, string]) => people.get(id)!;
  return {
    range: (value) => [
      ...indexes
        .get("score")!
        .getKeys({ start: [value] as never, limit: RANGE_LIMIT })
        .map(read),
    ],
    equality: (value) => [...keysOf("code", value).map(read)],
    "equality-one": (value) => {
      for (const key of keysOf("code", value)) return read(key);
      return undefined;
    },
    count: (value) =>
      indexes
        .get("age")!
        .getKeysCount({ start: [value] as never, end: [value, "\uffff"] as never }),
    scan: (city) => {
      const found: BenchDocument[] = [];
      for (const { value } of people.getRange()) {
        if (value.city === city && value.score >= SCAN_SCORE) found.push(value);
      }
      return found;
    },
    group: () => {
      const groups = new Map<number, { count: number; scores: number }>();
      for (const { value } of people.getRange()) {
        const group = groups.get(value.group) ?? { count: 0, scores: 0 };
        group.count += 1;
        group.scores += value.score;
        groups.set(value.group, group);
      }
      return groups;
    },
  };
}
