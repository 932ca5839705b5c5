/**
 * Registers that are collections: each has one document, or none. To drop it, or to rename another one to its name, is
 * a write like any other.
 */
import type { Database, Document } from "@liorandb/core";
import type { Random } from "../../support/soak.js";
import type { Call, Value } from "../history.js";
import type { Outcome } from "./recorder.js";

export interface CatalogWay {
  name: string;
  call: Call;
  /** What must be there first; it touches no register. */
  prepare?(db: Database): Promise<unknown>;
  run(db: Database): Promise<Outcome>;
}

const _id = "a";
const read: Call = { kind: "read" };
const done = (result?: Value | boolean): Outcome => ({ kind: "done", result });

function valueIn(document: Document | null | undefined): Value {
  return document ? (document.v as number) : null;
}

export function aCatalogRead(random: Random, key: string): CatalogWay {
  const byId: CatalogWay = {
    name: "findOne by _id",
    call: read,
    run: async (db) => done(valueIn(await db.collection(key).findOne({ _id }))),
  };
  return random.pick<CatalogWay>([
    byId,
    byId,
    {
      name: "find all",
      call: read,
      run: async (db) => done(valueIn((await db.collection(key).find({}).toArray())[0])),
    },
    {
      name: "count",
      call: { kind: "holds", value: null },
      run: async (db) => done((await db.collection(key).countDocuments({})) === 0),
    },
  ]);
}

export function aCatalogWrite(random: Random, key: string, value: number): CatalogWay {
  const other = `other-${value}`;
  return random.pick<CatalogWay>([
    {
      name: "replaceOne",
      call: { kind: "write", value },
      run: async (db) => {
        await db.collection(key).replaceOne({ _id }, { v: value }, { upsert: true });
        return done();
      },
    },
    {
      name: "drop",
      call: { kind: "write", value: null },
      run: async (db) => {
        await db.dropCollection(key);
        return done();
      },
    },
    {
      name: "rename",
      call: { kind: "write", value },
      prepare: (db) => db.collection(other).insertOne({ _id, v: value }),
      run: async (db) => {
        await db.renameCollection(other, key, { dropTarget: true });
        return done();
      },
    },
  ]);
}
