import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { compileProjection } from "../../../src/query/projection.js";
import type { Document } from "../../../src/values/document.js";

const source = {
  _id: 1,
  z: 3,
  a: { b: 1, c: { d: 2, e: 3 } },
  list: [{ x: 1, y: 2 }, 5, { x: 3 }, [{ x: 4, y: 5 }]],
  n: [1, 2, 3, 4],
};

/** Results are compared as text, because the order of fields counts. */
const cases: [projection: Document, result: Document, filter?: Document][] = [
  [{}, source],
  [{ z: 1 }, { _id: 1, z: 3 }],
  [
    { n: 1, z: true },
    { _id: 1, z: 3, n: [1, 2, 3, 4] },
  ],
  [{ _id: 0, z: 1 }, { z: 3 }],
  [{ _id: 1 }, { _id: 1 }],
  [{ _id: 0, z: 0, list: 0, n: 0 }, { a: source.a }],
  [
    { z: 0, a: 0, list: false },
    { _id: 1, n: [1, 2, 3, 4] },
  ],
  [
    { z: 0, a: 0, list: 0, _id: 1 },
    { _id: 1, n: [1, 2, 3, 4] },
  ],
  [{ "a.c.d": 1 }, { _id: 1, a: { c: { d: 2 } } }],
  [{ a: { c: { d: 1 }, b: 1 } }, { _id: 1, a: { b: 1, c: { d: 2 } } }],
  [
    { "a.c": 0, list: 0, n: 0 },
    { _id: 1, z: 3, a: { b: 1 } },
  ],
  [{ "list.x": 1 }, { _id: 1, list: [{ x: 1 }, { x: 3 }, [{ x: 4 }]] }],
  [
    { "list.x": 0, a: 0, n: 0 },
    { _id: 1, z: 3, list: [{ y: 2 }, 5, {}, [{ y: 5 }]] },
  ],
  [{ "z.q": 1 }, { _id: 1 }],
  [{ missing: 1 }, { _id: 1 }],
  [
    { n: { $slice: 2 }, list: 0, a: 0 },
    { _id: 1, z: 3, n: [1, 2] },
  ],
  [
    { n: { $slice: -2 }, _id: 0, z: 1 },
    { z: 3, n: [3, 4] },
  ],
  [
    { n: { $slice: [1, 2] }, z: 1 },
    { _id: 1, z: 3, n: [2, 3] },
  ],
  [
    { n: { $slice: [-3, 2] }, z: 1 },
    { _id: 1, z: 3, n: [2, 3] },
  ],
  [{ n: { $slice: 1 } }, { ...source, n: [1] }],
  [{ list: { $elemMatch: { x: { $gt: 1 } } } }, { _id: 1, list: [{ x: 3 }] }],
  [
    { list: { $elemMatch: { x: 9 } }, z: 1 },
    { _id: 1, z: 3 },
  ],
  [{ n: { $elemMatch: { $gt: 2 } }, _id: 0 }, { n: [3] }],
  [{ "n.$": 1 }, { _id: 1, n: [3] }, { n: { $gt: 2 } }],
  [{ "list.$": 1 }, { _id: 1, list: [{ x: 3 }] }, { "list.x": 3 }],
  [
    { "n.$": 1, z: 1 },
    { _id: 1, z: 3, n: [2] },
    { n: { $elemMatch: { $gt: 1 } }, z: 3 },
  ],
  [{ sum: { $add: ["$z", 1] } }, { _id: 1, sum: 4 }],
  [
    { z: "$a.b", a: 1 },
    { _id: 1, a: source.a, z: 1 },
  ],
  [{ label: "text", _id: 0 }, { label: "text" }],
  [{ _id: "$z" }, { _id: 3 }],
  [
    { "a.sum": { $add: ["$z", 1] }, "a.b": 1 },
    { _id: 1, a: { b: 1, sum: 4 } },
  ],
  [
    { gone: "$missing", z: 1 },
    { _id: 1, z: 3 },
  ],
  [{ pair: ["$z", "$a.b"], _id: 0 }, { pair: [3, 1] }],
  [{ top: { $slice: ["$n", 1] }, _id: 0 }, { top: [1] }],
];

test("projections give MongoDB's result in MongoDB's order of fields", () => {
  const before = JSON.stringify(source);
  for (const [projection, result, filter] of cases) {
    const projected = compileProjection(projection, filter)(source);
    assert.equal(JSON.stringify(projected), JSON.stringify(result), JSON.stringify(projection));
  }
  assert.equal(JSON.stringify(source), before, "the input is unchanged");
});

test("contradictory and malformed projections are refused", () => {
  const cases: [Document, number, Document?][] = [
    [{ a: 1, b: 0 }, 2],
    [{ a: 0, b: "$c" }, 2],
    [{ a: 1, "a.b": 1 }, 2],
    [{ "a.b": 1, a: 1 }, 2],
    [{ a: {} }, 2],
    [{ "a.": 1 }, 2],
    [{ "a.$b": 1 }, 2],
    [{ "__proto__.a": 1 }, 2],
    [{ a: { $slice: "x" } }, 2],
    [{ a: { $slice: [1, 0] } }, 2],
    [{ a: { $elemMatch: 1 } }, 2],
    [{ "a.b": { $elemMatch: {} } }, 2],
    [{ "a.$": 1, "b.$": 1 }, 2],
    [{ a: { $meta: "textScore" } }, 115],
    [{ a: { $nope: 1 } }, 9],
  ];
  for (const [projection, code] of cases) {
    assert.throws(
      () => compileProjection(projection),
      (error: unknown) => error instanceof LioranError && error.code === code,
      JSON.stringify(projection),
    );
  }
  assert.throws(() => compileProjection({ "n.$": 1 }, { z: 3 })(source), { code: 2 });
});
