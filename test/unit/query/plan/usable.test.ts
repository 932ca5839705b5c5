import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter } from "../../../../src/query/filter.js";
import { readShape } from "../../../../src/query/plan/conditions.js";
import { isUsable } from "../../../../src/query/plan/usable.js";
import type { Document } from "../../../../src/values/document.js";
import { anyDocument, anyFilter, anyIndex } from "../../../fuzz/arbitrary-queries.js";
import { indexOver } from "./index-over.js";

const usable = (filter: Document, more: object, key: Record<string, 1 | -1> = { a: 1, b: 1 }) =>
  isUsable(indexOver(key, more), readShape(filter));

test("an index that is being built serves nothing", () => {
  assert.equal(usable({ a: 1 }, { state: "building" }), false);
  assert.equal(usable({}, {}), true);
});

test("a sparse index serves filters that what it leaves out cannot match", () => {
  const sparse = { sparse: true };
  for (const filter of [
    { a: 1 },
    { b: { $gt: 1 } },
    { a: { $exists: true } },
    { a: { $ne: null } },
    { b: /^x/ },
    { $expr: { $eq: ["$a", 1] } },
  ]) {
    assert.equal(usable(filter, sparse), true);
  }
  for (const filter of [{}, { a: null }, { a: { $exists: false } }, { a: { $ne: 1 } }, { c: 1 }]) {
    assert.equal(usable(filter, sparse), false);
  }
});

test("a partial index serves filters that imply its own", () => {
  const cases: [partial: Document, filter: Document, isUsable: boolean][] = [
    [{ c: 1 }, { c: 1 }, true],
    [{ c: 1 }, { c: 2 }, false],
    [{ c: 1 }, {}, false],
    [{ c: { $gt: 5 } }, { c: { $gt: 5 } }, true],
    [{ c: { $gt: 5 } }, { c: { $gt: 6 } }, true],
    [{ c: { $gt: 5 } }, { c: 7 }, true],
    [{ c: { $gt: 5 } }, { c: { $gte: 5 } }, false],
    [{ c: { $gt: 5 } }, { c: "7" }, false],
    [{ c: { $exists: true } }, { c: 1 }, true],
    [{ c: { $exists: true } }, { c: null }, false],
    [{ c: { $in: [1, 2] } }, { c: 2 }, true],
    [{ c: 1, d: 2 }, { d: 2, c: 1, a: 3 }, true],
    [{ c: 1, d: 2 }, { c: 1 }, false],
    [{ c: { $exists: true } }, { c: { $ne: null } }, true],
    [{ $or: [{ c: 1 }, { d: 1 }] }, { c: 1 }, true],
    [{ $or: [{ c: 1 }, { d: 1 }] }, { c: 2 }, false],
    [{ $or: [{ c: 1 }, { d: 1 }] }, { $or: [{ c: 1 }, { d: 1 }] }, true],
    [{ $or: [{ c: 1 }, { d: 1 }] }, { $or: [{ c: 1 }, { d: 2 }] }, false],
    [{ $and: [{ c: 1 }, { d: { $gt: 1 } }] }, { c: 1, d: 5 }, true],
    [{ $and: [{ c: 1 }, { d: { $gt: 1 } }] }, { c: 1 }, false],
  ];
  for (const [partialFilter, filter, expected] of cases) {
    const what = `${JSON.stringify(partialFilter)} for ${JSON.stringify(filter)}`;
    assert.equal(usable(filter, { partialFilter }), expected, what);
  }
});

test("whatever a partial index serves, its own filter matches too", () => {
  let served = 0;
  const property = fc.property(
    anyIndex,
    anyFilter,
    fc.array(anyDocument, { minLength: 1, maxLength: 5 }),
    ({ options, key }, filter, documents) => {
      const partialFilter = options.partialFilterExpression as Document | undefined;
      if (!partialFilter) return;
      const combined = { $and: [filter, partialFilter] };
      for (const asked of [filter, combined]) {
        if (!usable(asked, { partialFilter }, key)) continue;
        served += 1;
        const [inner, outer] = [compileFilter(asked), compileFilter(partialFilter)];
        for (const document of documents) if (inner(document)) assert.ok(outer(document));
      }
    },
  );
  fc.assert(property, { numRuns: 3_000 });
  assert.ok(served > 50, `${served} filters were served`);
});
