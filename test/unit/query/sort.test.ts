import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSort, normalizeSort } from "../../../src/query/sort.js";
import type { Document } from "../../../src/values/document.js";

test("the driver's forms of a sort are read", () => {
  const cases: [unknown, [string, 1 | -1][], unknown?][] = [
    [undefined, []],
    [{}, []],
    [
      { a: 1, b: -1 },
      [
        ["a", 1],
        ["b", -1],
      ],
    ],
    [
      [
        ["a", 1],
        ["b", "desc"],
      ],
      [
        ["a", 1],
        ["b", -1],
      ],
    ],
    [
      ["a", "b"],
      [
        ["a", 1],
        ["b", 1],
      ],
    ],
    [
      ["a", "b"],
      [
        ["a", -1],
        ["b", -1],
      ],
      -1,
    ],
    [["a", -1], [["a", -1]]],
    ["a", [["a", 1]]],
    ["a.b", [["a.b", -1]], "descending"],
    [
      new Map([
        ["a", "ascending"],
        ["b", "DESC"],
      ]),
      [
        ["a", 1],
        ["b", -1],
      ],
    ],
  ];
  for (const [input, expected, direction] of cases) {
    assert.deepEqual(normalizeSort(input, direction), expected);
  }
  for (const input of [
    5,
    { a: 2 },
    { a: "up" },
    [["a"]],
    [[1, 1]],
    { "": 1 },
    { $a: 1 },
    { "a.__proto__": 1 },
  ]) {
    assert.throws(() => normalizeSort(input), { code: 2 }, JSON.stringify(input));
  }
  assert.throws(() => normalizeSort({ a: { $meta: "textScore" } }), { code: 115 });
});

test("values sort in MongoDB's order, arrays by their least or greatest element", () => {
  const values = [
    [],
    null,
    Number.NaN,
    -1,
    0n,
    2.5,
    3n,
    "B",
    "a",
    { b: 1 },
    Uint8Array.of(1),
    false,
    true,
    new Date(0),
  ];
  const documents = values.map((a): Document => (a === null ? {} : { a }));
  const shuffled = [...documents].sort((x, y) => String(x.a).length - String(y.a).length).reverse();
  assert.deepEqual([...shuffled].sort(compileSort({ a: 1 })), documents);
  assert.deepEqual([...shuffled].sort(compileSort({ a: -1 })), [...documents].reverse());

  const order = (sort: unknown, ...given: Document[]) =>
    given.sort(compileSort(sort)).map(({ _id }) => _id);
  const one = { _id: 1, a: [5, 9] };
  const two = { _id: 2, a: [1, 20] };
  const three = { _id: 3, a: 7 };
  assert.deepEqual(order({ a: 1 }, one, two, three), [2, 1, 3]);
  assert.deepEqual(order({ a: -1 }, one, two, three), [2, 1, 3]);
  assert.deepEqual(
    order({ "a.b": 1 }, { _id: 1, a: [{ b: 3 }, { b: 9 }] }, { _id: 2, a: { b: 2 } }, { _id: 3 }),
    [3, 2, 1],
  );
  assert.deepEqual(order({ "a.1": 1 }, { _id: 1, a: [0, 5] }, { _id: 2, a: [9, 1] }), [2, 1]);
  assert.deepEqual(order({ a: 1, b: -1 }, { _id: 1, a: 1, b: 1 }, { _id: 2, a: 1, b: 2 }), [2, 1]);
});
