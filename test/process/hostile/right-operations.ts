/** One operation of every kind that is right, to be spoiled: a new kind does not compile until it is here. */
import type { OperationKind } from "../../../src/dispatch/operation.js";
import { type Database, LioranManager } from "../../../src/index.js";
import { encodeDocument } from "../../../src/storage/document.js";

const on = { db: "app", collection: "things" };
const write = { ...on, durability: "committed" };
const document = encodeDocument({ _id: "of the fuzzer", n: 1, list: [1, 2] });
const statement = {
  filter: { n: { $gte: 1 } },
  update: { $inc: { m: 1 }, $set: { "a.b": 1 }, $push: { list: { $each: [1], $slice: -3 } } },
  replacement: false,
  multi: true,
  upsert: false,
};
const pipeline = [
  { $match: { n: { $gt: 0 } } },
  { $addFields: { double: { $multiply: ["$n", 2] } } },
  { $group: { _id: "$n", of: { $sum: "$m" }, all: { $push: "$list" } } },
  { $sort: { _id: 1 } },
  { $lookup: { from: "others", localField: "_id", foreignField: "n", as: "found" } },
  { $project: { _id: 0, of: 1 } },
];

export const rightOperations: Record<OperationKind, readonly object[]> = {
  find: [
    { filter: { n: 3 }, sort: [["m", -1]], projection: { n: 1 }, skip: 1, limit: 5, batchSize: 3 },
    { filter: { $or: [{ n: { $in: [1, 2] } }, { text: { $regex: "^a" } }] }, hint: { n: 1 } },
    {
      filter: { list: { $elemMatch: { $gt: 1 } } },
      idRange: { after: 1, upTo: 9 },
      maxTimeMs: 1e3,
    },
    { filter: { $expr: { $gt: ["$n", "$m"] } }, projection: { list: { $slice: 1 } } },
    { filter: { $jsonSchema: { properties: { n: { bsonType: "number" } } } } },
  ].map((find) => ({ ...on, ...find })),
  aggregate: [
    { ...on, pipeline, let: { a: 1 }, batchSize: 5 },
    { db: "app", pipeline: [{ $documents: [{ a: 1 }] }, { $unwind: "$a" }] },
    { ...on, pipeline: [{ $bucket: { groupBy: "$n", boundaries: [0, 5, 10], default: "x" } }] },
    {
      ...on,
      pipeline: [
        {
          $setWindowFields: {
            sortBy: { n: 1 },
            output: { a: { $sum: "$n", window: { documents: [-1, 1] } } },
          },
        },
      ],
    },
    {
      ...on,
      pipeline: [
        {
          $graphLookup: {
            from: "things",
            startWith: 1,
            connectFromField: "n",
            connectToField: "m",
            as: "x",
          },
        },
        { $facet: { a: [{ $count: "c" }] } },
        { $densify: { field: "n", range: { step: 1, bounds: "full" } } },
      ],
    },
  ],
  count: [{ ...on, filter: { n: 3 }, skip: 1, limit: 2, hint: "n_1" }],
  distinct: [{ ...on, key: "list", filter: { n: { $lt: 5 } } }],
  search: [{ ...on, filter: { n: 3 }, sort: [["n", 1]], limit: 3 }],
  explain: [
    {
      db: "app",
      verbosity: "executionStats",
      explained: { kind: "find", ...on, filter: { n: 1 } },
    },
    { db: "app", verbosity: "queryPlanner", explained: { kind: "aggregate", ...on, pipeline } },
  ],
  estimatedCount: [on],
  listCollections: [{ db: "app" }],
  listDatabases: [{}],
  databaseStatistics: [{ db: "app" }],
  getMore: [{ cursor: 1, batchSize: 2 }],
  killCursors: [{ cursors: [1, 2] }],
  insert: [{ ...write, count: 1, documents: document, ordered: true, mustExist: false }],
  update: [
    { ...write, ...statement, sort: [["n", 1]], maxTimeMs: 1_000 },
    { ...write, ...statement, update: [{ $set: { a: { $add: ["$n", 1] } } }] },
    {
      ...write,
      ...statement,
      update: { $set: { "list.$[x]": 1 } },
      arrayFilters: [{ x: { $gt: 1 } }],
    },
    { ...write, ...statement, update: { n: 1 }, replacement: true, multi: false, upsert: true },
  ],
  delete: [{ ...write, filter: { n: 77 }, multi: true, hint: { n: 1 } }],
  findAndModify: [
    {
      ...write,
      action: "update",
      filter: { n: 1 },
      sort: [["m", 1]],
      projection: { n: 1 },
      update: { $inc: { m: 1 } },
      upsert: false,
      returnNew: true,
    },
    { ...write, action: "remove", filter: { n: 88 }, upsert: false, returnNew: false },
    {
      ...write,
      action: "replace",
      filter: { n: 2 },
      update: { n: 2 },
      upsert: true,
      returnNew: true,
    },
  ],
  bulk: [
    {
      ...write,
      ordered: false,
      models: [
        { op: "insert", document },
        { op: "update", ...statement },
        { op: "delete", filter: { n: 99 }, multi: false },
      ],
    },
  ],
  jobCommit: [
    {
      db: "app",
      durability: "committed",
      job: "none",
      run: 1,
      record: document,
      writes: [{ collection: "things", models: [{ op: "insert", document }] }],
    },
  ],
  createCollection: [
    {
      ...write,
      collection: "made",
      options: {
        validator: { n: { $gt: 0 } },
        validationLevel: "strict",
        validationAction: "warn",
      },
    },
  ],
  modifyCollection: [{ ...write, options: { validator: {}, validationLevel: "off" } }],
  dropCollection: [{ ...write, collection: "made" }],
  renameCollection: [{ ...write, collection: "made", to: "renamed", dropTarget: true }],
  createIndexes: [
    {
      ...write,
      indexes: [
        {
          name: "fuzzed",
          key: [
            ["a.b", 1],
            ["n", -1],
          ],
          unique: false,
          sparse: true,
          partialFilter: { n: { $gt: 0 } },
          expireAfterSeconds: 1e9,
        },
      ],
    },
  ],
  dropIndexes: [{ ...write, index: "fuzzed" }],
  dropDatabase: [{ db: "other", durability: "committed" }],
  ping: [{}],
  hostStatus: [{}],
};

/** A call of the API with arguments that are right. */
export interface RightCall {
  call(manager: LioranManager, db: Database, args: never[]): unknown;
  args: readonly unknown[];
}

/** A method of the collection, or of a cursor that it gives, which is read to its end. */
function method(name: string, ...args: unknown[]): RightCall {
  return {
    args,
    call: (_manager, db, given) => {
      const things = db.collection("things") as unknown as Record<
        string,
        (...all: unknown[]) => unknown
      >;
      const result = things[name]!(...given);
      return (result as { toArray?(): unknown }).toArray?.() ?? result;
    },
  };
}

const update = { $inc: { m: 1 }, $set: { "a.b": [1] } };
const options = { maxTimeMS: 1_000, hint: { n: 1 } };

export const rightCalls: Record<string, RightCall> = {
  find: method(
    "find",
    { n: { $gt: 1 } },
    { sort: { m: 1 }, limit: 3, projection: { n: 1 }, ...options },
  ),
  findOne: method("findOne", { _id: 3 }, { projection: { n: 1 } }),
  aggregate: method("aggregate", pipeline, { maxTimeMS: 1_000, let: { a: 1 } }),
  aggregateOut: method("aggregate", [
    { $match: { n: 1 } },
    { $merge: { into: "merged", on: "_id" } },
  ]),
  countDocuments: method("countDocuments", { n: 1 }, { skip: 1, limit: 3 }),
  estimatedDocumentCount: method("estimatedDocumentCount", {}),
  distinct: method("distinct", "n", { m: 1 }, { maxTimeMS: 1_000 }),
  insertOne: method("insertOne", { a: { b: [1, "x"] } }, { durability: "committed" }),
  insertMany: method("insertMany", [{ a: 1 }, { b: 2 }], { ordered: false }),
  updateOne: method("updateOne", { n: 1 }, update, { upsert: true }),
  updateMany: method("updateMany", { n: 2 }, update, { arrayFilters: [] }),
  replaceOne: method("replaceOne", { n: 3 }, { n: 3, x: 1 }, { upsert: true }),
  deleteOne: method("deleteOne", { n: 99 }, { hint: { n: 1 } }),
  deleteMany: method("deleteMany", { n: { $gt: 99 } }),
  findOneAndUpdate: method("findOneAndUpdate", { n: 1 }, update, {
    returnDocument: "after",
    sort: { m: 1 },
  }),
  findOneAndReplace: method("findOneAndReplace", { n: 1 }, { n: 1 }, { upsert: true }),
  findOneAndDelete: method("findOneAndDelete", { n: 98 }, { sort: { m: -1 } }),
  bulkWrite: method(
    "bulkWrite",
    [
      { insertOne: { document: { z: 1 } } },
      { updateMany: { filter: { n: 1 }, update } },
      { deleteOne: { filter: { n: 97 } } },
      { replaceOne: { filter: { n: 4 }, replacement: { n: 4 } } },
    ],
    { ordered: false },
  ),
  createIndex: method("createIndex", { "a.b": 1, n: -1 }, { name: "fuzzed", sparse: true }),
  createIndexes: method("createIndexes", [{ key: { text: 1 }, name: "texts" }], {}),
  listIndexes: method("listIndexes", {}),
  indexExists: method("indexExists", ["texts"], {}),
  dropIndex: method("dropIndex", "fuzzed"),
  dropIndexes: method("dropIndexes", {}),
  validator: {
    args: ["things", { validator: { n: { $gte: 0 } }, validationAction: "warn" }],
    call: (_manager, db, [collection, changes]) =>
      db.command({ collMod: collection, ...(changes as object) }),
  },
  parallel: method("parallel", new URL("data:text/javascript,export const map = () => 1"), {
    filter: { n: 1 },
    isolation: "thread",
    concurrency: 1,
    startTimeoutMs: 5_000,
  }),
  collection: {
    args: ["made", { validator: { n: 1 } }],
    call: (_manager, db, args) => db.createCollection(...(args as unknown as [string])),
  },
  rename: {
    args: ["made", "renamed", { dropTarget: true }],
    call: (_manager, db, [from, ...to]) => {
      const made = db.collection(from) as unknown as { rename(...all: unknown[]): unknown };
      return made.rename(...to);
    },
  },
  drop: {
    args: ["renamed", {}],
    call: (_manager, db, [name, ...options]) => {
      const renamed = db.collection(name) as unknown as { drop(...all: unknown[]): unknown };
      return renamed.drop(...options);
    },
  },
  aggregateDatabase: {
    args: [[{ $documents: [{ a: 1 }] }, { $match: { a: 1 } }], { maxTimeMS: 1_000 }],
    call: (_manager, db, args) => db.aggregate(...(args as unknown as [[]])).toArray(),
  },
  command: {
    args: [{ ping: 1 }],
    call: (_manager, db, args) => db.command(...(args as unknown as [object])),
  },
  listCollections: {
    args: [{ name: "made" }],
    call: (_manager, db, args) => db.listCollections(...(args as [])).toArray(),
  },
  db: {
    args: ["app"],
    call: async (manager, _db, [name]) =>
      (await manager.db(name)).collection("a").findOne({ _id: 1 }),
  },
  manager: {
    args: [{ rootPath: "/dev/null/never", ipc: "readonly", cores: 1, primaryTimeoutMs: 10 }],
    call: async (_manager, _db, [options]) => {
      // Few of them are right.
      await new LioranManager(options).close();
    },
  },
};
