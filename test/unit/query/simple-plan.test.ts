import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type PlanRequest, planQuery } from "../../../src/query/plan/planner.js";
import { planSimply } from "../../../src/query/plan/simple-plan.js";
import type { IndexEntry } from "../../../src/storage/catalog.js";

const plain: IndexEntry = {
  id: 7,
  name: "a_1",
  key: [["a", 1]],
  unique: false,
  sparse: false,
  multikey: [],
  cut: false,
  state: "ready",
};

const values = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    null,
    undefined,
    true,
    5n,
    "",
    "\0",
    [],
    [1],
    {},
    new Date(0),
    /a/,
    "x".repeat(501),
  ),
);
const filters = fc.oneof(
  values.map((a) => ({ a })),
  fc.tuple(fc.constantFrom("$eq", "$gt", "$gte", "$lt", "$in"), values).map(([name, value]) => ({
    a: { [name]: value },
  })),
  fc.constantFrom({}, { a: 1, b: 2 }, { $and: [{ a: 1 }] }, { a: { $gt: 1, $lt: 5 } }, { _id: 1 }),
);
const sorts = fc.constantFrom<PlanRequest["sort"][]>(
  undefined,
  [["a", 1]],
  [["a", -1]],
  [["b", 1]],
  [
    ["a", 1],
    ["b", 1],
  ],
);
const oneOfThem = fc.array(
  fc.constantFrom<IndexEntry[]>(
    plain,
    { ...plain, id: 0xfedc_ba98, sparse: true },
    { ...plain, id: 8, key: [["b", 1]] },
    { ...plain, key: [["a", -1]] },
    { ...plain, multikey: [0] },
    { ...plain, cut: true },
    { ...plain, state: "building" },
    { ...plain, partialFilter: { b: 1 } },
    {
      ...plain,
      id: 9,
      key: [
        ["a", 1],
        ["b", 1],
      ],
    },
  ),
  { maxLength: 3 },
);

const indexes = fc.oneof(oneOfThem, fc.constant([plain]));

test("a simple plan is the plan that the planner makes", () => {
  let simple = 0;
  fc.assert(
    fc.property(filters, sorts, indexes, (filter, sort, list) => {
      const plan = planSimply({ filter, sort }, list);
      if (!plan) return;
      simple += 1;
      const facts = { indexes: list, documents: () => 1_000, keys: () => 10 };
      const { access, isReverse, residual, sort: blocking } = planQuery({ filter, sort }, facts);
      assert.equal(residual, undefined);
      assert.equal(blocking, undefined);
      assert.equal(isReverse, plan.isReverse);
      assert.ok(access.kind === "index");
      const shown = access.ranges.map(({ start, end }) => [hex(start), hex(end)]);
      assert.deepEqual(shown, [[hex(plan.range.start), hex(plan.range.end)]]);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(simple > 100, `only ${simple} queries had a simple plan`);
});

test("a hint and a projection are left to the planner", () => {
  assert.equal(planSimply({ filter: { a: 1 }, hint: "a_1" }, [plain]), undefined);
  assert.equal(planSimply({ filter: { a: 1 }, projection: { a: 1 } }, [plain]), undefined);
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
