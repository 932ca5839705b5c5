/** The ideas of MongoDB's specification of CRUD, for bulk writes. */
import type { BulkWriteOperation, Document } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { bulkResult, type Case, testCases, threeDocuments } from "./cases.js";

type Operation = BulkWriteOperation<Document>;

const [one, two, three] = threeDocuments;
const insert = (_id: unknown): Operation => ({ insertOne: { document: { _id } } });
const set = (_id: unknown, update: object, more?: object): Operation => ({
  updateOne: { filter: { _id }, update: update as Document, ...more },
});
const ordered = { ordered: true };
const unordered = { ordered: false };

/** Operations that fail when they are their turn, and with which code. */
const failing: Record<string, [Operation, number]> = {
  "an _id that exists": [insert(1), 11000],
  "an unknown operator of an update": [set(1, { $sett: { x: 1 } }), 9],
  "an operand of the wrong type": [set(1, { $inc: { x: "1" } }), 14],
  "a value of the wrong type": [set(1, { $push: { x: 1 } }), 2],
  "conflicting operators": [set(1, { $set: { x: 1 }, $inc: { x: 1 } }), 40],
  "another _id": [set(1, { $set: { _id: 9 } }), 66],
  "an array filter that is not used": [set(1, { $set: { x: 1 } }, { arrayFilters: [{ i: 1 }] }), 9],
  "a stage that updates do not have": [set(1, [{ $match: {} }]), 2],
  "an unknown operator of a filter": [
    { updateMany: { filter: { x: { $foo: 1 } }, update: { $set: { x: 1 } } } },
    2,
  ],
  "an unknown operator of a filter that deletes": [{ deleteMany: { filter: { $foo: 1 } } }, 2],
  "a hint that names no index": [{ deleteOne: { filter: { x: 11 }, hint: "nope" } }, 2],
  "a replacement with another _id": [
    { replaceOne: { filter: { _id: 1 }, replacement: { _id: 9 } } },
    66,
  ],
  "an upsert that is not clear": [
    {
      updateOne: {
        filter: { $and: [{ y: 1 }, { y: 2 }] },
        update: { $set: { x: 1 } },
        upsert: true,
      },
    },
    54,
  ],
};

function failingCases(): Record<string, Case> {
  const cases: Record<string, Case> = {};
  for (const [name, [operation, code]] of Object.entries(failing)) {
    const operations = [insert(4), operation, set(2, { $set: { x: 0 } })];
    const failure = { code: code as 2, writeErrors: [[1, code]] as [number, 2][] };
    cases[`${name}, ordered`] = {
      call: (c) => c.bulkWrite(operations, ordered),
      fails: { ...failure, result: bulkResult({ insertedCount: 1, insertedIds: { 0: 4 } }) },
      after: [one, two, three, { _id: 4 }],
    };
    cases[`${name}, unordered`] = {
      call: (c) => c.bulkWrite(operations, unordered),
      fails: {
        ...failure,
        result: bulkResult({
          insertedCount: 1,
          insertedIds: { 0: 4 },
          matchedCount: 1,
          modifiedCount: 1,
        }),
      },
      after: [one, { _id: 2, x: 0 }, three, { _id: 4 }],
    };
  }
  return cases;
}

const cases: Record<string, Case> = {
  "operations see what those before them did": {
    before: [],
    call: (c) =>
      c.bulkWrite([
        insert(1),
        set(1, { $set: { x: 1 } }),
        { updateMany: { filter: { x: 1 }, update: { $inc: { x: 1 } } } },
        { replaceOne: { filter: { x: 2 }, replacement: { y: 1 } } },
        insert(2),
        { deleteMany: { filter: { y: 1 } } },
      ]),
    gives: bulkResult({
      insertedCount: 2,
      matchedCount: 3,
      modifiedCount: 3,
      deletedCount: 1,
      insertedIds: { 0: 1, 4: 2 },
    }),
    after: [{ _id: 2 }],
  },
  "only failures": {
    call: (c) => c.bulkWrite([insert(1), insert(2)], unordered),
    fails: {
      code: 11000,
      result: bulkResult({}),
      writeErrors: [
        [0, 11000],
        [1, 11000],
      ],
    },
  },
  "upserts before and after a failure, ordered": {
    call: (c) =>
      c.bulkWrite([
        set("a", { $set: { n: 1 } }, { upsert: true }),
        insert(1),
        set("b", { $set: { n: 1 } }, { upsert: true }),
      ]),
    fails: {
      code: 11000,
      result: bulkResult({ upsertedCount: 1, upsertedIds: { 0: "a" } }),
      writeErrors: [[1, 11000]],
    },
    after: [...threeDocuments, { _id: "a", n: 1 }],
  },
  "upserts before and after a failure, unordered": {
    call: (c) =>
      c.bulkWrite(
        [
          set("a", { $set: { n: 1 } }, { upsert: true }),
          insert(1),
          { replaceOne: { filter: { _id: "b" }, replacement: { n: 2 }, upsert: true } },
        ],
        unordered,
      ),
    fails: {
      code: 11000,
      result: bulkResult({ upsertedCount: 2, upsertedIds: { 0: "a", 2: "b" } }),
      writeErrors: [[1, 11000]],
    },
    after: [...threeDocuments, { _id: "a", n: 1 }, { _id: "b", n: 2 }],
  },
  "the first by a sort": {
    call: (c) =>
      c.bulkWrite([
        { updateOne: { filter: {}, update: { $set: { y: 1 } }, sort: { x: -1 } } },
        { replaceOne: { filter: { y: null }, replacement: { z: 1 }, sort: { _id: -1 } } },
      ]),
    gives: bulkResult({ matchedCount: 2, modifiedCount: 2 }),
    after: [one, { _id: 2, z: 1 }, { _id: 3, x: 33, y: 1 }],
  },
  "hints, comments and array filters": {
    before: [{ _id: 1, y: [1, 2] }, two],
    call: (c) =>
      c.bulkWrite(
        [
          {
            updateMany: {
              filter: {},
              update: { $set: { "y.$[i]": 9 } },
              arrayFilters: [{ i: 2 }],
              hint: "_id_",
            },
          },
          { deleteOne: { filter: { x: 22 }, hint: { _id: 1 } } },
        ],
        { comment: { why: 1 } },
      ),
    fails: { code: 2, result: bulkResult({}), writeErrors: [[0, 2]], names: ['"y"'] },
  },
  "a sort of many": {
    call: (c) =>
      c.bulkWrite([
        { updateMany: { filter: {}, update: { $set: { x: 1 } }, sort: { x: 1 } } as never },
      ]),
    fails: { code: "INVALID_OPTION", names: ["operations.0.updateMany", '"sort"'] },
  },
  "a sort that is none, before anything runs": {
    call: (c) =>
      c.bulkWrite([
        insert(4),
        { updateOne: { filter: {}, update: { $set: { x: 1 } }, sort: { x: 2 } as never } },
      ]),
    fails: { code: 2, names: ["x"] },
  },
  "an empty pipeline, before anything runs": {
    call: (c) => c.bulkWrite([insert(4), set(1, [])]),
    fails: { code: 2, names: ["operations.1.updateOne"] },
  },
  "a replacement that begins with $, before anything runs": {
    call: (c) =>
      c.bulkWrite([insert(4), { replaceOne: { filter: {}, replacement: { $set: { x: 1 } } } }]),
    fails: { code: 52, names: ["operations.1.replaceOne", "$set"] },
  },
};

export function crudBulkSuite(subject: Subject): void {
  testCases(subject, "bulkWrite", cases);
  testCases(subject, "bulkWrite fails at", failingCases());
}
