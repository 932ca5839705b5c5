import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter } from "../../../src/query/filter.js";
import { type IdPlan, planId } from "../../../src/query/id-plan.js";
import { compareValues, equalValues, ORDER, orderOf } from "../../../src/values/compare.js";
import type { Document } from "../../../src/values/document.js";

const first = { value: Number.NEGATIVE_INFINITY, inclusive: true };
const day = new Date(5);

const cases: [Document, IdPlan][] = [
  [{}, { kind: "scan", residual: undefined }],
  [{ _id: "x" }, { kind: "ids", ids: ["x"], residual: undefined }],
  [{ _id: 5n }, { kind: "ids", ids: [5n], residual: undefined }],
  [{ _id: null }, { kind: "ids", ids: [null], residual: undefined }],
  [{ _id: day }, { kind: "ids", ids: [day], residual: undefined }],
  [{ _id: { a: 1 } }, { kind: "ids", ids: [{ a: 1 }], residual: undefined }],
  [
    { _id: 1, a: 2 },
    { kind: "ids", ids: [1], residual: { a: 2 } },
  ],
  [{ _id: { $eq: 1 } }, { kind: "ids", ids: [1], residual: undefined }],
  [{ _id: { $in: [1, 2] } }, { kind: "ids", ids: [1, 2], residual: undefined }],
  [{ _id: { $in: [] } }, { kind: "none" }],
  [{ _id: { $in: [/x/] } }, { kind: "scan", residual: { _id: { $in: [/x/] } } }],
  [{ _id: /x/ }, { kind: "scan", residual: { _id: /x/ } }],
  [{ _id: [1] }, { kind: "scan", residual: { _id: [1] } }],
  [{ _id: { $ne: 1 } }, { kind: "scan", residual: { _id: { $ne: 1 } } }],
  [{ a: 1 }, { kind: "scan", residual: { a: 1 } }],
  [{ $or: [{ _id: 1 }] }, { kind: "scan", residual: { $or: [{ _id: 1 }] } }],
  [
    { _id: { $gt: "a" } },
    { kind: "range", lower: { value: "a", inclusive: false }, residual: undefined },
  ],
  [
    { _id: { $lte: 9 } },
    { kind: "range", lower: first, upper: { value: 9, inclusive: true }, residual: undefined },
  ],
  [
    { _id: { $gte: 1, $lt: 9, $ne: 5 }, b: 1 },
    {
      kind: "range",
      lower: { value: 1, inclusive: true },
      upper: { value: 9, inclusive: false },
      residual: { $and: [{ _id: { $ne: 5 } }, { b: 1 }] },
    },
  ],
  [{ _id: { $gt: 1, $lt: "a" } }, { kind: "none" }],
  [{ _id: { $gt: 5, $lt: 5 } }, { kind: "none" }],
  [{ $and: [{ _id: { $gt: 1 } }, { _id: { $gt: "a" } }] }, { kind: "none" }],
  [{ $and: [{ _id: 1 }, { _id: 2 }] }, { kind: "none" }],
  [
    { $and: [{ _id: { $in: [1, 2] } }, { _id: { $gt: 1 } }] },
    { kind: "ids", ids: [2], residual: undefined },
  ],
  [{ _id: { $gt: null } }, { kind: "scan", residual: { _id: { $gt: null } } }],
  [{ _id: { $gt: { a: 1 } } }, { kind: "scan", residual: { _id: { $gt: { a: 1 } } } }],
];

test("facts about _id become a plan, the rest stays in the residual", () => {
  for (const [filter, plan] of cases)
    assert.deepEqual(planId(filter), plan, JSON.stringify(Object.keys(filter)));
});

test("a plan never loses or adds a match", () => {
  const id = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom<unknown>(
      null,
      "a",
      "b",
      1n,
      Number.NaN,
      true,
      new Date(1),
      Number.NEGATIVE_INFINITY,
    ),
  );
  const operators = fc.dictionary(fc.constantFrom("$gt", "$gte", "$lt", "$lte", "$eq", "$ne"), id, {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  });
  const condition = fc.oneof(id, operators, fc.record({ $in: fc.array(id, { maxLength: 3 }) }));
  const single = condition.map((value): Document => ({ _id: value }));
  const filter = fc.oneof(
    single,
    fc.array(single, { minLength: 1, maxLength: 3 }).map((all): Document => ({ $and: all })),
  );
  fc.assert(
    fc.property(filter, fc.array(id, { maxLength: 8 }), (given, ids) => {
      const matches = compileFilter(given);
      const plan = planId(given);
      for (const _id of ids) assert.equal(selects(plan, _id), matches({ _id }));
    }),
    { numRuns: 2000 },
  );
});

function selects(plan: IdPlan, _id: unknown): boolean {
  if (plan.kind === "none") return false;
  if (plan.residual && !compileFilter(plan.residual)({ _id })) return false;
  if (plan.kind === "scan") return true;
  if (plan.kind === "ids") return plan.ids.some((id) => equalValues(id, _id));
  const { lower, upper } = plan;
  if (orderOf(_id) !== orderOf((lower ?? upper)!.value)) return false;
  assert.ok(orderOf(_id) !== ORDER.null);
  const low = lower ? compareValues(_id, lower.value) : 1;
  const high = upper ? compareValues(_id, upper.value) : -1;
  return (
    (low > 0 || (low === 0 && lower!.inclusive)) && (high < 0 || (high === 0 && upper!.inclusive))
  );
}
