import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CollectionFacts,
  isSameKey,
  type PlanRequest,
  planQuery,
} from "../../../../src/query/plan/planner.js";
import type { IndexEntry } from "../../../../src/storage/catalog.js";
import { indexOver } from "./index-over.js";

/** A collection of 100,000 documents of which each index passes so many keys. */
function factsOf(indexes: [index: IndexEntry, keys: number][], asked: string[] = []) {
  const facts: CollectionFacts = {
    indexes: indexes.map(([index]) => index),
    documents: () => 100_000,
    keys: (access, limit) => {
      const keys =
        access.kind === "index" ? indexes.find(([one]) => one === access.index)![1] : 500;
      asked.push(access.kind === "index" ? access.index.name : access.kind);
      return Math.min(keys, limit);
    },
  };
  return facts;
}

/** The walk in a word: the name of its index, or its kind. */
function walkOf(request: PlanRequest, facts: CollectionFacts): string {
  const { access, isReverse, sort } = planQuery(request, facts);
  const walk = access.kind === "index" ? access.index.name : access.kind;
  return `${walk}${isReverse ? " backward" : ""}${sort ? " sort" : ""}`;
}

const a = indexOver({ a: 1 });
const b = indexOver({ b: -1 });
const ab = indexOver({ a: 1, b: 1 });
const tags = indexOver({ tags: 1 }, { multikey: [0] });

test("one index that the filter bounds is taken without asking", () => {
  const asked: string[] = [];
  const facts = factsOf([[a, 10]], asked);
  assert.equal(walkOf({ filter: { a: 1 } }, facts), "a_1");
  assert.equal(walkOf({ filter: { a: 1, z: 2 } }, facts), "a_1");
  assert.equal(walkOf({ filter: { z: 2 } }, facts), "scan");
  assert.equal(walkOf({ filter: {} }, facts), "scan");
  assert.equal(walkOf({ filter: { _id: 5, a: 1 } }, facts), "ids");
  assert.equal(walkOf({ filter: { _id: { $in: [] }, a: 1 } }, facts), "none");
  assert.deepEqual(asked, []);
});

test("of several, the one that passes the fewest keys is taken", () => {
  const filter = { a: 1, b: 2 };
  assert.equal(
    walkOf(
      { filter },
      factsOf([
        [a, 900],
        [b, 30],
      ]),
    ),
    "b_-1",
  );
  assert.equal(
    walkOf(
      { filter },
      factsOf([
        [a, 30],
        [b, 900],
      ]),
    ),
    "a_1",
  );
  // Both pass one key: the one that fixes more fields.
  assert.equal(
    walkOf(
      { filter },
      factsOf([
        [a, 1],
        [ab, 1],
      ]),
    ),
    "a_1_b_1",
  );
  assert.equal(walkOf({ filter: { a: 1, _id: { $gt: 5 } } }, factsOf([[a, 900]])), "range");
  assert.equal(walkOf({ filter: { a: 1, _id: { $gt: 5 } } }, factsOf([[a, 9]])), "a_1");
});

test("an index that leaves documents out is walked as a whole where its field must be there", () => {
  const sparse = factsOf([[indexOver({ a: 1 }, { sparse: true }), 10]]);
  assert.equal(walkOf({ filter: { a: { $exists: true } } }, sparse), "a_1");
  assert.equal(walkOf({ filter: { a: { $ne: null } }, sort: [["a", -1]] }, sparse), "a_1 backward");
  assert.equal(walkOf({ filter: { a: { $exists: false } } }, sparse), "scan");
  assert.equal(walkOf({ filter: {}, sort: [["a", 1]] }, sparse), "scan sort");
  const partial = factsOf([[indexOver({ a: 1 }, { partialFilter: { a: { $gt: 5 } } }), 10]]);
  assert.equal(walkOf({ filter: { a: { $gt: 5 } } }, partial), "a_1");
  assert.equal(walkOf({ filter: { a: { $exists: true } } }, factsOf([[a, 10]])), "scan");
});

test("what entries tell is tested before documents are read", () => {
  const entryFilter = (filter: object, index = ab) =>
    planQuery({ filter: { ...filter } }, factsOf([[index, 10]])).entryFilter;
  assert.deepEqual(entryFilter({ a: { $gt: 1 }, b: 2 }), { b: 2 });
  assert.deepEqual(entryFilter({ a: { $gt: 1 }, b: { $mod: [2, 0] }, c: 1 }), {
    b: { $mod: [2, 0] },
  });
  assert.deepEqual(entryFilter({ $and: [{ a: 1 }, { b: { $ne: 2 } }, { c: 3 }] }), {
    b: { $ne: 2 },
  });
  assert.deepEqual(entryFilter({ a: /^x/, z: 1 }), { a: /^x/ });
  assert.equal(entryFilter({ a: 1, b: 2, c: 3 }), undefined);
  assert.equal(entryFilter({ a: { $gt: 1 }, $or: [{ b: 1 }, { c: 1 }] }), undefined);
  const arrays = indexOver({ a: 1, b: 1 }, { multikey: [0] });
  assert.equal(entryFilter({ a: { $gt: 1 }, b: 2 }, arrays), undefined);
});

test("an index gives the order of a sort, in both directions", () => {
  const facts = factsOf([[ab, 1_000]]);
  const order = (filter: object, ...sort: [string, 1 | -1][]) =>
    walkOf({ filter: { ...filter }, sort }, facts);
  assert.equal(order({}, ["a", 1]), "a_1_b_1");
  assert.equal(order({}, ["a", -1]), "a_1_b_1 backward");
  assert.equal(order({}, ["a", 1], ["b", 1]), "a_1_b_1");
  assert.equal(order({}, ["a", -1], ["b", -1], ["_id", -1]), "a_1_b_1 backward");
  assert.equal(order({}, ["a", 1], ["b", -1]), "scan sort");
  assert.equal(order({}, ["b", 1]), "scan sort");
  assert.equal(order({ a: 5 }, ["b", -1]), "a_1_b_1 backward");
  assert.equal(order({ a: { $gt: 5 } }, ["a", 1]), "a_1_b_1");
  assert.equal(order({ a: { $gt: 5 } }, ["b", 1]), "a_1_b_1 sort");
  assert.equal(order({ a: 5 }, ["a", 1]), "a_1_b_1");
  assert.equal(order({}, ["_id", -1]), "scan backward");
});

test("entries that were cut give no order, and arrays only as a whole", () => {
  const cut = factsOf([[indexOver({ a: 1 }, { cut: true }), 10]]);
  assert.equal(walkOf({ filter: {}, sort: [["a", 1]] }, cut), "scan sort");
  assert.equal(walkOf({ filter: { a: 1 }, sort: [["a", 1]] }, cut), "a_1 sort");
  const arrays = factsOf([[tags, 10]]);
  assert.equal(walkOf({ filter: {}, sort: [["tags", 1]] }, arrays), "tags_1");
  assert.equal(
    walkOf({ filter: { tags: { $gt: 1 } }, sort: [["tags", 1]] }, arrays),
    "tags_1 sort",
  );
  assert.equal(walkOf({ filter: { tags: 1 }, sort: [["tags", 1]] }, arrays), "tags_1 sort");
});

test("with a limit, walking in order competes with sorting what a filter finds", () => {
  const filter = { a: { $gt: 1 } };
  const sort: [string, 1 | -1][] = [["b", -1]];
  // Most documents match: the first ones by the order are found soon.
  assert.equal(
    walkOf(
      { filter, sort, limit: 10 },
      factsOf([
        [a, 50_000],
        [b, 100_000],
      ]),
    ),
    "b_-1",
  );
  assert.equal(
    walkOf(
      { filter, sort, limit: 10 },
      factsOf([
        [a, 20],
        [b, 100_000],
      ]),
    ),
    "a_1 sort",
  );
});

test("an $or is the union of a walk for each branch, if each has one", () => {
  const facts = factsOf([
    [a, 5],
    [b, 5],
  ]);
  const plan = planQuery({ filter: { $or: [{ a: 1 }, { b: 2 }, { _id: 3 }] } }, facts);
  assert.equal(plan.access.kind, "union");
  assert.ok(plan.access.kind === "union");
  assert.deepEqual(
    plan.access.branches.map((branch) =>
      branch.kind === "index" ? branch.index.name : branch.kind,
    ),
    ["a_1", "b_-1", "ids"],
  );
  assert.equal(walkOf({ filter: { $or: [{ a: 1 }, { z: 2 }] } }, facts), "scan");
  assert.equal(walkOf({ filter: { a: 1, $or: [{ z: 1 }, { z: 2 }] } }, facts), "a_1");
});

test("what the walk tells fully is not tested again", () => {
  const facts = factsOf([[ab, 5]]);
  const residual = (filter: object) => planQuery({ filter: { ...filter } }, facts).residual;
  assert.equal(residual({ a: 1 }), undefined);
  assert.equal(residual({ a: 1, b: { $gt: 2, $lt: 9 } }), undefined);
  assert.equal(residual({ a: { $in: [1, 2] }, b: 5 }), undefined);
  // Behind a range the second field bounds nothing.
  assert.notEqual(residual({ a: { $gt: 1 }, b: 5 }), undefined);
  assert.notEqual(residual({ a: 1, z: 5 }), undefined);
  assert.notEqual(residual({ a: null }), undefined);
  assert.notEqual(residual({ a: /^x/ }), undefined);
  assert.notEqual(residual({ a: "x".repeat(3_000) }), undefined);
});

test("indexes that are not ready, or leave out matches, are not used", () => {
  const filter = { a: null };
  assert.equal(walkOf({ filter }, factsOf([[indexOver({ a: 1 }, { sparse: true }), 1]])), "scan");
  assert.equal(
    walkOf({ filter }, factsOf([[indexOver({ a: 1 }, { state: "building" }), 1]])),
    "scan",
  );
  const partial = indexOver({ a: 1 }, { partialFilter: { z: 1 } });
  assert.equal(walkOf({ filter }, factsOf([[partial, 1]])), "scan");
  assert.equal(walkOf({ filter: { a: null, z: 1 } }, factsOf([[partial, 1]])), "a_1");
});

test("a hint decides, by name, by key, or for no index at all", () => {
  const facts = factsOf([
    [a, 1],
    [b, 1],
  ]);
  const filter = { a: 1, b: 1 };
  for (const hint of ["b_-1", { b: -1 }]) assert.equal(walkOf({ filter, hint }, facts), "b_-1");
  assert.equal(walkOf({ filter, hint: { $natural: 1 } }, facts), "scan");
  assert.equal(walkOf({ filter, hint: { $natural: -1 } }, facts), "scan backward");
  assert.equal(walkOf({ filter, hint: "_id_" }, facts), "scan");
  assert.equal(walkOf({ filter: {}, hint: "a_1" }, facts), "a_1");
  const building = factsOf([[indexOver({ a: 1 }, { state: "building" }), 1]]);
  const partial = factsOf([[indexOver({ a: 1 }, { partialFilter: { z: 1 } }), 1]]);
  for (const [hint, known] of [
    ["nobody", facts],
    [{ b: 1 }, facts],
    [{ a: 1, b: -1 }, facts],
    ["a_1", building],
    ["a_1", partial],
  ] as const) {
    assert.throws(() => planQuery({ filter, hint }, known), { code: 2, message: /bad hint/ });
  }
});

test("the key of an index is its fields in their order", () => {
  assert.equal(isSameKey(ab, { a: 1, b: 1 }), true);
  assert.equal(isSameKey(ab, { a: 1n, b: 1 }), true);
  assert.equal(isSameKey(ab, { b: 1, a: 1 }), false);
  assert.equal(isSameKey(ab, { a: 1 }), false);
  assert.equal(isSameKey(ab, { a: 1, b: -1 }), false);
});

test("the other walks that were possible are kept for explain", () => {
  const { rejected } = planQuery(
    { filter: { a: 1, b: 2 } },
    factsOf([
      [a, 900],
      [b, 30],
    ]),
  );
  assert.equal(rejected.length, 1);
  assert.ok(rejected[0]!.kind === "index");
  assert.equal(rejected[0]!.index, a);
});

test("a range of _id is walked in its order, whatever indexes there are, and over all types", () => {
  const facts = factsOf([[a, 10]]);
  const plan = planQuery({ filter: { a: 1 }, idRange: { after: 5, upTo: "x" } }, facts);
  assert.deepEqual(plan.access, {
    kind: "range",
    lower: { value: 5, inclusive: false },
    upper: { value: "x", inclusive: true },
    isOverTypes: true,
    residual: { a: 1 },
  });
  assert.deepEqual(plan.residual, { a: 1 });
  assert.equal(
    walkOf({ filter: { a: 1 }, idRange: {}, sort: [["_id", -1]] }, facts),
    "scan backward",
  );
});
