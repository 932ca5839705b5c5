import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregateBytesMax } from "../../../../src/limits.js";
import { compilePipeline } from "../../../../src/query/aggregate/pipeline.js";
import { unlimited } from "../../../../src/query/control.js";
import type { Document } from "../../../../src/values/document.js";
import { inMemory } from "./in-memory.js";

const text = "x".repeat(100_000);
/** Documents that together are three times of what a stage may hold. */
const count = (3 * aggregateBytesMax) / text.length;

/** Runs stages over documents that exist only while they pass. */
function run(pipeline: Document[], others: Record<string, Document[]> = {}): Document[] {
  const options = { reader: inMemory(others), control: unlimited };
  // In front of it, nothing is split off.
  const { stage } = compilePipeline([{ $unset: "nothing" }, ...pipeline], options);
  return [...stage!(passing())];
}

function* passing(): Generator<Document, void, void> {
  for (let n = 0; n < count; n += 1) yield { _id: n, group: n % 5, text };
}

const holdLittle: [name: string, pipeline: Document[]][] = [
  ["$group", [{ $group: { _id: "$group", n: { $sum: 1 }, max: { $max: "$text" } } }]],
  ["$sort with $limit", [{ $sort: { n: 1 } }, { $skip: 3 }, { $limit: 5 }, { $count: "n" }]],
  ["$bucket", [{ $bucket: { groupBy: "$group", boundaries: [0, 3, 9] } }]],
  ["$sortByCount", [{ $sortByCount: "$text" }]],
  ["$sample", [{ $sample: { size: 3 } }, { $count: "n" }]],
  [
    "$unwind and $lookup",
    [
      { $unwind: "$text" },
      { $lookup: { from: "o", localField: "group", foreignField: "_id", as: "o" } },
      { $count: "n" },
    ],
  ],
  ["$topN", [{ $group: { _id: 1, t: { $topN: { n: 2, sortBy: { _id: -1 }, output: "$_id" } } } }]],
];

for (const [name, pipeline] of holdLittle) {
  test(`${name} holds no more however many documents there are`, () => {
    assert.ok(run(pipeline, { o: [{ _id: 1, text }] }).length > 0);
  });
}

const holdMuch: [name: string, pipeline: Document[]][] = [
  ["$sort", [{ $sort: { _id: -1 } }]],
  ["$group", [{ $group: { _id: null, all: { $push: "$text" } } }]],
  ["$group", [{ $group: { _id: null, all: { $addToSet: { t: "$text", n: "$_id" } } } }]],
  ["$group", [{ $group: { _id: { t: "$text", n: "$_id" } } }]],
  ["$group", [{ $group: { _id: "$_id", first: { $first: "$$ROOT" } } }]],
  ["$bucketAuto", [{ $bucketAuto: { groupBy: "$_id", buckets: 3 } }]],
  ["$facet", [{ $facet: { a: [{ $limit: 1 }] } }]],
  ["$setWindowFields", [{ $setWindowFields: { output: { n: { $sum: 1 } } } }]],
  ["$densify", [{ $densify: { field: "_id", range: { step: 1, bounds: "full" } } }]],
  ["$sample", [{ $sample: { size: 10_000 } }]],
  ["$lookup", [{ $limit: 1 }, { $lookup: { from: "large", pipeline: [], as: "o" } }]],
  [
    "$graphLookup",
    [
      { $limit: 1 },
      {
        $graphLookup: {
          from: "large",
          startWith: 1,
          connectFromField: "k",
          connectToField: "k",
          as: "o",
        },
      },
    ],
  ],
];

for (const [name, pipeline] of holdMuch) {
  const operators = JSON.stringify(pipeline).slice(0, 60);
  test(`${name} fails with 292 rather than to grow: ${operators}`, () => {
    const large = Array.from({ length: count }, (_, _id) => ({ _id, k: 1, text }));
    assert.throws(() => run(pipeline, { large }), {
      code: 292,
      message: new RegExp(`^\\${name} exceeded its memory limit`),
    });
  });
}

test("documents stream: a limit stops the source", () => {
  let made = 0;
  function* source() {
    for (;;) yield { _id: made++ };
  }
  const options = { reader: inMemory({}), control: unlimited };
  const pipeline = [{ $set: { a: 1 } }, { $match: { _id: { $gt: 5 } } }, { $limit: 2 }];
  const { stage } = compilePipeline(pipeline, options);
  assert.deepEqual(
    [...stage!(source())],
    [
      { _id: 6, a: 1 },
      { _id: 7, a: 1 },
    ],
  );
  assert.equal(made, 8);
});
