import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../../src/query/expression.js";
import { Variables } from "../../../src/query/variables.js";
import type { Document } from "../../../src/values/document.js";

const document: Document = {
  a: 1,
  big: 2n ** 60n,
  s: "text",
  empty: "",
  nan: Number.NaN,
  nothing: null,
  o: { p: { q: 5 } },
  list: [{ x: 1 }, { x: 2, y: 3 }, 4, [{ x: 9 }]],
  numbers: [3, 1, 2],
  named: [{ "0": "zero" }],
  at: new Date(1_000),
};

const branch = (when: unknown, give: unknown): Document =>
  Object.fromEntries([
    ["case", when],
    // biome-ignore lint/suspicious/noThenProperty: the name that $switch has for it
    ["then", give],
  ]);

const cases: [expression: unknown, expected: unknown][] = [
  ["$a", 1],
  ["$o.p.q", 5],
  ["$o.gone.q", undefined],
  ["$s.length", undefined],
  ["$constructor", undefined],
  ["$list.x", [1, 2]],
  ["$numbers.0", []],
  ["$named.0", ["zero"]],
  ["$$ROOT.a", 1],
  ["$$CURRENT.o.p", { q: 5 }],
  ["$$REMOVE", undefined],
  [
    ["$a", "$gone"],
    [1, null],
  ],
  [
    { x: "$a", y: "$gone", z: { $literal: "$a" } },
    { x: 1, z: "$a" },
  ],
  [{ $add: ["$a", 2, "$a"] }, 4],
  [{ $add: ["$big", 1] }, 2n ** 60n + 1n],
  [{ $add: ["$at", 500] }, new Date(1_500)],
  [{ $add: ["$a", "$gone"] }, null],
  [{ $subtract: ["$at", new Date(0)] }, 1_000],
  [{ $multiply: ["$a", 1.5, 2] }, 3],
  [{ $divide: [7, "$o.p.q"] }, 1.4],
  [{ $divide: [4n, 2n] }, 2],
  [{ $eq: ["$gone", null] }, false],
  [{ $lt: ["$gone", null] }, true],
  [{ $gt: ["$s", 5] }, true],
  [{ $cmp: ["$a", 2] }, -1],
  [{ $and: ["$empty", "$nan", "$list"] }, true],
  [{ $and: ["$a", "$nothing"] }, false],
  [{ $and: [] }, true],
  [{ $or: [] }, false],
  [{ $or: ["$gone", 0, 0n, "$a"] }, true],
  [{ $not: ["$gone"] }, true],
  [{ $not: "$empty" }, false],
  [{ $cond: ["$empty", "yes", "no"] }, "yes"],
  [{ $ifNull: ["$gone", "$nothing", "$a"] }, 1],
  [{ $ifNull: ["$gone", "$nothing"] }, null],
  [
    {
      $switch: {
        branches: [branch("$nothing", 1), branch(true, 2)],
      },
    },
    2,
  ],
  [{ $switch: { branches: [branch(false, 1)], default: "$s" } }, "text"],
  [{ $let: { vars: { x: "$a", y: 2 }, in: { $add: ["$$x", "$$y"] } } }, 3],
  [{ $map: { input: "$numbers", in: { $multiply: ["$$this", "$a", 2] } } }, [6, 2, 4]],
  [{ $map: { input: "$gone", in: 1 } }, null],
  [{ $filter: { input: "$numbers", as: "n", cond: { $gt: ["$$n", 1] } } }, [3, 2]],
  [{ $filter: { input: "$numbers", cond: true, limit: 2 } }, [3, 1]],
  [{ $reduce: { input: "$numbers", initialValue: 0, in: { $add: ["$$value", "$$this"] } } }, 6],
  // Operators of mingo around compiled ones, and inside of them.
  [{ $size: { $filter: { input: "$numbers", cond: { $lt: ["$$this", 3] } } } }, 2],
  [
    { $map: { input: "$numbers", as: "n", in: { $concat: ["$s", { $toString: "$$n" }] } } },
    ["text3", "text1", "text2"],
  ],
  [
    {
      $map: {
        input: [1, 2],
        as: "x",
        in: { $map: { input: [10], as: "y", in: { $add: ["$$x", "$$y"] } } },
      },
    },
    [[11], [12]],
  ],
  [{ $map: { input: [1], in: { $map: { input: [2], in: "$$this" } } } }, [[2]]],
  [{ $sum: "$numbers" }, 6],
  [{ $arrayElemAt: ["$list.x", -1] }, 2],
  [{ $mergeObjects: ["$o.p", { r: "$a" }] }, { q: 5, r: 1 }],
  [{ $dateToString: { date: "$at", format: "%Y" } }, "1970"],
  [{ $sortArray: { input: "$numbers", sortBy: 1 } }, [1, 2, 3]],
];

test("expressions", () => {
  for (const [expression, expected] of cases) {
    assert.deepEqual(
      compileExpression(expression)(document),
      expected,
      JSON.stringify(expression, (_, one) => (typeof one === "bigint" ? `${one}n` : one)),
    );
  }
});

test("$$NOW is the time that is given, or the present", () => {
  const now = new Date(5);
  assert.equal(compileExpression("$$NOW")({}, now), now);
  assert.deepEqual(compileExpression({ $add: ["$$NOW", 1] })({}, now), new Date(6));
  assert.ok(compileExpression("$$NOW")({}) instanceof Date);
});

test("variables are read when the expression is evaluated", () => {
  const outer = new Variables(undefined, ["x"]);
  const inner = new Variables(outer, ["y"]);
  const sum = compileExpression({ $add: ["$$x.n", "$$y"] }, inner);
  outer.set("x", { n: 1 });
  inner.set("y", 2);
  assert.equal(sum({}), 3);
  outer.set("x", { n: 5 });
  assert.equal(sum({}), 7);
  inner.set("y", undefined);
  assert.equal(sum({}), null);
});

test("what cannot be evaluated is found when it is compiled", () => {
  const wrong: [expression: unknown, code: number][] = [
    [{ $foo: 1 }, 9],
    [{ $add: 1, $subtract: 1 }, 9],
    [{ $eq: [1] }, 9],
    [{ $not: [1, 2] }, 9],
    [{ $cond: { if: 1, else: 2 } }, 9],
    [{ $ifNull: [1] }, 9],
    [{ $switch: { branches: [] } }, 9],
    [{ $map: { input: [] } }, 9],
    [{ $map: { input: [], in: 1, other: 1 } }, 9],
    [{ $let: { vars: { Big: 1 }, in: 1 } }, 9],
    [{ $let: { vars: { x: 1, y: "$$x" }, in: 1 } }, 17276],
    ["$$this", 17276],
    ["$", 9],
    ["$a..b", 9],
    ["$__proto__.x", 2],
    [{ $function: {} }, 115],
  ];
  for (const [expression, code] of wrong) {
    assert.throws(() => compileExpression(expression), { code }, JSON.stringify(expression));
  }
});

test("what cannot be evaluated for a document is an error that names the operator", () => {
  const wrong: [expression: unknown, code: number, message: RegExp][] = [
    [{ $add: ["$s", 1] }, 14, /\$add/],
    [{ $add: ["$at", "$at"] }, 2, /\$add/],
    [{ $divide: [1, 0] }, 2, /\$divide/],
    [{ $map: { input: "$s", in: 1 } }, 2, /\$map/],
    [{ $filter: { input: [], cond: 1, limit: 0 } }, 2, /\$filter/],
    [{ $switch: { branches: [branch(false, 1)] } }, 2, /\$switch/],
  ];
  for (const [expression, code, message] of wrong) {
    assert.throws(() => compileExpression(expression)(document), { code, message });
  }
});
