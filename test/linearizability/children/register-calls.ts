/** The ways in which a process reads and writes registers: documents `{ _id: key, key, name: key, v: value }`. */
import type { Collection, Document } from "@liorandb/core";
import type { Random } from "../../support/soak.js";
import type { Call, Value } from "../history.js";
import type { Outcome } from "./recorder.js";

/** One way to ask. */
export interface Way {
  name: string;
  call: Call;
  run(things: Collection<Document>): Promise<Outcome>;
}

const done = (result?: Value | boolean): Outcome => ({ kind: "done", result });
const upsert = { upsert: true };

function valueIn(document: Document | null | undefined): Value {
  return document ? (document.v as number) : null;
}

/** By `_id` on the shortest way, by an index, by a scan that is too long for the main thread, by an aggregation. */
export function aRead(random: Random, key: string): Way {
  const read = (name: string, run: (things: Collection<Document>) => Promise<Value>): Way => ({
    name,
    call: { kind: "read" },
    run: async (things) => done(await run(things)),
  });
  const ways = [
    read("findOne by _id", async (things) => valueIn(await things.findOne({ _id: key }))),
    read("find by index", async (things) => valueIn((await things.find({ key }).toArray())[0])),
    read("findOne by index", async (things) => valueIn(await things.findOne({ key }))),
    read("aggregate", async (things) => {
      const pipeline = [{ $match: { _id: key } }, { $project: { v: 1 } }];
      return valueIn((await things.aggregate(pipeline).toArray())[0]);
    }),
    read("find by scan", async (things) =>
      valueIn((await things.find({ name: key }).toArray())[0]),
    ),
  ];
  // Scans cost the most.
  return random.pick([ways[0]!, ways[0]!, ways[0]!, ways[0]!, ...ways.slice(1)]);
}

export function aLook(random: Random, key: string, value: number): Way {
  const filter = random.pick<Document>([
    { _id: key, v: value },
    { key, v: value },
  ]);
  return {
    name: `count ${Object.keys(filter)[0]}`,
    call: { kind: "holds", value },
    run: async (things) => done((await things.countDocuments(filter)) === 1),
  };
}

export function aWrite(random: Random, key: string, value: number): Way {
  const write = (
    name: string,
    put: Value,
    run: (things: Collection<Document>) => Promise<unknown>,
  ): Way => ({
    name,
    call: { kind: "write", value: put },
    run: async (things) => {
      await run(things);
      return done();
    },
  });
  const fields = { key, name: key, v: value };
  const ways = [
    write("updateOne", value, (things) => things.updateOne({ _id: key }, { $set: fields }, upsert)),
    write("replaceOne", value, (things) => things.replaceOne({ _id: key }, fields, upsert)),
    write("deleteOne", null, (things) => things.deleteOne({ _id: key })),
  ];
  return ways[random.pick([0, 0, 0, 1, 1, 2])]!;
}

/** @param from a value that the register had a moment ago */
export function aCompareAndSet(random: Random, key: string, from: Value, to: number): Way {
  const call: Call = { kind: "cas", from, to };
  if (from === null) return { name: "insertOne", call, run: (things) => insert(things, key, to) };
  const set = { $set: { v: to } };
  const ways: Way[] = [
    {
      name: "findOneAndUpdate",
      call,
      run: async (things) =>
        done((await things.findOneAndUpdate({ _id: key, v: from }, set)) !== null),
    },
    {
      name: "updateOne by _id",
      call,
      run: async (things) =>
        done((await things.updateOne({ _id: key, v: from }, set)).matchedCount === 1),
    },
    {
      name: "updateOne by index",
      call,
      run: async (things) =>
        done((await things.updateOne({ key, v: from }, set)).matchedCount === 1),
    },
    {
      name: "updateOne by search",
      call,
      run: async (things) =>
        done((await things.updateOne({ name: key, v: from }, set)).matchedCount === 1),
    },
  ];
  return random.pick(ways);
}

async function insert(things: Collection<Document>, key: string, to: number): Promise<Outcome> {
  try {
    await things.insertOne({ _id: key, key, name: key, v: to });
    return done(true);
  } catch (error) {
    if ((error as { code?: unknown }).code === 11_000) return done(false);
    throw error;
  }
}
