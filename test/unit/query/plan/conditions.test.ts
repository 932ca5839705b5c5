import assert from "node:assert/strict";
import { test } from "node:test";
import { type Condition, readShape } from "../../../../src/query/plan/conditions.js";
import { isEverything, shownInterval } from "../../../../src/query/plan/interval.js";
import type { Document } from "../../../../src/values/document.js";

/** Path and intervals of each condition. */
function told(filter: Document): [path: string, intervals: string][] {
  return readShape(filter).conditions.map(({ path, intervals }) => [
    path,
    isEverything(intervals) ? "all" : intervals.map(shownInterval).join(" "),
  ]);
}

function only(filter: Document): Condition {
  const { conditions } = readShape(filter);
  assert.equal(conditions.length, 1);
  return conditions[0]!;
}

const day = new Date(5);

const cases: [filter: Document, conditions: [string, string][], isComplete: boolean][] = [
  [{}, [], true],
  [{ a: 1 }, [["a", "[1, 1]"]], true],
  [{ a: { $eq: "x" } }, [["a", '["x", "x"]']], true],
  [{ a: { b: 1 } }, [["a", '[{"b":1}, {"b":1}]']], true],
  [{ a: null }, [["a", "[null, null]"]], false],
  [
    { a: { $gt: 1, $lte: 5 } },
    [
      ["a", "(1, inf.0]"],
      ["a", "[-inf.0, 5]"],
    ],
    true,
  ],
  [{ a: { $lt: day } }, [["a", "[MinKey, new Date(5))"]], true],
  [{ a: { $gt: null } }, [["a", ""]], true],
  [{ a: { $gte: null } }, [["a", "[null, null]"]], false],
  [{ a: { $lt: Number.NaN } }, [["a", ""]], true],
  [{ a: { $gte: Number.NaN } }, [["a", "[NaN, NaN]"]], true],
  [{ a: { $in: [3, 1, "x"] } }, [["a", '[1, 1] [3, 3] ["x", "x"]']], true],
  [{ a: { $in: [1, null] } }, [["a", "[null, null] [1, 1]"]], false],
  [{ a: { $in: [] } }, [["a", ""]], true],
  [{ a: { $in: [1, /b/] } }, [], false],
  [{ a: /^ab/ }, [["a", '["ab", "ab…") [/^ab/, /^ab/]']], false],
  [{ a: { $regex: "^ab" } }, [["a", '["ab", "ab…") [/^ab/, /^ab/]']], false],
  [{ a: { $regex: "^ab", $options: "i" } }, [], false],
  [{ a: /ab/ }, [], false],
  [{ a: { $ne: 1 } }, [], false],
  [{ a: { $ne: null } }, [["a", "all"]], false],
  [{ a: { $not: { $gt: 1 } } }, [], false],
  [{ $expr: { $eq: ["$a.b", 1] } }, [["a.b", "[1, 1]"]], false],
  [{ $expr: { $eq: ["$a", "$b"] } }, [], false],
  [{ $expr: { $eq: ["$a", null] } }, [], false],
  [
    { $expr: { $and: [{ $eq: [{ $literal: "$x" }, "$a"] }, { $gt: ["$b", 1] }] } },
    [["a", '["$x", "$x"]']],
    false,
  ],
  [{ a: { $exists: true } }, [["a", "all"]], false],
  [{ a: { $exists: false } }, [["a", "[null, null]"]], false],
  [
    { a: { $all: [1, 2] } },
    [
      ["a", "[1, 1]"],
      ["a", "[2, 2]"],
    ],
    false,
  ],
  [{ a: { $elemMatch: { $gt: 1, $lt: 5 } } }, [["a", "(1, 5)"]], false],
  [
    { a: { $elemMatch: { b: 1, c: 2 } } },
    [
      ["a.b", "[1, 1]"],
      ["a.c", "[2, 2]"],
    ],
    false,
  ],
  [{ a: { $size: 2 } }, [], false],
  [
    { $and: [{ a: 1 }, { $and: [{ b: 2 }] }] },
    [
      ["a", "[1, 1]"],
      ["b", "[2, 2]"],
    ],
    true,
  ],
  [{ $or: [{ a: 1 }] }, [["a", "[1, 1]"]], false],
  [{ $or: [{ a: 1 }, { b: 1 }] }, [], false],
  [{ $nor: [{ a: 1 }] }, [], false],
  [{ $expr: { $eq: ["$a", 1] } }, [["a", "[1, 1]"]], false],
  // What is wrong is left for the compiler of filters.
  [{ a: { $gtt: 1 } }, [], false],
  [{ a: { $in: 1 } }, [], false],
  [{ a: { $in: [{ $gt: 1 }] } }, [], false],
  [{ $and: 1 }, [], false],
  [{ a: { $regex: "(" } }, [], false],
  [{ a: { $elemMatch: 1 } }, [], false],
];

for (const [filter, conditions, isComplete] of cases) {
  test(`what a filter says about paths: ${JSON.stringify(filter)}`, () => {
    assert.deepEqual(told(filter), conditions);
    assert.equal(readShape(filter).isComplete, isComplete);
  });
}

test("an array is equal to a whole array, found by its first element, or to an element", () => {
  assert.equal(only({ a: [1, 2] }).intervals.length, 2);
  assert.equal(only({ a: [1, 2] }).isExact, false);
  assert.equal(only({ a: [] }).intervals.length, 2);
});

test("which conditions documents without the path meet", () => {
  assert.equal(only({ a: null }).matchesMissing, true);
  assert.equal(only({ a: { $exists: false } }).matchesMissing, true);
  assert.equal(only({ a: { $gte: null } }).matchesMissing, true);
  assert.equal(only({ a: { $in: [1, null] } }).matchesMissing, true);
  assert.equal(only({ a: { $exists: true } }).matchesMissing, false);
  assert.equal(only({ a: 1 }).matchesMissing, false);
});

test("conditions of one $elemMatch are about one element, those of two are not", () => {
  const { conditions } = readShape({
    a: { $elemMatch: { b: 1, c: 2 } },
    d: { $all: [{ $elemMatch: { e: 1 } }, { $elemMatch: { e: 2 } }] },
  });
  const [b, c, one, other] = conditions.map(({ element }) => element);
  assert.ok(b !== undefined && b === c);
  assert.ok(one !== undefined && other !== undefined && one !== other && one !== b);
});

test("the branches of an $or are kept together", () => {
  const branches = [{ a: 1 }, { b: 1 }];
  assert.deepEqual(readShape({ $or: branches, c: 1 }).alternatives, [branches]);
  assert.deepEqual(readShape({ $and: [{ $or: branches }, { $or: branches }] }).alternatives, [
    branches,
    branches,
  ]);
});
