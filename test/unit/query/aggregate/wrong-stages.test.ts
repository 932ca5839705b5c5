import assert from "node:assert/strict";
import { test } from "node:test";
import { splitOutput } from "../../../../src/query/aggregate/output.js";
import { unsupportedStages } from "../../../../src/query/aggregate/pipeline.js";
import type { Document } from "../../../../src/values/document.js";
import { aggregate } from "./in-memory.js";

const wrong: [stage: Document, code: number][] = [
  [{ $match: 1 }, 9],
  [{ $match: { a: { $nope: 1 } } }, 2],
  [{ $sort: {} }, 9],
  [{ $sort: { a: 2 } }, 2],
  [{ $sort: 1 }, 9],
  [{ $limit: -1 }, 2],
  [{ $limit: 1.5 }, 2],
  [{ $skip: -1 }, 2],
  [{ $sample: { size: 0 } }, 2],
  [{ $sample: 3 }, 9],
  [{ $project: {} }, 2],
  [{ $project: { a: 1, b: 0 } }, 2],
  [{ $addFields: 1 }, 2],
  [{ $unset: [] }, 2],
  [{ $replaceRoot: { newRoot: 1 } }, 2],
  [{ $group: 1 }, 9],
  [{ $group: { _id: 1, "a.b": { $sum: 1 } } }, 9],
  [{ $group: { _id: 1, a: 1 } }, 9],
  [{ $group: { _id: 1, a: { $sum: 1, $avg: 1 } } }, 9],
  [{ $count: "" }, 9],
  [{ $count: "a.b" }, 9],
  [{ $count: "$a" }, 9],
  [{ $sortByCount: "a" }, 9],
  [{ $unwind: "a" }, 9],
  [{ $unwind: { path: "$a", includeArrayIndex: "$b" } }, 9],
  [{ $unwind: { path: "$a", nope: 1 } }, 9],
  [{ $bucket: { groupBy: "$a", boundaries: [1] } }, 9],
  [{ $bucket: { groupBy: "$a", boundaries: [2, 1] } }, 9],
  [{ $bucket: { groupBy: "$a", boundaries: [1, "b"] } }, 9],
  [{ $bucket: { groupBy: "$a", boundaries: [1, 5], default: 3 } }, 9],
  [{ $bucket: { groupBy: "$a", boundaries: [5, 6] } }, 2],
  [{ $bucketAuto: { groupBy: "$a", buckets: 0 } }, 2],
  [{ $bucketAuto: { groupBy: "$a", buckets: 1, granularity: "E7" } }, 9],
  [{ $facet: {} }, 9],
  [{ $facet: { a: [{ $facet: { b: [] } }] } }, 9],
  [{ $facet: { "a.b": [] } }, 9],
  [{ $lookup: { from: "x", as: "y" } }, 9],
  [{ $lookup: { from: "x", localField: "a", as: "y" } }, 9],
  [{ $lookup: { from: { db: "d", coll: "c" }, pipeline: [], as: "y" } }, 115],
  [{ $lookup: { from: "x", let: { Upper: 1 }, pipeline: [], as: "y" } }, 9],
  [{ $lookup: { pipeline: [], as: "y" } }, 9],
  [{ $lookup: { from: "x", pipeline: [{ $out: "z" }], as: "y" } }, 9],
  [{ $lookup: { from: "x", pipeline: [{ $match: { $expr: "$$unknown" } }], as: "y" } }, 17276],
  [{ $graphLookup: { from: "x" } }, 9],
  [{ $unionWith: {} }, 9],
  [{ $documents: 1 }, 2],
  [{ $redact: "$a" }, 2],
  [{ $densify: { field: "a", range: { step: 0, bounds: "full" } } }, 9],
  [{ $densify: { field: "a", range: { step: 1, bounds: "half" } } }, 9],
  [{ $densify: { field: "a", range: { step: 1, bounds: "partition" } } }, 9],
  [{ $fill: { output: {} } }, 9],
  [{ $setWindowFields: {} }, 9],
  [{ $set: { a: "$$nobody" } }, 17276],
  [{ $nonsense: 1 }, 40324],
  [{}, 9],
];

test("wrong operands of stages are refused, and the message names the stage or the operator", () => {
  for (const [stage, code] of wrong) {
    const run = () => aggregate([{ a: 1 }], [stage]);
    assert.throws(run, { name: "LioranError", code }, JSON.stringify(stage));
  }
});

test("stages that cannot run here are refused by name", () => {
  for (const name of unsupportedStages) {
    assert.throws(() => aggregate([], [{ [name]: {} }]), {
      code: 115,
      message: new RegExp(`\\${name} `),
    });
  }
});

test("stages stand where they may", () => {
  const set = { $set: { a: 1 } };
  assert.throws(() => aggregate([], [set, { $documents: [] }]), { code: 9 });
  assert.throws(
    () => aggregate([], [{ $unionWith: { coll: "x", pipeline: [{ $documents: [] }] } }]),
    {
      code: 9,
    },
  );
  assert.throws(
    () =>
      aggregate(
        [],
        Array.from({ length: 1_001 }, () => set),
      ),
    { code: 9 },
  );
  let nested: Document[] = [set];
  for (let depth = 0; depth < 30; depth += 1) {
    nested = [{ $unionWith: { coll: "x", pipeline: nested } }];
  }
  assert.throws(() => aggregate([], nested), { code: 9, message: /nested/ });
});

test("$out and $merge are read from the end of a pipeline only", () => {
  assert.equal(splitOutput([{ $out: "a" }, { $match: {} }], "d").output, undefined);
  assert.deepEqual(splitOutput([{ $match: {} }, { $out: "a" }], "d"), {
    pipeline: [{ $match: {} }],
    output: { kind: "out", target: { db: "d", collection: "a" } },
  });
  assert.deepEqual(
    splitOutput([{ $merge: { into: { db: "e", coll: "a" }, on: ["x", "y"] } }], "d").output,
    {
      kind: "merge",
      target: { db: "e", collection: "a" },
      on: ["x", "y"],
      whenMatched: "merge",
      whenNotMatched: "insert",
      let: { new: "$$ROOT" },
    },
  );
  for (const $merge of [1, { into: 1 }, { into: "a", on: [] }, { into: "a", let: { x: 1 } }]) {
    assert.throws(() => splitOutput([{ $merge }], "d"), { code: 9 });
  }
});
