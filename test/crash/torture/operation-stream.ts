/** What a lane does next: random, and sensible for what it has. */
import type { Random } from "../../support/soak.js";
import { collectionPrefix, type Items, indexPrefix, type Schema } from "./lane-model.js";
import {
  bigCounters,
  counters,
  type Item,
  type ItemOperation,
  registers,
  type SchemaOperation,
  type SharedOperation,
  type Statement,
  slots,
} from "./operations.js";

/** Documents of a lane; when it has these, it deletes. */
const itemsMax = 12;
const keys = 4;
const largeFillDocuments = 40;
/** So that such an insert is cut into two operations. */
const largePadBytes = 60 * 1024;

export function nextItemOperation(random: Random, lane: string, items: Items): ItemOperation {
  const on = "items";
  const ordered = random.below(2) === 0;
  if (items.size >= itemsMax) return { on, kind: "deleteAll", lane, key: random.below(keys) };
  switch (random.below(10)) {
    case 0:
      return { on, kind: "insertMany", ordered, items: some(random, () => item(random, lane)) };
    case 1:
    case 2: {
      const statements = some(random, () => statement(random, lane, items));
      return { on, kind: "bulkWrite", ordered, statements };
    }
    case 3:
      return { on, kind: "moveAll", lane, from: random.below(keys), to: random.below(keys) };
    case 4:
      return { on, kind: "upsert", item: freshItem(random, lane, items) };
    case 5:
    case 6: {
      const one = statement(random, lane, items);
      if (one.kind === "insert") return { on, kind: "one", statement: one };
      return { on, kind: "findAndModify", statement: one };
    }
    default:
      return { on, kind: "one", statement: statement(random, lane, items) };
  }
}

function statement(random: Random, lane: string, items: Items): Statement {
  const id = random.pick([...items.keys(), itemId(random, lane)]);
  const kinds = ["insert", "increment", "increment", "move", "move", "retag", "replace", "delete"];
  const kind = random.pick(kinds) as Statement["kind"];
  switch (kind) {
    case "insert":
      return { kind, item: item(random, lane) };
    case "increment":
    case "delete":
      return { kind, id };
    case "move":
      return { kind, id, key: random.below(keys) };
    case "retag":
      return { kind, id, tag: tag(random, lane) };
    case "replace":
      return { kind, item: { ...item(random, lane), _id: id } };
  }
}

function some<T>(random: Random, make: () => T): T[] {
  return Array.from({ length: 2 + random.below(4) }, make);
}

/** Ids and tags are few, so that some are taken. */
function itemId(random: Random, lane: string): string {
  return `${lane}:${random.below(itemsMax * 2)}`;
}

function tag(random: Random, lane: string): string {
  return `${lane}:${random.below(itemsMax * 3)}`;
}

function item(random: Random, lane: string): Item {
  const n = random.below(100);
  const key = random.below(keys);
  return { _id: itemId(random, lane), lane, key, tag: tag(random, lane), n, ops: [] };
}

/** With a tag that nobody has: an upsert that is refused is the business of the others. */
function freshItem(random: Random, lane: string, items: Items): Item {
  const taken = new Set([...items.values()].map((each) => each.tag));
  for (;;) {
    const made = item(random, lane);
    if (!taken.has(made.tag)) return made;
  }
}

/**
 * @param claims those that the lane holds
 * @param seenOf what number a register has
 */
export function nextSharedOperation(
  random: Random,
  claims: readonly string[],
  seenOf: (id: string) => Promise<number>,
): Promise<SharedOperation> | SharedOperation {
  const on = "shared";
  switch (random.below(6)) {
    case 0:
    case 1:
      return { on, kind: "count", collection: "counters", id: random.pick(counters) };
    case 2:
      return { on, kind: "count", collection: "big", id: random.below(bigCounters) };
    case 3: {
      const id = random.pick(registers);
      return seenOf(id).then((seen) => ({ on, kind: "compareAndSet", id, seen }));
    }
    default:
      if (claims.length > 1) return { on, kind: "release", claim: random.pick(claims) };
      return { on, kind: "claim", slot: random.below(slots) };
  }
}

export function nextSchemaOperation(
  random: Random,
  lane: string,
  op: string,
  schema: Schema,
): SchemaOperation {
  const on = "schema";
  const prefix = collectionPrefix(lane);
  const [collection = `${prefix}${random.below(2)}`] = [...schema.keys()].filter((name) =>
    name.startsWith(prefix),
  );
  const there = schema.get(collection);
  const big = schema.get("big")!;
  const ids = (count: number) => Array.from({ length: count }, (_, at) => `${op}:${at}`);
  switch (random.below(10)) {
    case 0:
      if (there && there.ids!.length > 100) return { on, kind: "drop", collection };
      return {
        on,
        kind: "fill",
        collection,
        ids: ids(largeFillDocuments),
        padBytes: largePadBytes,
      };
    case 1:
      return { on, kind: "drop", collection };
    case 2: {
      const to = `${prefix}${random.below(1_000) + 2}`;
      if (there && to !== collection) return { on, kind: "rename", collection, to };
      return { on, kind: "fill", collection, ids: ids(3), padBytes: 0 };
    }
    case 3:
    case 4: {
      const [name] = there?.indexes ?? [];
      if (name) return { on, kind: "dropIndex", collection, name };
      return { on, kind: "createIndex", collection, name: "by-n", key: "n" };
    }
    case 5: {
      const name = `${indexPrefix(lane)}unique`;
      return { on, kind: "createUnique", collection: "big", name, key: "v" };
    }
    case 6: {
      const [name] = big.indexes;
      if (name) return { on, kind: "dropIndex", collection: "big", name };
      const made = `${indexPrefix(lane)}${op}`;
      return { on, kind: "createIndex", collection: "big", name: made, key: "v" };
    }
    default:
      return { on, kind: "fill", collection, ids: ids(1 + random.below(8)), padBytes: 0 };
  }
}
