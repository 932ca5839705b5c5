import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter } from "../../../src/query/filter.js";
import type { Document } from "../../../src/values/document.js";

const { Query } = createRequire(import.meta.url)("mingo") as {
  Query: new (filter: Document) => { test(document: Document): boolean };
};

/**
 * Restricted to what mingo gets right: no arrays inside arrays, no null (it takes `{ a: null }` apart
 * differently inside arrays), no order of strings beyond ASCII.
 */
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 4 }),
  fc.constantFrom("x", "y", "Z"),
  fc.boolean(),
);
const inner = fc.record({ b: scalar, c: scalar }, { requiredKeys: [], noNullPrototype: true });
const document: fc.Arbitrary<Document> = fc.record(
  { a: fc.oneof(scalar, inner, fc.array(scalar, { minLength: 1, maxLength: 3 })), b: scalar },
  { requiredKeys: [], noNullPrototype: true },
);
const condition = fc.oneof(
  scalar,
  fc
    .tuple(fc.constantFrom("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), scalar)
    .map(([name, value]) => ({ [name]: value })),
  fc
    .tuple(fc.constantFrom("$in", "$nin"), fc.array(scalar, { maxLength: 3 }))
    .map(([name, list]) => ({ [name]: list })),
  fc.boolean().map((exists) => ({ $exists: exists })),
  fc
    .tuple(fc.constantFrom("$gt", "$lte"), scalar)
    .map(([name, value]) => ({ $not: { [name]: value } })),
);
const field = fc
  .tuple(fc.constantFrom("a", "b", "a.b", "a.c"), condition)
  .map(([path, value]): Document => ({ [path]: value }));
const filter = fc.oneof(
  field,
  fc
    .tuple(fc.constantFrom("$and", "$or", "$nor"), fc.array(field, { minLength: 1, maxLength: 3 }))
    .map(([name, list]): Document => ({ [name]: list })),
);

test("the compiled filter agrees with mingo where mingo agrees with MongoDB", () => {
  fc.assert(
    fc.property(filter, fc.array(document, { maxLength: 5 }), (given, documents) => {
      const matches = compileFilter(given);
      const query = new Query(given);
      for (const candidate of documents) assert.equal(matches(candidate), query.test(candidate));
    }),
    { numRuns: 2000 },
  );
});
