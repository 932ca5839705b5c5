import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LioranError } from "../../../../src/errors.js";
import { compileFilter } from "../../../../src/query/filter.js";
import { compileIndex } from "../../../../src/query/index-keys.js";
import { readShape } from "../../../../src/query/plan/conditions.js";
import { type IndexScan, scanOf } from "../../../../src/query/plan/index-bounds.js";
import { shownInterval } from "../../../../src/query/plan/interval.js";
import type { IndexEntry } from "../../../../src/storage/catalog.js";
import { encodeKey } from "../../../../src/storage/key.js";
import type { Document } from "../../../../src/values/document.js";
import { anyDocument, anyFilter, anyIndex } from "../../../fuzz/arbitrary-queries.js";
import { indexOver } from "./index-over.js";

/** The index as the catalog would have it after these documents. @returns undefined if one has no place in it */
function holding(
  key: Record<string, 1 | -1>,
  documents: readonly Document[],
): { index: IndexEntry; entries: Uint8Array[][] } | undefined {
  const index = indexOver(key);
  const multikey = new Set<number>();
  let cut = false;
  const entries: Uint8Array[][] = [];
  for (const document of documents) {
    try {
      const made = compileIndex(index).entriesOf(document, encodeKey(document._id));
      for (const at of made.multikey) multikey.add(at);
      cut ||= made.isCut;
      entries.push(made.entries.map((entry) => entry.key));
    } catch (error) {
      assert.ok(error instanceof LioranError && error.code === 171);
      return undefined;
    }
  }
  return { index: { ...index, cut, multikey: [...multikey].sort() }, entries };
}

function isWalked({ ranges }: IndexScan, key: Uint8Array): boolean {
  return ranges.some(
    ({ start, end }) => Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0,
  );
}

test("a walk leads to every match, and to nothing else where it says so", () => {
  let walked = 0;
  let exact = 0;
  const property = fc.property(
    anyIndex,
    fc.array(anyDocument, { minLength: 1, maxLength: 8 }),
    anyFilter,
    ({ key }, documents, filter) => {
      const held = holding(key, documents);
      if (!held) return;
      let matches: (document: Document) => boolean;
      try {
        matches = compileFilter(filter);
      } catch {
        return;
      }
      const shape = readShape(filter);
      const scan = scanOf(held.index, shape.conditions);
      const isExact = shape.isComplete && shape.conditions.every((one) => scan.exact.includes(one));
      walked += 1;
      if (isExact && scan.boundFields > 0) exact += 1;
      for (const [at, document] of documents.entries()) {
        const isFound = held.entries[at]!.some((entry) => isWalked(scan, entry));
        if (matches(document)) assert.ok(isFound, `${at} is a match and not walked over`);
        else if (isExact) assert.ok(!isFound, `${at} is walked over and no match`);
      }
    },
  );
  fc.assert(property, { numRuns: 3_000 });
  assert.ok(walked > 1_000 && exact > 10, `${walked} walks, ${exact} of them exact`);
});

test("the ranges of a walk are sorted and disjoint, whatever the directions", () => {
  const property = fc.property(anyIndex, anyFilter, ({ key }, filter) => {
    const { ranges } = scanOf(indexOver(key), readShape(filter).conditions);
    for (const [at, { start, end }] of ranges.entries()) {
      assert.ok(Buffer.compare(start, end) < 0);
      const next = ranges[at + 1];
      if (next) assert.ok(Buffer.compare(end, next.start) <= 0);
    }
  });
  fc.assert(property, { numRuns: 2_000 });
});

function boundsOf(index: IndexEntry, filter: Document) {
  const { bounds, ranges, boundFields, fixedFields } = scanOf(index, readShape(filter).conditions);
  return {
    bounds: bounds.map((intervals) => intervals.map(shownInterval).join(" ")),
    ranges: ranges.length,
    boundFields,
    fixedFields,
  };
}

const whole = "[MinKey, MaxKey]";

test("conditions on leading fields make compound bounds", () => {
  const index = indexOver({ a: 1, b: -1, c: 1 });
  assert.deepEqual(boundsOf(index, { a: 1, b: { $gt: 2, $lt: 5 }, c: 3 }), {
    bounds: ["[1, 1]", "(2, 5)", "[3, 3]"],
    ranges: 1,
    boundFields: 3,
    fixedFields: 1,
  });
  assert.deepEqual(boundsOf(index, { a: { $in: [1, 2] }, b: { $in: [3, 4, 5] } }), {
    bounds: ["[1, 1] [2, 2]", "[3, 3] [4, 4] [5, 5]", whole],
    ranges: 6,
    boundFields: 2,
    fixedFields: 0,
  });
  assert.deepEqual(boundsOf(index, { b: 1 }), {
    bounds: [whole, "[1, 1]", whole],
    ranges: 1,
    boundFields: 0,
    fixedFields: 0,
  });
});

test("two conditions on an array may be met by two elements", () => {
  const array = indexOver({ a: 1 }, { multikey: [0] });
  assert.deepEqual(boundsOf(array, { a: { $gt: 2, $lt: 5 } }).bounds, ["(2, inf.0]"]);
  assert.deepEqual(boundsOf(array, { a: { $elemMatch: { $gt: 2, $lt: 5 } } }).bounds, ["(2, 5)"]);
  const fields = indexOver({ "a.b": 1, "a.c": 1 }, { multikey: [0, 1] });
  assert.deepEqual(boundsOf(fields, { "a.b": 1, "a.c": 2 }).bounds, ["[1, 1]", whole]);
  const element = { a: { $elemMatch: { b: 1, c: 2 } } };
  assert.deepEqual(boundsOf(fields, element).bounds, ["[1, 1]", "[2, 2]"]);
  const apart = indexOver({ "a.b": 1, d: 1 }, { multikey: [0] });
  assert.deepEqual(boundsOf(apart, { "a.b": 1, d: 2 }).bounds, ["[1, 1]", "[2, 2]"]);
});

test("$in on several fields does not multiply without end", () => {
  const many = Array.from({ length: 200 }, (_, n) => n);
  const { ranges } = boundsOf(indexOver({ a: 1, b: 1 }), { a: { $in: many }, b: { $in: many } });
  assert.equal(ranges, 200);
});
