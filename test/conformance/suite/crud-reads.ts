/** The ideas of MongoDB's specification of CRUD, for reads. */
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { type Case, testCases, threeDocuments } from "./cases.js";

const [one, two, three] = threeDocuments;
const six = Array.from({ length: 6 }, (_, n) => ({ _id: n + 1, x: 11 * (n + 1) }));
const deepPath = `${"a.".repeat(50_000)}a`;
const mixed: Document[] = [
  { _id: 1, x: [1, 2], y: { z: "a" } },
  { _id: 2, x: 2n, y: { z: "b" } },
  { _id: 3, x: null },
  { _id: 4, y: { z: ["a", "c"] } },
];

const cases: Record<string, Record<string, Case>> = {
  find: {
    "with a filter": { call: (c) => c.find({ _id: 1 }), gives: [one] },
    "with filter, sort, skip and limit": {
      call: (c) =>
        c.find({ _id: { $gt: 1 } }, { sort: { _id: -1 }, skip: 1, limit: 1, comment: "why" }),
      gives: [two],
    },
    "with a limit, a sort and smaller batches": {
      before: six,
      call: (c) => c.find({}, { sort: { x: 1 }, limit: 4, batchSize: 2 }).toArray(),
      gives: six.slice(0, 4),
    },
    "with a batch of the size of the limit": {
      before: six,
      call: (c) => c.find({ x: { $gt: 11 } }, { limit: 4, batchSize: 4 }).toArray(),
      gives: six.slice(1, 5),
    },
    "with a sort by two fields, one of them missing": {
      before: mixed,
      call: (c) =>
        c.find(
          {},
          {
            sort: [
              ["y.z", -1],
              ["_id", 1],
            ],
            projection: { _id: 1 },
          },
        ),
      gives: [{ _id: 4 }, { _id: 2 }, { _id: 1 }, { _id: 3 }],
    },
    "with a hint of the key of _id": {
      call: (c) => c.find({ x: { $gt: 11 } }, { hint: { _id: 1 }, sort: { x: -1 } }),
      gives: [three, two],
    },
    "with a hint that names no index": {
      call: (c) => c.find({}, { hint: "nope" }),
      fails: { code: 2, names: ["nope"] },
    },
    "with an unknown operator": {
      call: (c) => c.find({ x: { $near_: 1 } }),
      fails: { code: 2, names: ["$near_", '"x"'] },
    },
    "with a path of more names than documents are deep": {
      call: (c) => c.find({ [deepPath]: { $gt: 1 } }),
      fails: { code: 2, names: ["a.a.a", "50001"] },
    },
    "with a collation": {
      call: (c) => c.find({}, { collation: { locale: "en" } } as object),
      fails: { code: "INVALID_OPTION", names: ["collation"] },
    },
    "with variables": {
      call: (c) => c.find({}, { let: { a: 1 } } as object),
      fails: { code: "INVALID_OPTION", names: ["let"] },
    },
    "findOne with a sort and a projection": {
      call: (c) => c.findOne({}, { sort: { x: -1 }, projection: { _id: 0 } }),
      gives: { x: 33 },
    },
    "findOne of nothing": { call: (c) => c.findOne({ _id: 9 }), gives: null },
  },
  aggregate: {
    "with several stages": {
      call: (c) => c.aggregate([{ $sort: { x: 1 } }, { $match: { _id: { $gt: 1 } } }]).toArray(),
      gives: [two, three],
    },
    "in batches": {
      before: six,
      call: (c) => c.aggregate([{ $match: { _id: { $gt: 1 } } }], { batchSize: 2 }).toArray(),
      gives: six.slice(1),
    },
    "with variables": {
      call: (c) =>
        c
          .aggregate(
            [{ $match: { $expr: { $eq: ["$_id", "$$id"] } } }, { $project: { _id: 0, y: "$$y" } }],
            { let: { one: 1, id: { $add: ["$$one", 1] }, y: { $literal: "$x" } } },
          )
          .toArray(),
      gives: [{ y: "$x" }],
    },
    "with a variable that reads a document": {
      call: (c) => c.aggregate([{ $set: { y: "$$y" } }], { let: { y: "$x" } }).toArray(),
      fails: { code: 2, names: ['"y"', "let"] },
    },
    "with a stage that does not exist": {
      call: (c) => c.aggregate([{ $unsupported: 1 }]).toArray(),
      fails: { code: 40324, names: ["$unsupported"] },
    },
  },
  countDocuments: {
    "with a filter": { call: (c) => c.countDocuments({ _id: { $gt: 1 } }), gives: 2 },
    "with skip and limit": {
      call: (c) => c.countDocuments({}, { skip: 1, limit: 3 }),
      gives: 2,
    },
    "with a limit below the count": { call: (c) => c.countDocuments({}, { limit: 2 }), gives: 2 },
    "with a skip beyond the count": { call: (c) => c.countDocuments({}, { skip: 9 }), gives: 0 },
    "of an empty collection": { before: [], call: (c) => c.countDocuments({ x: 1 }), gives: 0 },
    "with a hint": {
      call: (c) => c.countDocuments({ x: { $gt: 11 } }, { hint: "_id_" }),
      gives: 2,
    },
  },
  estimatedDocumentCount: {
    "of three documents": { call: (c) => c.estimatedDocumentCount(), gives: 3 },
    "with a time limit and a comment": {
      call: (c) => c.estimatedDocumentCount({ maxTimeMS: 6_000, comment: { why: 1 } }),
      gives: 3,
    },
    "of no collection": { before: [], call: (c) => c.estimatedDocumentCount(), gives: 0 },
  },
  distinct: {
    "without a filter": { call: (c) => c.distinct("x"), gives: [11, 22, 33] },
    "with a filter": { call: (c) => c.distinct("x", { _id: { $gt: 1 } }), gives: [22, 33] },
    "of arrays, and of equal numbers": {
      before: mixed,
      call: (c) => c.distinct("x"),
      gives: [1, 2, null],
    },
    "of a path through objects": {
      before: mixed,
      call: (c) => c.distinct("y.z", {}, { comment: 1 }),
      gives: ["a", "b", "c"],
    },
    "of a field that is nowhere": { call: (c) => c.distinct("gone"), gives: [] },
  },
};

export function crudReadsSuite(subject: Subject): void {
  for (const [group, rows] of Object.entries(cases)) testCases(subject, group, rows);
}
