import assert from "node:assert/strict";
import { test } from "node:test";
import { compileUpdate } from "../../../src/query/update.js";
import type { Document } from "../../../src/values/document.js";

const now = new Date("2024-01-02T03:04:05Z");

const cases: [before: Document, pipeline: Document[], after: Document][] = [
  [
    { _id: 1, a: 1 },
    [{ $set: { b: { $add: ["$a", 1] }, c: "x" } }],
    { _id: 1, a: 1, b: 2, c: "x" },
  ],
  [{ _id: 1, a: 1 }, [{ $addFields: { a: 0, d: true } }], { _id: 1, a: 0, d: true }],
  [{ _id: 1, a: { x: 1 } }, [{ $set: { a: { y: 2 } } }], { _id: 1, a: { x: 1, y: 2 } }],
  [
    { _id: 1, a: [{ x: 1 }, 5] },
    [{ $set: { "a.y": 2 } }],
    { _id: 1, a: [{ x: 1, y: 2 }, { y: 2 }] },
  ],
  [{ _id: 1, a: 1 }, [{ $set: { "b.c": "$a" } }], { _id: 1, a: 1, b: { c: 1 } }],
  [{ _id: 1, a: 1 }, [{ $set: { a: "$$REMOVE", b: "$gone" } }], { _id: 1 }],
  [{ _id: 1 }, [{ $set: { at: "$$NOW" } }], { _id: 1, at: now }],
  [{ _id: 1, a: 1, b: 2 }, [{ $unset: "a" }], { _id: 1, b: 2 }],
  [{ _id: 1, a: { b: 1, c: 2 }, d: 1 }, [{ $unset: ["a.b", "d"] }], { _id: 1, a: { c: 2 } }],
  [{ _id: 1, a: 1, b: 2 }, [{ $project: { b: 1 } }], { _id: 1, b: 2 }],
  [{ _id: 1, a: 1, b: 2 }, [{ $project: { _id: 0, b: 1 } }], { _id: 1, b: 2 }],
  [
    { _id: 1, a: 1 },
    [{ $set: { list: ["$a", "$gone"] } }, { $replaceWith: { list: "$list", b: { c: "$gone" } } }],
    { _id: 1, list: [1, null], b: {} },
  ],
  [{ _id: 1, a: { b: 2 } }, [{ $replaceRoot: { newRoot: "$a" } }], { _id: 1, b: 2 }],
  [
    { _id: 1, a: 1 },
    [{ $replaceWith: { $setField: { field: { $literal: "$price" }, input: "$$ROOT", value: 5 } } }],
    { _id: 1, a: 1, $price: 5 },
  ],
  [
    { _id: 1, "a.b": 1 },
    [{ $replaceWith: { $unsetField: { field: "a.b", input: "$$ROOT" } } }],
    { _id: 1 },
  ],
  [
    { _id: 1, "a.b": 3 },
    [{ $set: { c: { $getField: "a.b" }, d: { $getField: { field: "x", input: "$gone" } } } }],
    { _id: 1, "a.b": 3, c: 3 },
  ],
  [
    { _id: 1, a: 1 },
    [{ $replaceWith: { $mergeObjects: [{ z: 0 }, "$$ROOT", { b: 2 }] } }],
    { _id: 1, z: 0, a: 1, b: 2 },
  ],
  [
    { _id: 1, tests: [95, 92, 90] },
    [
      { $set: { average: { $trunc: [{ $avg: "$tests" }, 0] } } },
      {
        $set: {
          grade: {
            $switch: {
              branches: [
                // biome-ignore lint/suspicious/noThenProperty: the name MongoDB gave it.
                { case: { $gte: ["$average", 90] }, then: "A" },
                // biome-ignore lint/suspicious/noThenProperty: the name MongoDB gave it.
                { case: { $gte: ["$average", 80] }, then: "B" },
              ],
              default: "C",
            },
          },
        },
      },
    ],
    { _id: 1, tests: [95, 92, 90], average: 92, grade: "A" },
  ],
  [
    { _id: 1, a: [3, 1, 2] },
    [{ $set: { a: { $sortArray: { input: "$a", sortBy: 1 } } } }],
    { _id: 1, a: [1, 2, 3] },
  ],
  [
    { _id: 1, a: [{ b: 2 }, { b: 1 }] },
    [{ $set: { a: { $sortArray: { input: "$a", sortBy: { b: 1 } } } } }],
    { _id: 1, a: [{ b: 1 }, { b: 2 }] },
  ],
  [
    { _id: 1, a: [1, 2, 3] },
    [{ $set: { a: { $map: { input: "$a", as: "n", in: { $multiply: ["$$n", 2] } } } } }],
    { _id: 1, a: [2, 4, 6] },
  ],
  [
    { _id: 1, a: [1, 2, 3] },
    [{ $set: { a: { $filter: { input: "$a", cond: { $gt: ["$$this", 1] } } } } }],
    { _id: 1, a: [2, 3] },
  ],
  [{ _id: 1, a: 1, b: 2 }, [{ $set: { a: "$b", b: "$a" } }], { _id: 1, a: 2, b: 1 }],
  [
    { _id: 1, a: [1, 2] },
    [{ $set: { a: { $concatArrays: ["$a", [3]] } } }],
    { _id: 1, a: [1, 2, 3] },
  ],
  [
    { _id: 1, s: "ab" },
    [{ $set: { s: { $toUpper: { $concat: ["$s", "c"] } } } }],
    { _id: 1, s: "ABC" },
  ],
  [
    { _id: 1, a: 5 },
    [{ $set: { t: { $type: "$a" }, m: { $max: ["$a", "z"] }, l: { $literal: "$a" } } }],
    { _id: 1, a: 5, t: "int", m: "z", l: "$a" },
  ],
  [
    { _id: 1, d: now },
    [{ $set: { e: { $add: ["$d", 1000] }, n: { $subtract: ["$d", "$d"] } } }],
    { _id: 1, d: now, e: new Date(+now + 1000), n: 0 },
  ],
];

test("pipelines update as MongoDB's do, and _id stays", () => {
  for (const [before, pipeline, after] of cases) {
    const input = JSON.stringify(before);
    const { document, modified } = compileUpdate(pipeline).apply(before, now);
    assert.equal(JSON.stringify(document), JSON.stringify(after), JSON.stringify(pipeline));
    assert.equal(modified, input !== JSON.stringify(after));
    assert.equal(JSON.stringify(before), input, "the input is unchanged");
  }
});

test("bigints stay integers in expressions", () => {
  const pipeline = [
    { $set: { b: { $add: ["$a", 1] }, c: { $multiply: ["$a", 2n] }, d: { $gt: ["$a", 4] } } },
  ];
  const { document } = compileUpdate(pipeline).apply({ a: 5n });
  assert.deepEqual(document, { a: 5n, b: 6n, c: 10n, d: true });
});

test("a pipeline cannot change _id, nor give anything but a document", () => {
  assert.throws(() => compileUpdate([{ $set: { _id: 2 } }]).apply({ _id: 1 }), { code: 66 });
  assert.throws(() => compileUpdate([{ $replaceWith: "$a" }]).apply({ _id: 1, a: 5 }), { code: 2 });
  assert.throws(() => compileUpdate([{ $set: { a: { $divide: [1, "x"] } } }]).apply({ _id: 1 }), {
    code: 2,
  });
});

test("a pipeline can be applied to an upsert", () => {
  assert.deepEqual(compileUpdate([{ $set: { b: 2 } }]).applyOnInsert({ _id: 1, a: 1 }), {
    _id: 1,
    a: 1,
    b: 2,
  });
});
