import assert from "node:assert/strict";
import { test } from "node:test";
import { dividePipeline } from "../../../../src/query/aggregate/divide.js";
import type { Document } from "../../../../src/values/document.js";

const match = { $match: { a: 1 } };
const set = { $set: { b: "$a" } };
const group = { _id: "$a", n: { $sum: 1 } };
const total = { $group: group };

const cases: Record<string, [Document[], ReturnType<typeof dividePipeline>]> = {
  "stages that look at one document": [
    [match, set],
    { each: [match, set], gather: undefined, rest: [] },
  ],
  nothing: [[], { each: [], gather: undefined, rest: [] }],
  "a group and what follows": [
    [set, total, { $limit: 2 }],
    { each: [set], gather: { kind: "group", group }, rest: [{ $limit: 2 }] },
  ],
  "a sort that is cut": [
    [{ $sort: { a: -1 } }, { $skip: 3 }, { $limit: 2 }, set],
    {
      each: [],
      gather: { kind: "sort", sort: [["a", -1]], wanted: 5 },
      rest: [{ $skip: 3 }, { $limit: 2 }, set],
    },
  ],
  "a sort that is cut behind a filter": [
    [{ $sort: { a: 1 } }, match, { $limit: 2 }],
    {
      each: [],
      gather: { kind: "sort", sort: [["a", 1]], wanted: Number.POSITIVE_INFINITY },
      rest: [match, { $limit: 2 }],
    },
  ],
  "a count": [
    [{ $count: "n" }],
    {
      each: [],
      gather: { kind: "group", group: { _id: null, n: { $sum: 1 } } },
      rest: [{ $project: { _id: 0 } }],
    },
  ],
  "a sorted count": [
    [{ $sortByCount: "$a" }],
    {
      each: [],
      gather: { kind: "group", group: { _id: "$a", count: { $sum: 1 } } },
      rest: [{ $sort: { count: -1 } }],
    },
  ],
  "an accumulator that depends on the order": [
    [{ $group: { _id: 1, all: { $push: "$a" } } }],
    undefined,
  ],
  "a limit in the middle": [[set, { $limit: 3 }], undefined],
  "a lookup behind a group": [[total, { $lookup: { from: "x" } }], undefined],
  "a union inside a facet": [[total, { $facet: { a: [{ $unionWith: "x" }] } }], undefined],
  "a sample": [[{ $sample: { size: 3 } }], undefined],
};

for (const [name, [pipeline, expected]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(dividePipeline(pipeline), expected));
}
