import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bindFilter } from "../../../../src/query/aggregate/bind.js";
import { neededFields } from "../../../../src/query/aggregate/dependencies.js";
import { compilePipeline } from "../../../../src/query/aggregate/pipeline.js";
import { splitPipeline } from "../../../../src/query/aggregate/split.js";
import { unlimited } from "../../../../src/query/control.js";
import type { Query } from "../../../../src/query/execute.js";
import { Variables } from "../../../../src/query/variables.js";
import type { Document } from "../../../../src/values/document.js";
import { aggregate, inMemory } from "./in-memory.js";

const group = { $group: { _id: "$g" } };

test("filters, a sort, skips and limits at the front become a query", () => {
  const cases: [pipeline: Document[], query: Query, rest: number][] = [
    [[], { filter: {} }, 0],
    [[{ $match: { a: 1 } }, { $match: { b: 2 } }], { filter: { $and: [{ a: 1 }, { b: 2 }] } }, 0],
    [[{ $sort: { a: -1 } }, { $match: { b: 2 } }], { filter: { b: 2 }, sort: [["a", -1]] }, 0],
    [
      [{ $skip: 2 }, { $limit: 3 }, { $skip: 1 }, { $limit: 9 }],
      { filter: {}, skip: 3, limit: 2 },
      0,
    ],
    [[{ $limit: 3 }, { $skip: 3 }], { filter: {}, limit: 3 }, 1],
    [[{ $limit: 3 }, { $match: { a: 1 } }], { filter: {}, limit: 3 }, 1],
    [[{ $limit: 3 }, { $sort: { a: 1 } }], { filter: {}, limit: 3 }, 1],
    [[{ $sort: { a: 1 } }, { $sort: { b: 1 } }], { filter: {}, sort: [["a", 1]] }, 1],
    [[{ $sort: { a: 2 } }], { filter: {} }, 1],
    [[{ $limit: 0 }], { filter: {} }, 1],
    [[{ $match: 5 }], { filter: {} }, 1],
  ];
  for (const [pipeline, query, rest] of cases) {
    const split = splitPipeline(pipeline);
    assert.deepEqual(split.query, query, JSON.stringify(pipeline));
    assert.equal(split.rest.length, rest, JSON.stringify(pipeline));
  }
});

test("the fields that the rest needs are known where it makes documents of its own", () => {
  const cases: [pipeline: Document[], fields: string[] | undefined][] = [
    [[], undefined],
    [[group], ["g"]],
    [[{ $group: { _id: null, n: { $sum: 1 } } }], []],
    [[{ $count: "n" }], []],
    [
      [{ $group: { _id: { a: "$a.b", c: "$$ROOT.c" }, n: { $sum: "$$CURRENT.d" } } }],
      ["a", "c", "d"],
    ],
    [[{ $group: { _id: 1, all: { $push: "$$ROOT" } } }], undefined],
    [[{ $group: { _id: 1, x: { $top: { sortBy: { "s.t": 1 }, output: "$o" } } } }], ["o", "s"]],
    [
      [{ $project: { a: 1, x: { $map: { input: "$l", in: "$$this.z" } } } }],
      ["_id", "a", "l", "x"],
    ],
    [[{ $project: { a: 0 } }], undefined],
    [[{ $project: { _id: 0 } }], undefined],
    [[{ $project: { "a.b": true } }], ["_id", "a"]],
    [
      [{ $set: { x: "$y" } }, group],
      ["g", "x", "y"],
    ],
    [
      [{ $unwind: "$l.m" }, { $match: { "k.j": 1, $expr: { $eq: ["$e", 1] } } }, group],
      ["e", "g", "k", "l"],
    ],
    [
      [{ $unwind: { path: "$l" } }, { $sort: { s: 1 } }, { $limit: 1 }, group],
      ["g", "l", "s"],
    ],
    [
      [{ $lookup: { from: "f", localField: "a.b", foreignField: "c", as: "d.e" } }, group],
      ["a", "d", "g"],
    ],
    [[{ $facet: { a: [group], b: [{ $count: "n" }] } }], ["g"]],
    [[{ $facet: { a: [group], b: [] } }], undefined],
    [[{ $replaceWith: { x: { $literal: "$no" }, y: "$y" } }], ["y"]],
    [[{ $replaceWith: { $getField: "x" } }], undefined],
    [[{ $redact: "$$KEEP" }, group], undefined],
    [[{ $set: { x: 1 } }], undefined],
  ];
  for (const [pipeline, fields] of cases) {
    const found = neededFields(pipeline);
    assert.deepEqual(found && [...found].sort(), fields, JSON.stringify(pipeline));
  }
});

test("variables in filters are replaced by their values, and equality is said to the planner", () => {
  const variables = new Variables(undefined, ["x", "gone"]);
  variables.set("x", { y: "$5" });
  const filter = {
    a: 1,
    $expr: { $and: [{ $eq: ["$b.c", "$$x.y"] }, { $gt: ["$$gone", { $literal: "$$x" }] }] },
  };
  assert.deepEqual(bindFilter(filter, variables), {
    $and: [
      { "b.c": { $eq: "$5" } },
      {
        a: 1,
        $expr: {
          $and: [{ $eq: ["$b.c", { $literal: "$5" }] }, { $gt: ["$$REMOVE", { $literal: "$$x" }] }],
        },
      },
    ],
  });
  const hidden = { $expr: { $map: { input: "$$x", as: "x", in: "$$x" } } };
  assert.deepEqual(bindFilter(hidden, variables), {
    $expr: { $map: { input: { $literal: { y: "$5" } }, as: "x", in: "$$x" } },
  });
});

test("$lookup asks for foreign documents by filters that an index can answer", () => {
  const asked: Query[] = [];
  const input = [
    { _id: 1, k: 5 },
    { _id: 2, k: 6 },
    { _id: 3, k: 7 },
    { _id: 4, k: 7 },
  ];
  const reader = inMemory({ input, other: [{ _id: 9, k: 7 }] }, asked);
  const run = (lookup: Document) => {
    asked.length = 0;
    const stages = [{ $lookup: { from: "other", as: "o", ...lookup } }];
    const { query, stage } = compilePipeline(stages, { reader, control: unlimited });
    return [...stage!(reader.find("input", query!))];
  };
  run({ localField: "k", foreignField: "k" });
  assert.deepEqual(
    asked.slice(1).map(({ filter }) => filter),
    [{ k: { $eq: 5 } }, { k: { $in: [6, 7] } }, { k: { $eq: 7 } }],
  );
  run({ let: { k: "$k" }, pipeline: [{ $match: { $expr: { $eq: ["$k", "$$k"] } } }] });
  assert.deepEqual((asked[1]!.filter.$and as Document[])[0], { k: { $eq: 5 } });
  run({ pipeline: [] });
  assert.equal(asked.length, 2, "what depends on nothing is read once");
});

const name = fc.constantFrom("a", "b", "c.d");
const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(null, "x", [1, 2]));
const documents = fc
  .array(fc.record({ a: value, b: value, c: fc.record({ d: value }) }, { requiredKeys: [] }), {
    maxLength: 12,
  })
  .map((list): Document[] => list.map((document, _id) => ({ _id, ...document })));
const frontStage: fc.Arbitrary<Document> = fc.oneof(
  fc.tuple(name, value).map(([path, wanted]) => ({ $match: { [path]: { $gte: wanted } } })),
  fc
    .tuple(name, fc.constantFrom(1, -1))
    .map(([path, direction]) => ({ $sort: { [path]: direction } })),
  fc.integer({ min: 0, max: 6 }).map(($skip) => ({ $skip })),
  fc.integer({ min: 1, max: 8 }).map(($limit) => ({ $limit })),
);
const lateStage: fc.Arbitrary<Document> = fc.oneof(
  fc.constantFrom<Document>(
    { $set: { x: "$a", "c.e": 1 } },
    { $unwind: { path: "$b", preserveNullAndEmptyArrays: true } },
    { $project: { b: 1, y: "$c.d" } },
    { $group: { _id: "$a", n: { $sum: 1 }, all: { $push: "$c.d" } } },
    { $sortByCount: "$b" },
    { $count: "n" },
    { $facet: { one: [{ $limit: 2 }], two: [{ $group: { _id: "$b" } }] } },
    { $unset: "c.d" },
    { $replaceWith: { z: "$c", _id: "$_id" } },
  ),
  frontStage,
);

test("a pipeline that is split gives what it gives in one piece", () => {
  const runs = Number(process.env.LIORAN_FUZZ_RUNS ?? 1_500);
  const pipeline = fc
    .tuple(fc.array(frontStage, { maxLength: 5 }), fc.array(lateStage, { maxLength: 3 }))
    .map(([front, late]) => [...front, ...late]);
  fc.assert(
    fc.property(documents, pipeline, (input, stages) => {
      // A stage in front that changes nothing keeps the splitter away.
      const whole = aggregate(input, [{ $unset: "nothing" }, ...stages]);
      assert.deepEqual(aggregate(input, stages), whole);
    }),
    { numRuns: runs },
  );
});
