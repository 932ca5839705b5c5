import assert from "node:assert/strict";
import { test } from "node:test";
import { accumulators } from "../../../../src/query/aggregate/group.js";
import type { Document } from "../../../../src/values/document.js";
import { aggregate } from "./in-memory.js";

function accumulate(accumulator: Document, values: unknown[]): unknown {
  const documents = values.map((v, at) => (v === undefined ? { at } : { at, v }));
  return aggregate(documents, [{ $group: { _id: null, result: accumulator } }])[0]!.result;
}

const cases: [accumulator: Document, values: unknown[], expected: unknown][] = [
  [{ $sum: "$v" }, [1, 2.5, "3", null, undefined, [4]], 3.5],
  [{ $sum: "$v" }, Array.from({ length: 10 }, () => 0.1), 1],
  [{ $sum: "$v" }, [2n ** 53n, 1], 2n ** 53n + 1n],
  [{ $sum: "$v" }, [Number.POSITIVE_INFINITY, 1], Number.POSITIVE_INFINITY],
  [{ $sum: 1 }, [1, 2, 3], 3],
  [{ $sum: "$v" }, ["a"], 0],
  [{ $avg: "$v" }, [1, 2n, "x"], 1.5],
  [{ $avg: "$v" }, ["x"], null],
  [{ $min: "$v" }, [3, null, "a", 2], 2],
  [{ $max: "$v" }, [3, null, "a", undefined], "a"],
  [{ $max: "$v" }, [null, undefined], null],
  [{ $first: "$v" }, [undefined, 2], null],
  [{ $last: "$v" }, [1, 2], 2],
  [{ $push: "$v" }, [1, undefined, null, 1], [1, null, 1]],
  [
    { $addToSet: "$v" },
    [1, 1n, "1", { a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1, b: 2 }],
    [1, "1", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ],
  [{ $count: {} }, [1, undefined], 2],
  [{ $mergeObjects: "$v" }, [{ a: 1, b: 1 }, null, { b: 2 }], { a: 1, b: 2 }],
  [{ $stdDevPop: "$v" }, [2, 4, 4, 4, 5, 5, 7, 9, "x"], 2],
  [{ $stdDevSamp: "$v" }, [1, 3], Math.SQRT2],
  [{ $stdDevSamp: "$v" }, [1], null],
  [{ $firstN: { input: "$v", n: 2 } }, [undefined, 1, 2], [null, 1]],
  [{ $lastN: { input: "$v", n: 2 } }, [1, 2, undefined], [2, null]],
  [{ $maxN: { input: "$v", n: 2 } }, [5, 1, null, 9, undefined, 7], [9, 7]],
  [{ $minN: { input: "$v", n: 2 } }, [5, 1, null, 9, undefined, 7], [1, 5]],
  [{ $top: { sortBy: { v: -1 }, output: ["$at", "$v"] } }, [3, 9, 4], [1, 9]],
  [{ $topN: { sortBy: { v: 1 }, output: "$v", n: 2 } }, [3, 9, 4], [3, 4]],
  [{ $bottom: { sortBy: { v: 1 }, output: "$v" } }, [3, 9, 4], 9],
  [{ $bottomN: { sortBy: { v: 1 }, output: "$v", n: 2 } }, [3, 9, 4], [4, 9]],
  [{ $median: { input: "$v", method: "approximate" } }, [5, 1, 3, 2, "x"], 2],
  [
    { $percentile: { input: "$v", p: [0, 0.5, 0.95], method: "approximate" } },
    [4, 1, 3, 2],
    [1, 2, 4],
  ],
  [{ $percentile: { input: "$v", p: [0.5], method: "approximate" } }, [], null],
];

for (const [accumulator, values, expected] of cases.filter(([, values]) => values.length > 0)) {
  test(`${Object.keys(accumulator)[0]} of ${String(values.map((v) => typeof v))}`, () => {
    const result = accumulate(accumulator, values);
    if (typeof expected === "number")
      assert.ok(Math.abs((result as number) - expected) < 1e-9 || result === expected);
    else assert.deepEqual(result, expected);
  });
}

test("accumulators that choose n keep few of many, in a stable order", () => {
  const documents = Array.from({ length: 5_000 }, (_, n) => ({ n, k: (n * 31) % 100 }));
  const [result] = aggregate(documents, [
    {
      $group: {
        _id: null,
        least: { $minN: { input: "$n", n: 3 } },
        last: { $lastN: { input: "$n", n: 3 } },
        bottom: { $bottomN: { sortBy: { k: 1, n: 1 }, output: "$n", n: 2 } },
      },
    },
  ]);
  assert.deepEqual(result!.least, [0, 1, 2]);
  assert.deepEqual(result!.last, [4_997, 4_998, 4_999]);
  const expected = documents.toSorted((a, b) => a.k - b.k || a.n - b.n).slice(-2);
  assert.deepEqual(
    result!.bottom,
    expected.map(({ n }) => n),
  );
});

test("n may depend on the key of the group", () => {
  const documents = [1, 2, 3, 4].map((v) => ({ v, g: v % 2 }));
  const n = { $cond: [{ $eq: ["$g", 1] }, 1, 2] };
  assert.deepEqual(
    aggregate(documents, [{ $group: { _id: { g: "$g" }, r: { $firstN: { input: "$v", n } } } }]),
    [
      { _id: { g: 1 }, r: [1] },
      { _id: { g: 0 }, r: [2, 4] },
    ],
  );
});

test("wrong operands of accumulators name them", () => {
  const wrong: [Document, RegExp, number][] = [
    [{ $sum: ["$a", "$b"] }, /one expression/, 9],
    [{ $foo: 1 }, /\$foo/, 9],
    [{ $count: 1 }, /\$count/, 9],
    [{ $firstN: { input: "$v" } }, /'n'/, 9],
    [{ $firstN: { input: "$v", n: 0 } }, /\$firstN/, 2],
    [{ $top: { sortBy: 1, output: 1 } }, /\$top/, 9],
    [{ $percentile: { input: "$v", p: [2], method: "approximate" } }, /'p'/, 2],
    [{ $median: { input: "$v", method: "exact" } }, /\$median/, 2],
    [{ $mergeObjects: "$v" }, /\$mergeObjects/, 2],
    [{ $accumulator: {} }, /\$accumulator/, 115],
  ];
  for (const [accumulator, message, code] of wrong) {
    assert.throws(() => accumulate(accumulator, [1]), { code, message });
  }
});

test("every accumulator is in a test", () => {
  const tested = new Set(cases.map(([accumulator]) => Object.keys(accumulator)[0]));
  assert.deepEqual([...tested].sort(), Object.keys(accumulators).sort());
});
