/** What each update operator does at its edges, and the code and words with which it refuses. */
import type { Document, ErrorCode } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { type Case, testCases, updated } from "./cases.js";

type Change = [update: Document, before: Document, after: Document, arrayFilters?: Document[]];
type Refusal = [update: Document, before: Document, code: ErrorCode, ...names: string[]];

const date = new Date(0);
const wide = Array.from({ length: 12 }, (_, n) => `a${n}`);

const changes: Change[] = [
  [{ $inc: { a: -1, "b.c": 2.5 } }, { a: 1 }, { a: 0, b: { c: 2.5 } }],
  [{ $inc: { "a.1": 5 } }, { a: [1, 2] }, { a: [1, 7] }],
  [{ $mul: { a: 0.5 } }, { a: 3 }, { a: 1.5 }],
  [{ $mul: { a: 2n } }, { a: 3 }, { a: 6n }],
  [{ $min: { a: "x" } }, { a: { b: 1 } }, { a: "x" }],
  [{ $max: { a: date } }, { a: true }, { a: date }],
  [{ $max: { a: [1] } }, { a: "z" }, { a: [1] }],
  [{ $min: { a: new Date(1) } }, { a: new Date(2) }, { a: new Date(1) }],
  [
    { $unset: { "a.1": "", "a.5": "", "b.c": "" } },
    { a: [1, 2, 3], b: 5 },
    { a: [1, null, 3], b: 5 },
  ],
  [{ $unset: { "a.0.b": "" } }, { a: [{ b: 1 }, 2] }, { a: [{}, 2] }],
  [{ $set: { "a.3": 9 } }, { a: [0] }, { a: [0, null, null, 9] }],
  [{ $set: { "a.2.b": 9 } }, { a: [] }, { a: [null, null, { b: 9 }] }],
  [{ $set: { "a.0": 1 } }, {}, { a: { 0: 1 } }],
  [{ $set: { "a.01": 1 } }, { a: {} }, { a: { "01": 1 } }],
  [{ $set: { b: 1, a: 2, "c.b": 3, "c.a": 4 } }, {}, { a: 2, b: 1, c: { a: 4, b: 3 } }],
  [{ $rename: { a: "b", "c.d": "e" } }, { a: 1, b: 2, c: { d: 3 } }, { c: {}, b: 1, e: 3 }],
  [{ $rename: { "a.b": "c" } }, { a: 5, d: 1 }, { a: 5, d: 1 }],
  [{ $push: { a: { $each: [3, 1], $sort: 1, $slice: -2 } } }, { a: [2] }, { a: [2, 3] }],
  [{ $push: { a: { $each: [9, 8], $position: -2 } } }, { a: [1, 2, 3] }, { a: [1, 9, 8, 2, 3] }],
  [
    { $push: { a: { $each: [{ n: 1 }], $sort: { n: -1, m: 1 } } } },
    { a: [{ n: 1, m: 2 }, { n: 3 }] },
    { a: [{ n: 3 }, { n: 1 }, { n: 1, m: 2 }] },
  ],
  [{ $push: { "a.1": 5 } }, { a: [[1], [2]] }, { a: [[1], [2, 5]] }],
  [{ $push: { a: { $each: [] } } }, {}, { a: [] }],
  [
    { $addToSet: { a: { $each: [{ b: 1 }, { b: 1n }, [1], [1]] } } },
    { a: [] },
    { a: [{ b: 1 }, [1]] },
  ],
  [{ $addToSet: { a: [1, 2] } }, { a: [1, 2] }, { a: [1, 2, [1, 2]] }],
  [{ $pop: { a: 1, b: -1 } }, { a: [1], b: [1, 2] }, { a: [], b: [2] }],
  [
    { $pull: { a: { b: { $gt: 1 }, c: 1 } } },
    { a: [{ b: 2, c: 1 }, { b: 2 }, { b: 1, c: 1 }] },
    { a: [{ b: 2 }, { b: 1, c: 1 }] },
  ],
  [{ $pull: { a: { $in: [1, /^x/] } } }, { a: [1, 2, "xy", "yx"] }, { a: [2, "yx"] }],
  [{ $pull: { "a.$[].b": 1 } }, { a: [{ b: [1, 2] }, { b: [1] }] }, { a: [{ b: [2] }, { b: [] }] }],
  [
    { $pullAll: { a: [{ b: 1 }, null] } },
    { a: [{ b: 1 }, { b: 1, c: 1 }, null] },
    { a: [{ b: 1, c: 1 }] },
  ],
  [{ $bit: { a: { or: 6, and: 3 } } }, { a: 1 }, { a: 3 }],
  [{ $bit: { a: { xor: 2n ** 40n } } }, { a: 1 }, { a: 2n ** 40n + 1n }],
  [{ $setOnInsert: { b: 1 }, $set: { c: 1 } }, { a: 1 }, { a: 1, c: 1 }],
  [
    { $set: { "a.$[x].n": 1, "a.$[y].m": 2 } },
    { a: [{ n: 5, m: 6 }, { n: 5 }] },
    { a: [{ n: 1, m: 2 }, { n: 1 }] },
    [{ "x.n": 5 }, { "y.m": 6 }],
  ],
  [{ $inc: { "a.$[x]": 1 } }, { a: [1, "t", 3] }, { a: [2, "t", 4] }, [{ x: { $type: "number" } }]],
];

const refusals: Refusal[] = [
  [{ $inc: { a: null } }, { a: 1 }, 14, "$inc", '"a"'],
  [{ $inc: { a: 1 } }, { a: "text" }, 14, "$inc", '"a"', "string"],
  [{ $inc: { "b.0": 1 } }, { b: [null] }, 14, "$inc", '"b.0"'],
  [{ $inc: { a: 1n } }, { a: 2n ** 63n - 1n }, 2],
  [{ $mul: { a: true } }, { a: 1 }, 14, "$mul", '"a"'],
  [{ $mul: { a: 1 } }, { a: [] }, 14, "$mul", '"a"', "array"],
  [{ $push: { a: 1 } }, { a: 1 }, 2, "$push", '"a"'],
  [{ $push: { a: { $each: 1 } } }, { a: [] }, 2, "$each", "$push", '"a"'],
  [{ $push: { a: { $each: [], $max: 1 } } }, { a: [] }, 2, "$max", '"a"'],
  [{ $push: { a: { $each: [], $position: 1.5 } } }, { a: [] }, 2, "$position", '"a"'],
  [{ $push: { a: { $each: [], $slice: null } } }, { a: [] }, 2, "$slice", '"a"'],
  [{ $push: { a: { $each: [], $sort: {} } } }, { a: [] }, 2, "$sort", '"a"'],
  [{ $addToSet: { a: { $each: 1 } } }, { a: [] }, 14, "$each", "$addToSet", '"a"'],
  [{ $addToSet: { a: 1 } }, { a: {} }, 2, "$addToSet", '"a"'],
  [{ $pullAll: { a: 1 } }, { a: [] }, 2, "$pullAll", '"a"'],
  [{ $pullAll: { a: [1] } }, { a: 1 }, 2, "$pullAll", '"a"'],
  [{ $pull: { a: { $foo: 1 } } }, { a: [1] }, 2, "$foo"],
  [{ $pull: { a: 1 } }, { a: 1 }, 2, "$pull", '"a"'],
  [{ $pop: { a: 0 } }, { a: [] }, 9, "$pop", '"a"'],
  [{ $pop: { a: 1 } }, { a: "x" }, 14, "$pop", '"a"'],
  [{ $bit: { a: { and: "x" } } }, { a: 1 }, 2, "$bit", '"a"'],
  [{ $bit: { a: { nand: 1 } } }, { a: 1 }, 2, "$bit", '"a"', "nand"],
  [{ $bit: { a: { and: 1 } } }, { a: 1.5 }, 2, "$bit", '"a"'],
  [{ $rename: { a: "a" } }, { a: 1 }, 2, "$rename", '"a"'],
  [{ $rename: { a: 1 } }, { a: 1 }, 2, "$rename", '"a"'],
  [{ $rename: { "a.0": "b" } }, { a: [1] }, 2, "$rename", '"a.0"'],
  [{ $rename: { b: "a.0" } }, { a: [1], b: 1 }, 2, "$rename", '"a.0"'],
  [{ $rename: { "a.$[]": "b" } }, { a: [1] }, 2, "$rename", '"a.$[]"'],
  [{ $rename: { a: "b.c" } }, { a: 1, b: 2 }, 28, '"b"'],
  [{ $currentDate: { a: 1 } }, { a: 1 }, 2, "$currentDate", '"a"'],
  [{ $currentDate: { a: { $type: "time" } } }, { a: 1 }, 2, "$currentDate", '"a"'],
  [{ $set: { "a.b": 1 } }, { a: 1 }, 28, '"b"', '"a"', "int"],
  [{ $set: { "a.b": 1 } }, { a: [{ b: 2 }] }, 28, '"b"', '"a"'],
  [{ $set: { "a.b.c": 1 } }, { a: { b: null } }, 28, '"c"', '"a.b"', "null"],
  [{ $set: { "a.1500001": 1 } }, { a: [] }, 34, '"a"', "1500001"],
  [{ $set: { "": 1 } }, { a: 1 }, 56],
  [{ $set: { "a.": 1 } }, { a: 1 }, 56, '"a."'],
  [{ $set: { "a.$": 1 } }, { a: [1] }, 2, '"a"'],
  [{ $set: { "a.$.b.$": 1 } }, { a: [1] }, 2, '"a.$.b.$"'],
  [{ $set: { $: 1 } }, { a: [1] }, 2, '"$"'],
  [{ $set: { "a.$[]": 1 } }, { a: 1 }, 2, '"a"'],
  [{ $set: { "a.$[]": 1 } }, {}, 2, '"a"'],
  [{ $set: { "a.$[].b": 1 } }, { a: [1] }, 28, '"b"', '"a.0"'],
  [{ $set: { "a.$[x]": 1 } }, { a: [1] }, 2, '"x"', '"a.$[x]"'],
  [{ $set: { a: 1, "a.b": 1 } }, { a: 1 }, 40, '"a"', '"a.b"'],
  [{ $set: { a: 1 }, $unset: { a: 1 } }, { a: 1 }, 40, '"a"'],
  [{ $rename: { a: "b" }, $set: { b: 1 } }, { a: 1 }, 40, '"b"'],
  [{ $inc: { _id: 1 } }, { a: 1 }, 66, "_id"],
  [{ $unset: { _id: 1 } }, { a: 1 }, 66, "_id"],
  [{ $rename: { a: "_id" } }, { a: 2 }, 66, "_id"],
  [{ $set: { "a.__proto__": 1 } }, { a: {} }, 2, "__proto__"],
  [{ $set: [] as never }, { a: 1 }, 9, "$set"],
  [{ $nope: { a: 1 } }, { a: 1 }, 9, "$nope"],
];

const pipelineRefusals: [stages: Document[], code: ErrorCode, ...names: string[]][] = [
  [[{ $match: { a: 1 } }], 2, "$match"],
  [[{ $group: { _id: 1 } }], 2, "$group"],
  [[{ $out: "x" }], 2, "$out"],
  [[{ $nope: 1 }], 2, "$nope"],
  [[{ $set: { a: 1 }, $unset: "b" }], 2],
  [[{ $set: 1 }], 2, "$set"],
  [[{ $unset: [] }], 2, "$unset"],
  [[{ $set: { "a.$": 1 } }], 2, "a.$"],
  [[{ $set: { "a.$[].b": 1 } }], 2, "a.$[].b"],
  [[{ $set: { b: { $nope: 1 } } }], 9, "$nope"],
  [[{ $set: { b: "$$nope" } }], 17276, "nope"],
  [[{ $replaceWith: "$a" }], 2, "$replaceWith"],
  [[{ $set: { _id: 9 } }], 66, "_id"],
  [[{ $replaceWith: { _id: 9 } }], 66, "_id"],
  [[{ $replaceWith: { $setField: { field: "_id", input: {}, value: 9 } } }], 66, "_id"],
];

export function updateLanguageSuite(subject: Subject): void {
  testCases(subject, "update", {
    ...Object.fromEntries(
      changes.map(([update, before, after, arrayFilters]): [string, Case] => [
        `${show(update)} of ${show(before)}`,
        {
          before: [{ _id: 1, ...before }],
          call: (c) => c.updateOne({ _id: 1 }, update, arrayFilters && { arrayFilters }),
          gives: updated(1, show(before) === show(after) ? 0 : 1),
          after: [{ _id: 1, ...after }],
        },
      ]),
    ),
    ...Object.fromEntries(
      refusals.map(([update, before, code, ...names]): [string, Case] => [
        `${show(update)} of ${show(before)} is ${code}`,
        {
          before: [{ _id: 1, ...before }],
          call: (c) => c.updateMany({}, update),
          fails: { code, names },
        },
      ]),
    ),
    ...Object.fromEntries(
      pipelineRefusals.map(([stages, code, ...names]): [string, Case] => [
        `${show(stages)} is ${code}`,
        {
          before: [{ _id: 1, a: 1 }],
          call: (c) => c.updateOne({}, stages),
          fails: { code, names },
        },
      ]),
    ),
    "array filters with a pipeline are 9": {
      call: (c) => c.updateOne({}, [{ $set: { x: 1 } }], { arrayFilters: [{ i: 1 }] }),
      fails: { code: 9, names: ["arrayFilters"] },
    },
    "padding of many arrays at once is bounded": {
      before: [{ _id: 1, ...Object.fromEntries(wide.map((name) => [name, []])) }],
      call: (c) =>
        c.updateOne({}, { $set: Object.fromEntries(wide.map((name) => [`${name}.1500000`, 1])) }),
      fails: { code: 10334 },
    },
    "a document whose _id holds a bigint can be named in an error": {
      before: [{ _id: { n: 1n }, a: "x" }],
      call: (c) => c.updateOne({}, { $inc: { a: 1 } }),
      fails: { code: 14, names: ["$inc", '"a"'] },
    },
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}
