import assert from "node:assert/strict";
import { test } from "node:test";
import { upsertSeed } from "../../../src/query/upsert.js";
import type { Document } from "../../../src/values/document.js";

test("an upsert begins with the fields its filter fixes to one value", () => {
  const cases: [Document, Document][] = [
    [{}, {}],
    [{ a: 1, b: { $gt: 2 } }, { a: 1 }],
    [{ _id: null }, { _id: null }],
    [
      { a: 1, _id: 5 },
      { _id: 5, a: 1 },
    ],
    [{ a: { $eq: 1 } }, { a: 1 }],
    [{ a: { $in: [1] } }, { a: 1 }],
    [{ a: { $in: [1, 2] } }, {}],
    [{ a: { $all: [1] } }, { a: 1 }],
    [{ "a.b": 1, "a.c": 2 }, { a: { b: 1, c: 2 } }],
    [{ "a.0": 1 }, { a: { 0: 1 } }],
    [{ a: { b: 1 } }, { a: { b: 1 } }],
    [{ a: [1, 2] }, { a: [1, 2] }],
    [{ a: /x/ }, {}],
    [{ $and: [{ a: 1 }, { b: { $eq: 2 } }] }, { a: 1, b: 2 }],
    [{ $or: [{ a: 1 }] }, { a: 1 }],
    [{ $or: [{ a: 1 }, { b: 1 }] }, {}],
    [{ $nor: [{ a: 1 }], c: { $ne: 1 } }, {}],
    [{ a: { $not: { $eq: 1 } } }, {}],
  ];
  for (const [filter, seed] of cases) {
    assert.equal(JSON.stringify(upsertSeed(filter)), JSON.stringify(seed), JSON.stringify(filter));
  }
});

test("a field that the filter names twice is ambiguous", () => {
  for (const filter of [
    { $and: [{ a: 1 }, { a: 2 }] },
    { $and: [{ a: 1 }, { a: 1 }] },
    { a: { b: 1 }, "a.c": 2 },
    { "a.c": 2, a: { b: 1 } },
  ]) {
    assert.throws(() => upsertSeed(filter), { code: 54 }, JSON.stringify(filter));
  }
  assert.throws(() => upsertSeed({ "a.__proto__": 1 }), { code: 2 });
  assert.throws(() => upsertSeed({ "a..b": 1 }), { code: 56 });
  assert.equal(({} as Document).polluted, undefined);
});
