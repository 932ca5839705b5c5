/** The ideas of MongoDB's specification of CRUD, for single writes. */
import type { Subject } from "../mode.js";
import { type Case, testCases, threeDocuments, updated, upserted } from "./cases.js";

const [one, two, three] = threeDocuments;
const inc = { $inc: { x: 1 } };
const grades = [
  { _id: 1, y: [{ b: 3 }, { b: 1 }] },
  { _id: 2, y: [{ b: 0 }, { b: 1 }] },
];
const nested = [{ _id: 3, y: [{ b: 5, c: [{ d: 2 }, { d: 1 }] }] }];
const deepPath = `${"a.".repeat(50_000)}a`;
/** Enough for a search on the pool. */
const many = Array.from({ length: 1_500 }, (_, n) => ({ _id: n, x: (n * 7) % 1_500 }));
const large = { _id: { $gt: 1 } };
const unknownHint = { code: 2, names: ["nope"] } as const;

const cases: Record<string, Record<string, Case>> = {
  insert: {
    "one document": {
      call: (c) => c.insertOne({ _id: 4, x: 44 }, { comment: "why" }),
      gives: { acknowledged: true, insertedId: 4 },
      after: [one, two, three, { _id: 4, x: 44 }],
    },
    "many, unordered, with two failures": {
      call: (c) =>
        c.insertMany([{ _id: 2 }, { _id: 4 }, { _id: 4 }, { _id: 5 }], { ordered: false }),
      fails: {
        code: 11000,
        result: { acknowledged: true, insertedCount: 2, insertedIds: { 1: 4, 3: 5 } },
        writeErrors: [
          [0, 11000],
          [2, 11000],
        ],
      },
      after: [one, two, three, { _id: 4 }, { _id: 5 }],
    },
    "many, ordered, with a failure in the middle": {
      call: (c) => c.insertMany([{ _id: 4 }, { _id: 2 }, { _id: 5 }]),
      fails: {
        code: 11000,
        result: { acknowledged: true, insertedCount: 1, insertedIds: { 0: 4 } },
        writeErrors: [[1, 11000]],
      },
      after: [one, two, three, { _id: 4 }],
    },
  },
  delete: {
    "one of several": {
      call: (c) => c.deleteOne(large),
      gives: { acknowledged: true, deletedCount: 1 },
      after: [one, three],
    },
    many: {
      call: (c) => c.deleteMany(large, { hint: "_id_", comment: 1, maxTimeMS: 60_000 }),
      gives: { acknowledged: true, deletedCount: 2 },
      after: [one],
    },
    none: {
      call: (c) => c.deleteMany({ _id: 4 }),
      gives: { acknowledged: true, deletedCount: 0 },
    },
    "with a hint that names no index": {
      call: (c) => c.deleteOne({ x: 11 }, { hint: "nope" }),
      fails: unknownHint,
    },
    "with a sort, which deletes do not have": {
      call: (c) => c.deleteOne({}, { sort: { x: 1 } } as object),
      fails: { code: "INVALID_OPTION", names: ["sort"] },
    },
    "with variables": {
      call: (c) => c.deleteMany({}, { let: { a: 1 } } as object),
      fails: { code: "INVALID_OPTION", names: ["let"] },
    },
  },
  updateOne: {
    "of several that match": {
      call: (c) => c.updateOne(large, inc),
      gives: updated(1),
      after: [one, { _id: 2, x: 23 }, three],
    },
    "the first by a sort": {
      call: (c) => c.updateOne(large, inc, { sort: { x: -1 } }),
      gives: updated(1),
      after: [one, two, { _id: 3, x: 34 }],
    },
    "the first of many by a sort": {
      before: many,
      call: async (c) => [
        await c.updateOne({ x: { $gte: 0 } }, { $set: { y: 1 } }, { sort: { x: -1 } }),
        await c.replaceOne({ x: { $gte: 0 } }, { z: 1 }, { sort: { x: 1 }, maxTimeMS: 60_000 }),
      ],
      gives: [updated(1), updated(1)],
      after: many.map((one) => {
        if (one.x === 1_499) return { ...one, y: 1 };
        return one.x === 0 ? { _id: one._id, z: 1 } : one;
      }),
    },
    none: { call: (c) => c.updateOne({ _id: 4 }, inc), gives: updated(0) },
    "none, with upsert": {
      call: (c) => c.updateOne({ _id: 4 }, inc, { upsert: true, sort: { x: 1 } }),
      gives: upserted(4),
      after: [...threeDocuments, { _id: 4, x: 1 }],
    },
    "by a pipeline": {
      call: (c) =>
        c.updateOne({ _id: 1 }, [
          { $replaceRoot: { newRoot: { y: "$x" } } },
          { $addFields: { z: 1 } },
        ]),
      gives: updated(1),
      after: [{ _id: 1, y: 11, z: 1 }, two, three],
    },
    "without operators": {
      call: (c) => c.updateOne({ _id: 1 }, { x: 2 } as object),
      fails: { code: 2, names: ["$set", '"x"'] },
    },
    "with an operator and a field": {
      call: (c) => c.updateOne({ _id: 1 }, { $set: { x: 1 }, y: 2 } as object),
      fails: { code: 9, names: ['"y"'] },
    },
    "with an empty pipeline": {
      call: (c) => c.updateOne({ _id: 1 }, []),
      fails: { code: 2, names: ["updateOne"] },
    },
    "by an array filter that no element matches": {
      before: grades,
      call: (c) => c.updateOne({}, { $set: { "y.$[i].b": 2 } }, { arrayFilters: [{ "i.b": 9 }] }),
      gives: updated(1, 0),
    },
    "by an array filter": {
      before: grades,
      call: (c) => c.updateOne({}, { $set: { "y.$[i].b": 2 } }, { arrayFilters: [{ "i.b": 3 }] }),
      gives: updated(1),
      after: [{ _id: 1, y: [{ b: 2 }, { b: 1 }] }, grades[1]],
    },
    "by nested array filters": {
      before: nested,
      call: (c) =>
        c.updateOne(
          {},
          { $set: { "y.$[i].c.$[j].d": 0 } },
          { arrayFilters: [{ "i.b": 5 }, { "j.d": 1 }] },
        ),
      gives: updated(1),
      after: [{ _id: 3, y: [{ b: 5, c: [{ d: 2 }, { d: 0 }] }] }],
    },
    "by array filters that meet at one element": {
      before: grades,
      call: (c) =>
        c.updateOne(
          { _id: 1 },
          { $set: { "y.$[i].b": 7, "y.$[j].c": 8 } },
          { arrayFilters: [{ "i.b": 3 }, { "j.b": { $gt: 2 } }] },
        ),
      gives: updated(1),
      after: [{ _id: 1, y: [{ b: 7, c: 8 }, { b: 1 }] }, grades[1]],
    },
    "by array filters that contradict each other at an element": {
      before: grades,
      call: (c) =>
        c.updateMany(
          {},
          { $set: { "y.$[i].b": 7, "y.$[j].b": 8 } },
          { arrayFilters: [{ "i.b": 3 }, { "j.b": { $gt: 2 } }] },
        ),
      fails: { code: 40, names: ['"y.0.b"'] },
    },
    "with a hint that names no index": {
      call: (c) => c.updateOne({ x: 11 }, inc, { hint: { nope: 1 } }),
      fails: unknownHint,
    },
  },
  updateMany: {
    "of several that match": {
      call: (c) => c.updateMany(large, inc, { comment: "why", hint: "_id_" }),
      gives: updated(2),
      after: [one, { _id: 2, x: 23 }, { _id: 3, x: 34 }],
    },
    "of which one stays as it is": {
      call: (c) => c.updateMany({}, { $max: { x: 22 } }),
      gives: updated(3, 1),
      after: [{ _id: 1, x: 22 }, two, three],
    },
    "none, with upsert": {
      call: (c) => c.updateMany({ _id: 4 }, inc, { upsert: true }),
      gives: upserted(4),
      after: [...threeDocuments, { _id: 4, x: 1 }],
    },
    "by array filters": {
      before: grades,
      call: (c) => c.updateMany({}, { $inc: { "y.$[i].b": 1 } }, { arrayFilters: [{ "i.b": 1 }] }),
      gives: updated(2),
      after: [
        { _id: 1, y: [{ b: 3 }, { b: 2 }] },
        { _id: 2, y: [{ b: 0 }, { b: 2 }] },
      ],
    },
    "with a sort": {
      call: (c) => c.updateMany({}, inc, { sort: { x: 1 } } as object),
      fails: { code: "INVALID_OPTION", names: ["updateMany", '"sort"'] },
    },
  },
  replaceOne: {
    "of several that match": {
      call: (c) => c.replaceOne(large, { x: 111 }),
      gives: updated(1),
      after: [one, { _id: 2, x: 111 }, three],
    },
    "the first by a sort": {
      call: (c) => c.replaceOne(large, { x: 111 }, { sort: { _id: -1 } }),
      gives: updated(1),
      after: [one, two, { _id: 3, x: 111 }],
    },
    "with its own _id": {
      call: (c) => c.replaceOne({ _id: 1 }, { _id: 1, x: 111 }),
      gives: updated(1),
      after: [{ _id: 1, x: 111 }, two, three],
    },
    "none, with upsert and with an _id": {
      call: (c) => c.replaceOne({ x: 44 }, { _id: 4, y: 1 }, { upsert: true }),
      gives: upserted(4),
      after: [...threeDocuments, { _id: 4, y: 1 }],
    },
    "by operators": {
      call: (c) => c.replaceOne({ _id: 1 }, { $set: { x: 0 } } as object),
      fails: { code: 52, names: ["$set"] },
    },
  },
  upsert: {
    "two values for one path": {
      call: (c) => c.updateOne({ $and: [{ y: 1 }, { y: 2 }] }, inc, { upsert: true }),
      fails: { code: 54, names: ['"y"', "twice"] },
    },
    "a path and a part of it": {
      call: (c) => c.updateOne({ y: { z: 1 }, "y.a": 2 }, inc, { upsert: true }),
      fails: { code: 54, names: ['"y"', '"y.a"'] },
    },
    "operators on what the filter fixes": {
      before: [],
      call: (c) =>
        c.updateOne(
          { _id: 1, n: 5, list: [1], "a.b": 2 },
          { $inc: { n: 1, "a.b": 1 }, $push: { list: 2 } },
          { upsert: true },
        ),
      gives: upserted(1),
      after: [{ _id: 1, n: 6, list: [1, 2], a: { b: 3 } }],
    },
    "conditions that fix nothing": {
      before: [],
      call: (c) =>
        c.updateOne(
          {
            _id: 1,
            a: { $gt: 1 },
            b: { $in: [1, 2] },
            c: { $exists: true },
            d: /x/,
            $or: [{ e: 1 }, { e: 2 }],
          },
          { $set: { x: 1 } },
          { upsert: true },
        ),
      after: [{ _id: 1, x: 1 }],
    },
    "an operator inside what the filter fixes": {
      call: (c) => c.updateOne({ _id: 9, a: 1 }, { $set: { "a.b": 1 } }, { upsert: true }),
      fails: { code: 28, names: ['"a"'] },
    },
    "an _id in $setOnInsert": {
      before: [],
      call: (c) => c.updateOne({ x: 1 }, { $setOnInsert: { _id: "made", y: 2 } }, { upsert: true }),
      gives: upserted("made"),
      after: [{ _id: "made", x: 1, y: 2 }],
    },
    "an _id of the filter by its parts": {
      before: [],
      call: (c) => c.updateOne({ "_id.a": 1, "_id.b": 2 }, { $set: { x: 1 } }, { upsert: true }),
      gives: upserted({ a: 1, b: 2 }),
      after: [{ _id: { a: 1, b: 2 }, x: 1 }],
    },
    "an _id that is an array": {
      call: (c) => c.updateOne({ x: 0 }, { $set: { _id: [1] } }, { upsert: true }),
      fails: { code: 53, names: ["_id"] },
    },
    "all elements of an array the filter fixes": {
      before: [],
      call: (c) => c.updateOne({ _id: 1, a: [1, 2] }, { $inc: { "a.$[]": 1 } }, { upsert: true }),
      after: [{ _id: 1, a: [2, 3] }],
    },
    "a path of more names than documents are deep": {
      call: (c) => c.updateOne({ [deepPath]: 1 }, inc, { upsert: true }),
      fails: { code: 2, names: ["a.a.a", "50001"] },
    },
    "the positional $": {
      call: (c) => c.updateOne({ a: 1 }, { $set: { "a.$": 1 } }, { upsert: true }),
      fails: { code: 2 },
    },
  },
  findOneAndX: {
    "findOneAndUpdate of the first by a sort": {
      call: (c) =>
        c.findOneAndUpdate(large, inc, { sort: { x: -1 }, projection: { x: 1, _id: 0 } }),
      gives: { x: 33 },
      after: [one, two, { _id: 3, x: 34 }],
    },
    "findOneAndUpdate of none, with upsert": {
      call: (c) =>
        c.findOneAndUpdate({ _id: 4 }, inc, {
          upsert: true,
          returnDocument: "after",
          projection: { x: 1, _id: 0 },
          sort: { x: 1 },
        }),
      gives: { x: 1 },
      after: [...threeDocuments, { _id: 4, x: 1 }],
    },
    "findOneAndUpdate by a pipeline": {
      call: (c) =>
        c.findOneAndUpdate({ _id: 1 }, [{ $project: { x: { $add: ["$x", 1] } } }], {
          returnDocument: "after",
          maxTimeMS: 60_000,
        }),
      gives: { _id: 1, x: 12 },
      after: [{ _id: 1, x: 12 }, two, three],
    },
    "findOneAndUpdate by an array filter": {
      before: grades,
      call: (c) =>
        c.findOneAndUpdate({}, { $set: { "y.$[i].b": 2 } }, { arrayFilters: [{ "i.b": 3 }] }),
      gives: grades[0],
      after: [{ _id: 1, y: [{ b: 2 }, { b: 1 }] }, grades[1]],
    },
    "findOneAndReplace of the first by a sort": {
      call: (c) =>
        c.findOneAndReplace(large, { x: 0 }, { sort: { x: -1 }, returnDocument: "after" }),
      gives: { _id: 3, x: 0 },
      after: [one, two, { _id: 3, x: 0 }],
    },
    "findOneAndReplace of none, with upsert and an _id": {
      call: (c) => c.findOneAndReplace({ x: 44 }, { _id: 4, x: 44 }, { upsert: true }),
      gives: null,
      after: [...threeDocuments, { _id: 4, x: 44 }],
    },
    "findOneAndDelete of the first by a sort": {
      call: (c) => c.findOneAndDelete(large, { sort: { x: -1 }, hint: "_id_", comment: 1 }),
      gives: three,
      after: [one, two],
    },
    "findOneAndDelete with a hint that names no index": {
      call: (c) => c.findOneAndDelete({ x: 11 }, { hint: "nope" }),
      fails: unknownHint,
    },
    "findOneAndUpdate with a projection that cannot be": {
      call: (c) => c.findOneAndUpdate({}, inc, { projection: { a: 1, b: 0 } }),
      fails: { code: 2, names: ["b"] },
    },
  },
};

export function crudWritesSuite(subject: Subject): void {
  for (const [group, rows] of Object.entries(cases)) testCases(subject, group, rows);
}
