import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { compileFilter } from "../../../src/query/filter.js";
import type { Document } from "../../../src/values/document.js";

type Case = [filter: Document, matching: Document[], other: Document[]];

const bytes = (...values: number[]) => Uint8Array.from(values);
const day = (n: number) => new Date(n * 86_400_000);

const tables: Record<string, Case[]> = {
  "equality looks into arrays and compares documents exactly": [
    [{}, [{}, { a: 1 }], []],
    [{ a: 1 }, [{ a: 1 }, { a: [2, 1] }, { a: 1n }], [{ a: 2 }, {}, { a: "1" }, { a: [[1]] }]],
    [{ a: "x" }, [{ a: "x" }, { a: ["x"] }], [{ a: "X" }, { a: { b: "x" } }]],
    [{ a: 5n }, [{ a: 5 }, { a: 5n }], [{ a: 5.5 }, { a: "5" }]],
    [{ a: true }, [{ a: true }], [{ a: 1 }, { a: false }]],
    [{ a: { b: 1, c: 2 } }, [{ a: { b: 1, c: 2 } }], [{ a: { c: 2, b: 1 } }, { a: { b: 1 } }]],
    [{ a: [1, 2] }, [{ a: [1, 2] }, { a: [[1, 2], 3] }], [{ a: [2, 1] }, { a: [1, 2, 3] }]],
    [{ a: [] }, [{ a: [] }, { a: [[]] }], [{ a: null }, {}, { a: [1] }]],
    [{ a: {} }, [{ a: {} }], [{ a: { b: 1 } }, {}]],
    [{ a: day(1) }, [{ a: day(1) }, { a: [day(1)] }], [{ a: day(2) }, { a: 86_400_000 }]],
    [{ a: bytes(1, 2) }, [{ a: Buffer.from([1, 2]) }], [{ a: bytes(1) }, { a: [1, 2] }]],
    [{ a: Number.NaN }, [{ a: Number.NaN }], [{ a: 0 }, {}]],
    [{ a: 0 }, [{ a: -0 }, { a: 0n }], [{ a: false }, { a: null }]],
    [{ "a.b": 1 }, [{ a: { b: 1 } }, { a: [{ b: 1 }] }, { a: { b: [1] } }], [{ "a.b": 1 }]],
    [{ "a.0": 1 }, [{ a: [1, 2] }, { a: { 0: 1 } }, { a: [{ 0: 1 }] }], [{ a: [2, 1] }]],
    [{ "a.1": [2, 4] }, [{ a: [5, [2, 4]] }], [{ a: [[2, 4], 5] }]],
    [{ "a.1": 2 }, [{ a: [5, 2] }], [{ a: [5, [2, 4]] }]],
    [{ "a.0.b": 1 }, [{ a: [{ b: 1 }] }], [{ a: [{ b: 2 }, { b: 1 }] }]],
    [{ constructor: null }, [{}], [{ constructor: 1 }]],
    [{ toString: { $exists: false } }, [{}], [{ toString: 1 }]],
  ],
  "null matches null and missing": [
    [{ a: null }, [{ a: null }, {}, { a: [null] }, { a: [1, null] }], [{ a: 1 }, { a: [] }]],
    [
      { "a.b": null },
      [{}, { a: 5 }, { a: { b: null } }, { a: [{ c: 1 }] }],
      [{ a: [] }, { a: [1] }],
    ],
    [{ a: { $ne: null } }, [{ a: 1 }, { a: [] }], [{}, { a: null }, { a: [null, 1] }]],
    [{ a: { $in: [null, 1] } }, [{}, { a: null }, { a: 1 }], [{ a: 2 }]],
    [{ a: { $gte: null } }, [{}, { a: null }], [{ a: 1 }, { a: "" }]],
    [{ a: { $gt: null } }, [], [{}, { a: null }, { a: 1 }]],
  ],
  "comparisons match values of the same type only": [
    [
      { a: { $gt: 5 } },
      [{ a: 6 }, { a: 6n }, { a: [1, 9] }],
      [{ a: 5 }, { a: "6" }, {}, { a: true }],
    ],
    [{ a: { $gte: 5 } }, [{ a: 5 }, { a: 5n }], [{ a: 4 }, { a: null }]],
    [{ a: { $lt: 5 } }, [{ a: 4 }, { a: -Infinity }], [{ a: NaN }, {}, { a: null }]],
    [{ a: { $lte: 5 } }, [{ a: 5 }], [{ a: 5.1 }, { a: "1" }]],
    [{ a: { $gt: "b" } }, [{ a: "c" }, { a: "ba" }], [{ a: "b" }, { a: 3 }, { a: ["a"] }]],
    [{ a: { $gt: "\uffff" } }, [{ a: "\u{1f600}" }], [{ a: "\ufffe" }]],
    [{ a: { $gt: day(1) } }, [{ a: day(2) }], [{ a: day(1) }, { a: 1e15 }]],
    [{ a: { $gte: false } }, [{ a: false }, { a: true }], [{ a: 1 }]],
    [{ a: { $gte: NaN } }, [{ a: NaN }], [{ a: 1 }]],
    [{ a: { $gt: bytes(1) } }, [{ a: bytes(2) }, { a: bytes(0, 0) }], [{ a: bytes(1) }]],
    [{ a: { $gt: { b: 1 } } }, [{ a: { b: 2 } }], [{ a: { b: 1 } }, { a: 5 }]],
    [{ a: { $gt: 1, $lt: 3 } }, [{ a: 2 }, { a: [0, 5] }], [{ a: 3 }, { a: 1 }]],
    [{ a: { $gt: 9007199254740992 } }, [{ a: 9007199254740993n }], [{ a: 9007199254740992n }]],
  ],
  "$ne, $nin and $not select what does not match, missing fields included": [
    [{ a: { $ne: 1 } }, [{}, { a: 2 }, { a: [2] }], [{ a: 1 }, { a: [1, 2] }]],
    [{ a: { $nin: [1, 2] } }, [{}, { a: 3 }], [{ a: 1 }, { a: [3, 2] }]],
    [{ a: { $nin: [] } }, [{}, { a: 3 }], []],
    [{ a: { $not: { $gt: 5 } } }, [{}, { a: 5 }, { a: "x" }], [{ a: 6 }, { a: [1, 6] }]],
    [{ a: { $not: /^x/ } }, [{}, { a: "yx" }], [{ a: "x" }]],
    [{ a: { $not: { $gt: 1, $lt: 3 } } }, [{ a: 3 }, {}], [{ a: 2 }, { a: [0, 5] }]],
    [{ a: { $not: { $ne: 1 } } }, [{ a: 1 }], [{}, { a: 2 }]],
  ],
  "$in takes values of any type, and regular expressions": [
    [{ a: { $in: [1, "x"] } }, [{ a: 1n }, { a: "x" }, { a: ["y", "x"] }], [{ a: "y" }, {}]],
    [{ a: { $in: [] } }, [], [{}, { a: 1 }]],
    [{ a: { $in: [/^x/i, 5] } }, [{ a: "Xy" }, { a: 5 }], [{ a: "y" }]],
    [{ a: { $in: [[1, 2]] } }, [{ a: [1, 2] }, { a: [[1, 2]] }], [{ a: 1 }]],
    [
      { a: { $in: [day(1), bytes(1), { b: 1 }] } },
      [{ a: day(1) }, { a: { b: 1 } }],
      [{ a: day(2) }],
    ],
    [{ a: { $in: [2n ** 60n] } }, [{ a: 2 ** 60 }, { a: 2n ** 60n }], [{ a: 2n ** 60n + 1n }]],
  ],
  "$exists and $type": [
    [{ a: { $exists: true } }, [{ a: null }, { a: [] }, { a: 0 }], [{}]],
    [{ a: { $exists: false } }, [{}], [{ a: null }]],
    [{ "a.b": { $exists: true } }, [{ a: [{ b: 1 }, {}] }], [{ a: [] }, { a: 1 }]],
    [{ "a.b": { $exists: false } }, [{ a: [] }, { a: [{ c: 1 }] }], [{ a: [{ b: 1 }] }]],
    [{ a: { $type: "string" } }, [{ a: "x" }, { a: ["x"] }], [{ a: 1 }, {}]],
    [{ a: { $type: 2 } }, [{ a: "x" }], [{ a: 1 }]],
    [{ a: { $type: "number" } }, [{ a: 1 }, { a: 1.5 }, { a: 1n }], [{ a: "1" }]],
    [{ a: { $type: "int" } }, [{ a: 1 }], [{ a: 1.5 }, { a: 1n }, { a: 2 ** 40 }]],
    [{ a: { $type: "double" } }, [{ a: 1.5 }, { a: 2 ** 40 }], [{ a: 1 }]],
    [{ a: { $type: "long" } }, [{ a: 1n }], [{ a: 1 }]],
    [{ a: { $type: "array" } }, [{ a: [] }, { a: [1] }], [{ a: 1 }]],
    [
      { a: { $type: ["bool", "date", "binData"] } },
      [{ a: true }, { a: day(1) }, { a: bytes() }],
      [{ a: 1 }],
    ],
    [{ a: { $type: "null" } }, [{ a: null }], [{}]],
    [{ a: { $type: "object" } }, [{ a: {} }, { a: [{}] }], [{ a: [] }, { a: day(1) }]],
    [{ a: { $type: "regex" } }, [{ a: /x/ }], [{ a: "x" }]],
  ],
  "arrays: $all, $size, $elemMatch": [
    [{ a: { $all: [1, 2] } }, [{ a: [2, 1, 3] }], [{ a: [1] }, { a: 1 }]],
    [{ a: { $all: [1] } }, [{ a: 1 }, { a: [1] }], [{ a: 2 }]],
    [{ a: { $all: [[1, 2]] } }, [{ a: [1, 2] }, { a: [[1, 2]] }], [{ a: [1] }]],
    [{ a: { $all: [] } }, [], [{ a: [] }, {}]],
    [{ a: { $all: [/^x/] } }, [{ a: ["xy"] }], [{ a: ["y"] }]],
    [
      { a: { $all: [{ $elemMatch: { b: 1 } }, { $elemMatch: { c: 1 } }] } },
      [{ a: [{ b: 1 }, { c: 1 }] }],
      [{ a: [{ b: 1 }] }],
    ],
    [{ a: { $size: 2 } }, [{ a: [1, 2] }], [{ a: [1] }, { a: 2 }, {}]],
    [{ a: { $size: 0 } }, [{ a: [] }], [{}, { a: null }, { a: [[]] }]],
    [
      { a: { $elemMatch: { $gte: 80, $lt: 85 } } },
      [{ a: [82, 85, 88] }],
      [{ a: [75, 88] }, { a: 82 }],
    ],
    [
      { a: { $elemMatch: { b: 1, c: { $gt: 5 } } } },
      [{ a: [{ b: 1, c: 6 }] }],
      [{ a: [{ b: 1 }, { c: 6 }] }],
    ],
    [{ a: { $elemMatch: { $ne: 1 } } }, [{ a: [1, 2] }], [{ a: [1] }, { a: [] }]],
    [{ a: { $elemMatch: { $elemMatch: { $gt: 3 } } } }, [{ a: [[1, 4]] }], [{ a: [4] }]],
    [
      { a: { $elemMatch: { $or: [{ b: 1 }, { c: 1 }] } } },
      [{ a: [{ c: 1 }] }],
      [{ a: [{ d: 1 }] }],
    ],
    [{ "a.b": { $size: 1 } }, [{ a: [{ b: [1, 2] }, { b: [1] }] }], [{ a: { b: [] } }]],
  ],
  "logical operators": [
    [{ $and: [{ a: 1 }, { b: 2 }] }, [{ a: 1, b: 2 }], [{ a: 1 }]],
    [{ $or: [{ a: 1 }, { b: 2 }] }, [{ a: 1 }, { b: 2 }], [{ a: 2 }]],
    [{ $nor: [{ a: 1 }, { b: 2 }] }, [{}, { a: 2 }], [{ a: 1 }, { b: 2 }]],
    [{ a: 1, $or: [{ b: 1 }, { c: 1 }] }, [{ a: 1, c: 1 }], [{ c: 1 }]],
    [{ $comment: "why", a: { $gt: 1, $comment: "x" } }, [{ a: 2 }], [{ a: 1 }]],
  ],
  "$regex, $mod and bits": [
    [{ a: /^ab/i }, [{ a: "ABc" }, { a: ["x", "ab"] }, { a: /^ab/i }], [{ a: "cab" }, { a: 1 }]],
    [{ a: { $regex: "^a.c$", $options: "s" } }, [{ a: "a\nc" }], [{ a: "abcd" }]],
    [{ a: { $options: "i", $regex: "x" } }, [{ a: "X" }], [{ a: "y" }]],
    [{ a: /x/g }, [{ a: "x" }, { a: "xx" }], [{ a: "y" }]],
    [{ a: { $regex: /x/, $ne: "x" } }, [{ a: "xy" }], [{ a: "x" }]],
    [{ a: { $mod: [4, 0] } }, [{ a: 8 }, { a: 12n }, { a: 4.7 }], [{ a: 6 }, { a: "8" }, {}]],
    [{ a: { $mod: [4, -1] } }, [{ a: -5 }], [{ a: 5 }]],
    [
      { a: { $bitsAllSet: [1, 5] } },
      [{ a: 54 }, { a: 34n }, { a: bytes(34) }],
      [{ a: 2 }, { a: 1.5 }],
    ],
    [{ a: { $bitsAnySet: 35 } }, [{ a: 1 }], [{ a: 4 }]],
    [{ a: { $bitsAllClear: 3 } }, [{ a: 4 }], [{ a: 1 }]],
    [{ a: { $bitsAnyClear: 3 } }, [{ a: 1 }], [{ a: 3 }]],
    [{ a: { $bitsAllSet: [63] } }, [{ a: -1 }], [{ a: 1 }]],
  ],
  $expr: [
    [
      { $expr: { $gt: ["$spent", "$budget"] } },
      [{ spent: 5, budget: 3 }],
      [{ spent: 1, budget: 3 }],
    ],
    [{ $expr: { $eq: ["$a", null] } }, [{ a: null }], [{}, { a: 1 }]],
    [{ $expr: { $eq: [{ b: 1, c: 2 }, "$a"] } }, [{ a: { b: 1, c: 2 } }], [{ a: { c: 2, b: 1 } }]],
    [{ $expr: "$ok" }, [{ ok: true }, { ok: "" }, { ok: 1n }], [{}, { ok: 0 }, { ok: null }]],
    [{ $expr: { $eq: [{ $add: ["$a", 1] }, 3n] } }, [{ a: 2n }, { a: 2 }], [{ a: 3 }]],
    [{ $expr: { $in: ["$a", [1, 2]] } }, [{ a: 2n }], [{ a: 3 }, {}]],
    [{ $expr: { $gt: [{ $size: "$a" }, 1] } }, [{ a: [1, 2] }], [{ a: [1] }]],
  ],
};

for (const [name, cases] of Object.entries(tables)) {
  test(name, () => {
    for (const [filter, matching, others] of cases) {
      const matches = compileFilter(filter);
      for (const document of matching) assert.ok(matches(document), show(filter, document));
      for (const document of others) assert.ok(!matches(document), `not ${show(filter, document)}`);
    }
  });
}

function show(filter: Document, document: Document): string {
  const text = (value: Document) =>
    JSON.stringify(value, (_name, inner: unknown) =>
      typeof inner === "bigint" ? `${inner}n` : inner instanceof RegExp ? String(inner) : inner,
    );
  return `${text(filter)} matches ${text(document)}`;
}

test("bad filters are refused by code, naming the operator and the path", () => {
  const cases: [unknown, number, RegExp][] = [
    [{ "a.b": { $foo: 1 } }, 2, /unknown operator: \$foo at path "a\.b"/],
    [{ a: { $eq: 1, b: 2 } }, 2, /unknown operator: b/],
    [{ $foo: 1 }, 2, /unknown top level operator: \$foo/],
    [{ a: { $toString: 1 } }, 2, /unknown operator/],
    [{ $where: "true" }, 115, /\$where/],
    [{ $jsonSchema: 3 }, 14, /\$jsonSchema/],
    [{ $or: [{ $jsonSchema: { format: "date" } }] }, 9, /"format"/],
    [{ a: { $jsonSchema: {} } }, 115, /\$jsonSchema/],
    [{ a: { $elemMatch: { $where: "x" } } }, 115, /\$where/],
    [{ $expr: { $function: { body: "x", args: [], lang: "js" } } }, 115, /\$function/],
    [{ $expr: { $nope: 1 } }, 9, /\$nope/],
    [{ $expr: { $gt: [1, 2], $lt: [1, 2] } }, 9, /exactly one/],
    [{ $and: [] }, 2, /\$and/],
    [{ $or: {} }, 2, /\$or/],
    [{ $nor: [1] }, 2, /\$nor/],
    [{ a: { $in: 1 } }, 2, /\$in needs an array/],
    [{ a: { $nin: {} } }, 2, /\$nin/],
    [{ a: { $in: [{ $gt: 1 }] } }, 2, /cannot nest \$ under \$in/],
    [{ a: { $not: 5 } }, 2, /\$not/],
    [{ a: { $not: {} } }, 2, /\$not cannot be empty/],
    [{ a: { $ne: /x/ } }, 2, /\$ne/],
    [{ a: { $gt: /x/ } }, 2, /\$gt/],
    [{ a: { $size: -1 } }, 2, /\$size/],
    [{ a: { $size: 1.5 } }, 2, /\$size/],
    [{ a: { $mod: [4] } }, 2, /mod/],
    [{ a: { $mod: [0, 1] } }, 2, /divisor cannot be 0/],
    [{ a: { $type: "nope" } }, 2, /\$type/],
    [{ a: { $type: [] } }, 9, /\$type/],
    [{ a: { $regex: 5 } }, 2, /\$regex/],
    [{ a: { $regex: "(" } }, 2, /invalid/],
    [{ a: { $regex: "a", $options: "q" } }, 2, /\$options/],
    [{ a: { $regex: "a", $options: "x" } }, 115, /extended/],
    [{ a: { $options: "i" } }, 2, /\$options needs a \$regex/],
    [{ a: { $all: 1 } }, 2, /\$all/],
    [{ a: { $elemMatch: 1 } }, 2, /\$elemMatch/],
    [{ a: { $bitsAllSet: -1 } }, 2, /\$bitsAllSet/],
    [{ a: { $near: [1, 2] } }, 115, /\$near/],
    [{ "a.__proto__.b": 1 }, 2, /__proto__/],
    ["x", 2, /object/],
  ];
  for (const [filter, code, message] of cases) {
    assert.throws(
      () => compileFilter(filter as Document),
      (error: unknown) => {
        assert.ok(error instanceof LioranError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
