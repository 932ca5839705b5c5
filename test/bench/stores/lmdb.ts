import { type Database, open } from "lmdb";
import {
  type BenchDocument,
  type IndexedField,
  type QueryName,
  RANGE_LIMIT,
  repeatFor,
  SCAN_SCORE,
  type Store,
  type Value,
} from "./store.js";

type Index = Database<null, [Value, string]>;

/** What a program would do with lmdb alone: its default codec, and an index kept by hand. */
export async function openLmdb(root: string): Promise<Store> {
  const environment = open({ path: root, noSubdir: false });
  const people = environment.openDB<BenchDocument, string>("people", {});
  const indexes = new Map<IndexedField, Index>();
  const insert = (document: BenchDocument) => people.put(document._id, document);

  return {
    fill: async (documents) => {
      environment.transactionSync(() => {
        for (const document of documents) people.putSync(document._id, document);
      });
    },
    readFor: async (ids, durationMs) =>
      repeatFor((id) => people.get(id as string), ids, durationMs),
    insertFor: async (next, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      for (; performance.now() < end; n++) await insert(next());
      return n;
    },
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
    group: undefined,
  };
}
