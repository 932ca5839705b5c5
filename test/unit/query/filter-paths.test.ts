import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileByteFilter } from "../../../src/query/byte-filter.js";
import { compileFilter } from "../../../src/query/filter.js";
import { filterPaths } from "../../../src/query/filter-paths.js";
import { decodeDocument, encodeDocument } from "../../../src/storage/document.js";
import { compileFieldReader } from "../../../src/storage/field-reader.js";
import type { Document } from "../../../src/values/document.js";
import { anyScalar, anyString } from "../values/arbitrary-values.js";

/** Few values, so that conditions meet what they ask for, and every kind of value beside them. */
const scalar = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(0, 1, 2, 1.5, -1, 300, 70_000, NaN, 1n, 2n ** 60n),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>("", "x", "xy", "é", "\ufffd", "a longer string of text"),
  },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(true, false, null) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(new Date(0), new Date(1500), new Date(-1)) },
  { weight: 1, arbitrary: anyScalar },
);
const names = fc.constantFrom("a", "b", "c", "0");
const { value } = fc.letrec<{ value: unknown; map: Document }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie("map") },
  ),
  map: fc.dictionary(names, tie("value"), { maxKeys: 3, noNullPrototype: true }),
}));
const document = fc
  .dictionary(names, value, { maxKeys: 4, noNullPrototype: true })
  .map((fields): Document => ({ _id: 1, ...fields }));

const comparable = scalar.filter((operand) => !(operand instanceof RegExp));
const operators: fc.Arbitrary<Document> = fc.oneof(
  fc
    .tuple(fc.constantFrom("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), comparable)
    .map(([name, operand]) => ({ [name]: operand })),
  fc.tuple(comparable, comparable).map(([low, high]) => ({ $gte: low, $lt: high })),
  fc
    .tuple(fc.constantFrom("$in", "$nin"), fc.array(scalar, { maxLength: 10 }))
    .map(([name, list]) => ({ [name]: list })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  fc.constantFrom("string", "number", "object", "array", "null").map((type) => ({ $type: type })),
  fc.constantFrom<Document>({ $mod: [2, 1] }, { $size: 1 }, { $regex: "^x" }, { $all: [1, "x"] }),
  comparable.map((operand) => ({ $not: { $gt: operand } })),
  comparable.map((operand) => ({ $elemMatch: { $gte: operand } })),
  comparable.map((operand) => ({ $elemMatch: { a: operand } })),
);
const path = fc.constantFrom("a", "b", "c", "a.b", "a.a", "b.c", "a.0", "a.b.c", "0.a", "a.0.b");
const condition = fc.oneof({ weight: 2, arbitrary: operators }, { weight: 1, arbitrary: value });
const field = fc.tuple(path, condition).map(([name, given]): Document => ({ [name]: given }));
const fields = fc.dictionary(path, condition, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
const filter: fc.Arbitrary<Document> = fc.oneof(
  { weight: 3, arbitrary: fields },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fields,
        fc.constantFrom("$and", "$or", "$nor"),
        fc.array(field, { minLength: 1, maxLength: 3 }),
      )
      .map(([beside, name, branches]): Document => ({ ...beside, [name]: branches })),
  },
);
const documents = fc.array(document, { minLength: 1, maxLength: 5 });

test("a filter gives the same answer on the fields it looks at as on the whole document", () => {
  fc.assert(
    fc.property(filter, documents, (given, candidates) => {
      const matches = compileFilter(given);
      const read = compileFieldReader(filterPaths(given)!.map((name) => name.split(".")));
      for (const candidate of candidates) {
        const bytes = encodeDocument(candidate);
        assert.equal(matches(read(bytes, 0)), matches(decodeDocument(bytes)));
      }
    }),
    { numRuns: 5_000 },
  );
});

test("what a byte filter decides is what the filter decides on the whole document", () => {
  let decided = 0;
  let matched = 0;
  fc.assert(
    fc.property(filter, documents, (given, candidates) => {
      const matches = compileFilter(given);
      const decide = compileByteFilter(given);
      for (const candidate of candidates) {
        const bytes = encodeDocument(candidate);
        const answer = decide?.(bytes, 0);
        if (answer === undefined) continue;
        decided += 1;
        if (answer) matched += 1;
        assert.equal(answer, matches(decodeDocument(bytes)));
      }
    }),
    { numRuns: 10_000 },
  );
  assert.ok(decided > 5_000 && matched > 500, `only ${decided} decided, ${matched} matched`);
});

test("strings are compared on the bytes as they are compared decoded", () => {
  const text = fc.oneof(
    anyString,
    fc.string({ unit: fc.constantFrom("a", "é", "\ud800", "😀", "\ufffd"), maxLength: 4 }),
  );
  const name = fc.constantFrom("$eq", "$ne", "$gt", "$gte", "$lt", "$lte");
  fc.assert(
    fc.property(name, text, text, (operator, operand, stored) => {
      const given = { a: { [operator]: operand } };
      const bytes = encodeDocument({ _id: 1, a: stored });
      assert.equal(
        compileByteFilter(given)!(bytes, 0),
        compileFilter(given)(decodeDocument(bytes)),
      );
    }),
    { numRuns: 5_000 },
  );
});

test("the paths of a filter are found in all of its branches, each once", () => {
  const branches = [{ a: 1 }, { $or: [{ "b.c": { $gt: 1 } }, { $nor: [{ d: null }] }] }];
  assert.deepEqual(filterPaths({ a: 2, $and: branches, $comment: "why" }), ["a", "b.c", "d"]);
  assert.deepEqual(filterPaths({ a: { $elemMatch: { b: 1, $or: [{ c: 1 }] } } }), ["a"]);
  assert.deepEqual(filterPaths({}), []);
});

test("a filter that may look at anything needs the whole document", () => {
  for (const given of [
    { $expr: { $gt: ["$a", "$b"] } },
    { a: 1, $jsonSchema: { required: ["b"] } },
    { $or: [{ a: 1 }, { $expr: true }] },
    { $unknown: 1 },
    { $and: 1 },
    { $and: [1] },
  ]) {
    assert.equal(filterPaths(given as Document), undefined);
  }
});

test("a byte filter decides what it can and leaves the rest to the filter", () => {
  const bytes = encodeDocument({ _id: 1, a: 5, b: [1, 2], c: { d: "x" } });
  const decide = (given: Document) => compileByteFilter(given)?.(bytes, 0);
  assert.equal(decide({ a: 5, "c.d": "x" }), true);
  assert.equal(decide({ a: 5, "c.d": "y" }), false);
  assert.equal(decide({ a: 5, missing: null, $and: [{ a: { $lt: 6 } }] }), true);
  assert.equal(decide({ a: 5, missing: { $exists: true } }), false);
  assert.equal(decide({ a: 5, b: 1 }), undefined);
  assert.equal(decide({ a: 6, b: 1 }), false);
  assert.equal(decide({ a: 5, $or: [{ b: 1 }] }), undefined);
  assert.equal(decide({ a: 6, $or: [{ b: 1 }] }), false);
  assert.equal(decide({ $or: [{ a: 5 }] }), undefined);
});

test("a byte filter refuses what the filter refuses", () => {
  assert.throws(() => compileByteFilter({ a: { $unknown: 1 } }), { code: 2 });
  assert.throws(() => compileByteFilter({ a: { $in: 1 } }), { code: 2 });
});
