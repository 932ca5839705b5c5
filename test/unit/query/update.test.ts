import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { compileUpdate, replaceDocument, type UpdateOptions } from "../../../src/query/update.js";
import type { Document } from "../../../src/values/document.js";

type Case = [before: Document, update: Document, after: Document, options?: UpdateOptions];

const now = new Date("2024-01-02T03:04:05Z");

function text(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === "bigint" ? `${inner}n` : inner,
  );
}

const tables: Record<string, Case[]> = {
  "$set and $unset": [
    [{ a: 1 }, { $set: { a: 2 } }, { a: 2 }],
    [{}, { $set: { b: 1, a: 2 } }, { a: 2, b: 1 }],
    [{}, { $set: { "x.10": 1, "x.9": 2 } }, { x: { 9: 2, 10: 1 } }],
    [{}, { $set: { "a.b.c": 1 } }, { a: { b: { c: 1 } } }],
    [{ a: [1, 2] }, { $set: { "a.1": 9 } }, { a: [1, 9] }],
    [{ a: [1] }, { $set: { "a.3": 9 } }, { a: [1, null, null, 9] }],
    [{ a: [{ b: 1 }] }, { $set: { "a.0.b": 2, "a.1.b": 3 } }, { a: [{ b: 2 }, { b: 3 }] }],
    [{ a: 1, b: 2 }, { $unset: { a: "" } }, { b: 2 }],
    [{ a: { b: 1, c: 2 } }, { $unset: { "a.b": 1, "x.y": 1 } }, { a: { c: 2 } }],
    [{ a: [1, 2, 3] }, { $unset: { "a.1": "", "a.9": "" } }, { a: [1, null, 3] }],
    [{ a: 5 }, { $unset: { "a.b": "" } }, { a: 5 }],
    [{ a: [1] }, { $unset: { "a.b": "" } }, { a: [1] }],
    [{ a: 1 }, { $set: {} }, { a: 1 }],
    [{ a: 1 }, { $set: { a: { $literal: 1 } } }, { a: { $literal: 1 } }],
  ],
  "$inc, $mul, $min, $max, $bit, $currentDate": [
    [{ a: 1 }, { $inc: { a: 2, b: 3 } }, { a: 3, b: 3 }],
    [{ a: 1n, b: 1, c: 1n }, { $inc: { a: 2, b: 2n, c: 0.5 } }, { a: 3n, b: 3n, c: 1.5 }],
    [{ a: 2, b: 2n }, { $mul: { a: 3, b: 3, c: 5, d: 5n } }, { a: 6, b: 6n, c: 0, d: 0n }],
    [{ a: 5, b: 5 }, { $min: { a: 3, b: 9, c: 1 } }, { a: 3, b: 5, c: 1 }],
    [{ a: 5, b: 5 }, { $max: { a: 3, b: 9, c: 1 } }, { a: 5, b: 9, c: 1 }],
    [{ a: 5 }, { $max: { a: "x" } }, { a: "x" }],
    [{ a: 5 }, { $min: { a: null } }, { a: null }],
    [{ a: 13 }, { $bit: { a: { and: 10 } } }, { a: 8 }],
    [{ a: 3 }, { $bit: { a: { or: 5 }, b: { xor: 3 } } }, { a: 7, b: 3 }],
    [{ a: 1n }, { $bit: { a: { xor: 5 } } }, { a: 4n }],
    [{}, { $currentDate: { a: true, b: { $type: "date" } } }, { a: now, b: now }],
  ],
  $rename: [
    [{ a: 1, b: 2 }, { $rename: { a: "c" } }, { b: 2, c: 1 }],
    [{ a: { b: 1, c: 2 } }, { $rename: { "a.b": "d.e" } }, { a: { c: 2 }, d: { e: 1 } }],
    [{ a: 1, b: 2 }, { $rename: { a: "b" } }, { b: 1 }],
    [{ b: 2 }, { $rename: { a: "b" } }, { b: 2 }],
    [{ z: 1 }, { $rename: { z: "a" } }, { a: 1 }],
  ],
  $push: [
    [{}, { $push: { a: 1 } }, { a: [1] }],
    [{ a: [1] }, { $push: { a: [2, 3] } }, { a: [1, [2, 3]] }],
    [{ a: [1] }, { $push: { a: { $each: [2, 3] } } }, { a: [1, 2, 3] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9], $position: 0 } } }, { a: [9, 1, 2] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9], $position: -1 } } }, { a: [1, 9, 2] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9], $position: 7 } } }, { a: [1, 2, 9] }],
    [{ a: [40, 60] }, { $push: { a: { $each: [80, 78], $slice: -3 } } }, { a: [60, 80, 78] }],
    [{ a: [89, 70] }, { $push: { a: { $each: [100, 20], $slice: 3 } } }, { a: [89, 70, 100] }],
    [{ a: [1] }, { $push: { a: { $each: [], $slice: 0 } } }, { a: [] }],
    [{ a: [89, 70] }, { $push: { a: { $each: [40], $sort: 1 } } }, { a: [40, 70, 89] }],
    [
      {
        a: [
          { w: 1, s: 10 },
          { w: 2, s: 8 },
        ],
      },
      { $push: { a: { $each: [{ w: 5, s: 9 }], $sort: { s: -1 }, $slice: 2 } } },
      {
        a: [
          { w: 1, s: 10 },
          { w: 5, s: 9 },
        ],
      },
    ],
    [{}, { $push: { "a.b": 1 } }, { a: { b: [1] } }],
  ],
  "$addToSet, $pop, $pull, $pullAll": [
    [{ a: ["x"] }, { $addToSet: { a: "y" } }, { a: ["x", "y"] }],
    [{ a: [1] }, { $addToSet: { a: 1n } }, { a: [1] }],
    [{ a: ["x"] }, { $addToSet: { a: { $each: ["y", "x", "y"] } } }, { a: ["x", "y"] }],
    [
      { a: [{ b: 1, c: 2 }] },
      { $addToSet: { a: { c: 2, b: 1 } } },
      {
        a: [
          { b: 1, c: 2 },
          { c: 2, b: 1 },
        ],
      },
    ],
    [{}, { $addToSet: { a: 1 } }, { a: [1] }],
    [{ a: [1, 2, 3] }, { $pop: { a: 1 } }, { a: [1, 2] }],
    [{ a: [1, 2, 3] }, { $pop: { a: -1, b: 1 } }, { a: [2, 3] }],
    [{ a: [1, 2, 1] }, { $pull: { a: 1 } }, { a: [2] }],
    [{ a: [3, 5, 6, 8] }, { $pull: { a: { $gte: 6 } } }, { a: [3, 5] }],
    [{ a: ["x", "y"] }, { $pull: { a: { $in: ["x", "z"] } } }, { a: ["y"] }],
    [
      {
        a: [
          { i: "A", s: 5 },
          { i: "B", s: 8, c: 1 },
        ],
      },
      { $pull: { a: { s: 8, i: "B" } } },
      { a: [{ i: "A", s: 5 }] },
    ],
    [
      { a: [{ q: [{ n: 1, v: 5 }] }, { q: [{ n: 2, v: 9 }] }] },
      { $pull: { a: { q: { $elemMatch: { n: 2, v: { $gte: 8 } } } } } },
      { a: [{ q: [{ n: 1, v: 5 }] }] },
    ],
    [{ a: ["ab", "b"] }, { $pull: { a: /^a/ } }, { a: ["b"] }],
    [
      {
        a: [
          [1, 2],
          [2, 1],
        ],
      },
      { $pull: { a: [1, 2] } },
      { a: [[2, 1]] },
    ],
    [{ a: [1, null, 2] }, { $pull: { a: null, b: 1 } }, { a: [1, 2] }],
    [{ a: [0, 2, 5, 5, 1, 0] }, { $pullAll: { a: [0, 5] } }, { a: [2, 1] }],
  ],
  "positional operators": [
    [{ a: [80, 85, 80] }, { $set: { "a.$": 82 } }, { a: [82, 85, 80] }, { filter: { a: 80 } }],
    [
      {
        a: [
          { g: 80, s: 1 },
          { g: 85, s: 2 },
        ],
      },
      { $set: { "a.$.s": 6 } },
      {
        a: [
          { g: 80, s: 1 },
          { g: 85, s: 6 },
        ],
      },
      { filter: { "a.g": 85 } },
    ],
    [
      { a: [{ g: 80 }, { g: 90 }] },
      { $set: { "a.$.s": 6 } },
      { a: [{ g: 80 }, { g: 90, s: 6 }] },
      { filter: { a: { $elemMatch: { g: { $gt: 85 } } } } },
    ],
    [
      { a: [1, 2], b: [3, 4] },
      { $set: { "a.$": 0 } },
      { a: [1, 0], b: [3, 4] },
      { filter: { $and: [{ a: 2 }, { b: 3 }] } },
    ],
    [{ a: [1, 2] }, { $inc: { "a.$[]": 10 } }, { a: [11, 12] }],
    [{ a: [] }, { $inc: { "a.$[]": 10 } }, { a: [] }],
    [
      { a: [{ b: [1, 2] }, { b: [3] }] },
      { $inc: { "a.$[].b.$[]": 1 } },
      { a: [{ b: [2, 3] }, { b: [4] }] },
    ],
    [
      { a: [95, 102, 90, 150] },
      { $set: { "a.$[e]": 100 } },
      { a: [95, 100, 90, 100] },
      { arrayFilters: [{ e: { $gte: 100 } }] },
    ],
    [
      {
        a: [
          { g: 80, m: 75 },
          { g: 90, m: 85 },
        ],
      },
      { $set: { "a.$[elem].m": 100 } },
      {
        a: [
          { g: 80, m: 75 },
          { g: 90, m: 100 },
        ],
      },
      { arrayFilters: [{ "elem.g": { $gte: 85 }, "elem.m": { $gt: 80 } }] },
    ],
    [
      {
        a: [
          { t: "quiz", q: [10, 8] },
          { t: "exam", q: [8] },
        ],
      },
      { $inc: { "a.$[t].q.$[s]": 2 } },
      {
        a: [
          { t: "quiz", q: [10, 10] },
          { t: "exam", q: [8] },
        ],
      },
      { arrayFilters: [{ "t.t": "quiz" }, { s: 8 }] },
    ],
    [
      { a: [{ x: 1 }, { x: 2 }] },
      { $set: { "a.$[i].x": 5, "a.$[j].y": 7 } },
      { a: [{ x: 5, y: 7 }, { x: 2 }] },
      { arrayFilters: [{ "i.x": 1 }, { "j.x": 1 }] },
    ],
    [
      { a: [{ x: 1 }, { x: 2 }] },
      { $set: { "a.$[].y": 0, "a.$[i].z": 1 } },
      {
        a: [
          { x: 1, y: 0, z: 1 },
          { x: 2, y: 0 },
        ],
      },
      { arrayFilters: [{ "i.x": 1 }] },
    ],
    [
      { a: [{ x: 1 }] },
      { $set: { "a.$.y": 2, "a.0.z": 3, "a.2": 4 } },
      { a: [{ x: 1, y: 2, z: 3 }, null, 4] },
      { filter: { "a.x": 1 } },
    ],
    [
      { a: [{ b: [1, 2] }, { b: [3] }] },
      { $mul: { "a.$[x].b.$[x]": 2 } },
      { a: [{ b: [1, 2] }, { b: [3] }] },
      { arrayFilters: [{ x: 9 }] },
    ],
    [
      { a: [1, 5] },
      { $unset: { "a.$[x]": "" } },
      { a: [1, null] },
      { arrayFilters: [{ $or: [{ x: 5 }, { x: 6 }] }] },
    ],
  ],
};

for (const [name, cases] of Object.entries(tables)) {
  test(name, () => {
    for (const [before, update, after, options] of cases) {
      const input = text(before);
      const result = compileUpdate(update, options).apply(before, now);
      assert.equal(text(result.document), text(after), `${input} ${text(update)}`);
      assert.equal(result.modified, input !== text(after), `modified: ${input} ${text(update)}`);
      assert.equal(text(before), input, "the input is unchanged");
    }
  });
}

test("only a real change counts as modified, but types and order of fields are real", () => {
  const modified = (document: Document, update: Document) =>
    compileUpdate(update).apply(document).modified;
  assert.equal(modified({ a: 1 }, { $set: { a: 1 } }), false);
  assert.equal(modified({ a: 1 }, { $set: { a: 1n } }), true);
  assert.equal(modified({ a: { b: 1, c: 2 } }, { $set: { a: { c: 2, b: 1 } } }), true);
  assert.equal(modified({ a: new Date(1) }, { $set: { a: new Date(1) } }), false);
  assert.equal(
    modified({ a: [1] }, { $addToSet: { a: 1 }, $pull: { b: 1 }, $unset: { c: 1 } }),
    false,
  );
  assert.equal(modified({ a: 1 }, { $setOnInsert: { b: 1 } }), false);
  assert.equal(modified({ a: 1 }, { $inc: { a: 0 } }), false);
});

test("an upsert applies $setOnInsert too and puts _id first", () => {
  const update = compileUpdate({ $set: { b: 2 }, $setOnInsert: { _id: 7, c: 3 }, $inc: { a: 1 } });
  assert.equal(text(update.applyOnInsert({ a: 1 })), text({ _id: 7, a: 2, b: 2, c: 3 }));
  assert.throws(() => update.applyOnInsert({ _id: 8 }), { code: 66 });
  assert.equal(
    text(compileUpdate({ $set: { a: 1 } }).applyOnInsert({ _id: null })),
    text({ _id: null, a: 1 }),
  );
});

function fails(action: () => unknown, code: number, what: string): void {
  assert.throws(
    action,
    (error: unknown) => {
      assert.ok(error instanceof LioranError, `${what}: ${String(error)}`);
      assert.equal(error.code, code, `${what}: ${error.message}`);
      return true;
    },
    what,
  );
}

test("updates that can never be applied are refused when compiled", () => {
  const cases: [unknown, number, UpdateOptions?][] = [
    [{}, 2],
    [{ a: 1 }, 9],
    [{ $foo: { a: 1 } }, 9],
    [{ $set: 5 }, 9],
    [{ $set: { a: 1, "a.b": 2 } }, 40],
    [{ $set: { a: 1 }, $inc: { a: 1 } }, 40],
    [{ $set: { "a.b": 1 }, $unset: { a: 1 } }, 40],
    [{ $rename: { a: "b" }, $set: { b: 1 } }, 40],
    [{ $set: { "a.$[]": 1, "a.0": 2 } }, 40],
    [{ $rename: { a: "a" } }, 2],
    [{ $rename: { a: 5 } }, 2],
    [{ $rename: { "a.$": "b" } }, 2],
    [{ $set: { "": 1 } }, 56],
    [{ $set: { "a..b": 1 } }, 56],
    [{ $rename: { a: "" } }, 56],
    [{ $set: { a: 1 }, b: 1 }, 9],
    [{ $set: { [deepPath]: 1 } }, 2],
    [[{ $set: { [deepPath]: 1 } }], 2],
    [{ $set: { "a.$[x]": 1, "a.b": 1 } }, 40, { arrayFilters: [{ x: 1 }] }],
    [{ $set: { "a.$[x]": 1 } }, 9, { arrayFilters: [{}] }],
    [{ $set: { "a.$[x]": 1 } }, 9, { arrayFilters: [{ $or: [{ x: 1 }, { y: 1 }] }] }],
    [{ $bit: { a: 5 } }, 2],
    [{ $bit: { a: {} } }, 2],
    [{ $bit: { a: { and: "1" } } }, 2],
    [{ $pop: { a: "1" } }, 9],
    [{ $push: { a: { $each: [], $position: "0" } } }, 2],
    [{ $push: { a: { $each: [], $sort: { b: 2 } } } }, 2],
    [{ $addToSet: { a: { $each: [], $slice: 1 } } }, 2],
    [{ $currentDate: { a: { $type: "date", x: 1 } } }, 2],
    [{ $rename: { a: "b.$" } }, 2],
    [{ $rename: { a: "a.b" } }, 2],
    [{ $rename: { a: "b", c: "b" } }, 40],
    [{ $rename: { a: "b", b: "c" } }, 40],
    [{ $pull: { a: 1 }, $push: { a: 2 } }, 40],
    [{ $setOnInsert: { a: 1 }, $set: { "a.b": 1 } }, 40],
    [{ $set: { "a.__proto__.b": 1 } }, 2],
    [{ $set: { $a: 1 } }, 52],
    [{ $set: { "a.$b": 1 } }, 52],
    [{ $set: { "$[].b": 1 } }, 2],
    [{ $set: { "a.$.b.$": 1 } }, 2],
    [{ $inc: { a: "1" } }, 14],
    [{ $mul: { a: null } }, 14],
    [{ $currentDate: { a: 5 } }, 2],
    [{ $currentDate: { a: { $type: "timestamp" } } }, 115],
    [{ $pop: { a: 2 } }, 9],
    [{ $pullAll: { a: 1 } }, 2],
    [{ $pull: { a: { $foo: 1 } } }, 2],
    [{ $push: { a: { $each: 1 } } }, 2],
    [{ $push: { a: { $each: [], $foo: 1 } } }, 2],
    [{ $push: { a: { $each: [], $slice: 1.5 } } }, 2],
    [{ $push: { a: { $each: [], $sort: 2 } } }, 2],
    [{ $addToSet: { a: { $each: 1 } } }, 14],
    [{ $bit: { a: { not: 1 } } }, 2],
    [{ $bit: { a: { and: 1.5 } } }, 2],
    [{ $set: { "a.$[x]": 1 } }, 2],
    [{ $set: { "a.$[]": 1 } }, 9, { arrayFilters: [{ x: 1 }] }],
    [{ $set: { "a.$[x]": 1 } }, 9, { arrayFilters: [{ x: 1 }, { x: 2 }] }],
    [{ $set: { "a.$[x]": 1 } }, 9, { arrayFilters: [{ x: 1, y: 1 }] }],
    [{ $set: { "a.$[X]": 1 } }, 2, { arrayFilters: [{ X: 1 }] }],
    [[{ $match: {} }], 2],
    [[{ $set: { a: 1 }, $unset: "b" }], 2],
    [[{ $set: { a: { $function: {} } } }], 115],
    [[{ $set: { a: { $nope: 1 } } }], 9],
    [[{ $set: { a: 1 } }], 9, { arrayFilters: [{ x: 1 }] }],
    [5, 2],
  ];
  for (const [update, code, options] of cases) {
    fails(() => compileUpdate(update as Document, options), code, text(update));
  }
});

const wide = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`a${n}`, []]));
const deepPath = `${"a.".repeat(50_000)}a`;

test("updates that do not fit the document are refused when applied", () => {
  const cases: [Document, Document, number, UpdateOptions?][] = [
    [{ _id: 1 }, { $set: { _id: 2 } }, 66],
    [{ _id: 1 }, { $unset: { _id: "" } }, 66],
    [{ _id: 1 }, { $rename: { _id: "a" } }, 66],
    [{ _id: { a: 1 } }, { $set: { "_id.a": 2 } }, 66],
    [{ a: "x" }, { $inc: { a: 1 } }, 14],
    [{ a: null }, { $inc: { a: 1 } }, 14],
    [{ a: 2n ** 63n - 1n }, { $inc: { a: 1 } }, 2],
    [{ a: 5 }, { $set: { "a.b": 1 } }, 28],
    [{ a: null }, { $set: { "a.b": 1 } }, 28],
    [{ a: [1] }, { $set: { "a.b": 1 } }, 28],
    [{ a: [1] }, { $push: { "a.b.c": 1 } }, 28],
    [{ a: [] }, { $set: { "a.1500001": 1 } }, 34],
    [{ a: [1] }, { $set: { "a.99999999999999999999": 1 } }, 34],
    [
      wide,
      { $set: Object.fromEntries(Object.keys(wide).map((name) => [`${name}.1500000`, 1])) },
      10334,
    ],
    [
      { a: [{ x: 1, y: 1 }] },
      { $set: { "a.$[i].x": 5, "a.$[j].x": 6 } },
      40,
      { arrayFilters: [{ "i.x": 1 }, { "j.y": 1 }] },
    ],
    [{ a: [1] }, { $set: { "a.$[]": 5, "a.$[j]": 6 } }, 40, { arrayFilters: [{ j: 1 }] }],
    [{ a: [{ x: 1 }] }, { $set: { "a.$.x": 5, "a.0": 6 } }, 40, { filter: { "a.x": 1 } }],
    [{ _id: { n: 1n }, a: "x" }, { $inc: { a: 1 } }, 14],
    [{ a: 1, b: 5 }, { $rename: { a: "b.c" } }, 28],
    [{ _id: 1, a: 2 }, { $rename: { a: "_id" } }, 66],
    [{ a: [1], b: 2 }, { $rename: { b: "a.0" } }, 2],
    [{ a: [5] }, { $set: { "a.$[].b": 1 } }, 28],
    [{ a: 5 }, { $mul: { "a.b": 2 } }, 28],
    [{ a: 5 }, { $push: { "a.b": 2 } }, 28],
    [{ a: new Date(0) }, { $inc: { a: 1 } }, 14],
    [{ a: true }, { $mul: { a: 1 } }, 14],
    [{ a: "x" }, { $bit: { a: { or: 1 } } }, 2],
    [{ a: null }, { $pull: { a: 1 } }, 2],
    [{ a: "x" }, { $pullAll: { a: [1] } }, 2],
    [{ a: { 0: 1 } }, { $pop: { a: 1 } }, 14],
    [{ a: 1 }, { $push: { a: 1 } }, 2],
    [{ a: null }, { $push: { a: 1 } }, 2],
    [{ a: 1 }, { $addToSet: { a: 1 } }, 2],
    [{ a: 1 }, { $pull: { a: 1 } }, 2],
    [{ a: 1 }, { $pop: { a: 1 } }, 14],
    [{ a: 1.5 }, { $bit: { a: { and: 1 } } }, 2],
    [{ a: [1] }, { $set: { "a.$": 1 } }, 2, { filter: { b: 1 } }],
    [{ a: [1] }, { $set: { "a.$": 1 } }, 2],
    [{ a: 1 }, { $set: { "a.$[]": 1 } }, 2],
    [{}, { $set: { "a.$[]": 1 } }, 2],
    [{ a: [{ b: 1 }] }, { $rename: { "a.b": "c" } }, 2],
  ];
  for (const [document, update, code, options] of cases) {
    fails(() => compileUpdate(update, options).apply(document), code, text(update));
  }
});

test("a replacement keeps _id, in front", () => {
  const replaced = replaceDocument({ _id: 1, a: 1 }, { b: 2 });
  assert.equal(text(replaced.document), text({ _id: 1, b: 2 }));
  assert.equal(replaced.modified, true);
  assert.equal(
    text(replaceDocument({ _id: 1 }, { b: 2, _id: 1 }).document),
    text({ _id: 1, b: 2 }),
  );
  assert.equal(replaceDocument({ _id: 1, a: 1 }, { a: 1 }).modified, false);
  assert.equal(text(replaceDocument({}, { b: 2, _id: 1 }).document), text({ _id: 1, b: 2 }));
  fails(() => replaceDocument({ _id: 1 }, { _id: 2 }), 66, "another _id");
  fails(() => replaceDocument({ _id: 1 }, { $set: { a: 1 } }), 52, "operators");
});

test("no path reaches a prototype", () => {
  compileUpdate({ $set: { "constructor.prototype.polluted": 1 } }).apply({});
  assert.equal(({} as Document).polluted, undefined);
  const { document } = compileUpdate({ $set: { "constructor.a": 1 } }).apply({});
  assert.deepEqual(document, { constructor: { a: 1 } });
});
