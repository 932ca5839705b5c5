import assert from "node:assert/strict";
import { test } from "node:test";
import { planEquality } from "../../../../src/query/plan/equality-plan.js";
import { planQuery } from "../../../../src/query/plan/planner.js";
import type { IndexEntry } from "../../../../src/storage/catalog.js";
import { indexOver } from "./index-over.js";

/** The plan that the planner finds when it has to look at everything. */
function longPlan(filter: Record<string, unknown>, index: IndexEntry) {
  const facts = { indexes: [index], documents: () => 100_000, keys: () => 1 };
  return planQuery({ filter, hint: index.name }, facts);
}

const indexes = [
  indexOver({ a: 1 }),
  indexOver({ a: 1, b: -1 }),
  indexOver({ a: 1, b: 1, c: 1 }, { unique: true }),
  indexOver({ a: 1 }, { sparse: true }),
];
const values = ["", "text", "\u0000 é 🦁", 0, -0, 1.5, -(2 ** 53), Infinity, true, false];

test("it is the plan that the planner finds", () => {
  for (const index of indexes) {
    for (const a of values) {
      const { access, ...others } = planEquality({ a }, [index, indexOver({ b: 1 })])!;
      const { access: longAccess, ...longOthers } = longPlan({ a }, index);
      assert.deepEqual(others, longOthers);
      assert.equal(access.kind, "index");
      assert.equal(longAccess.kind, "index");
      assert.deepEqual(access.bounds, longAccess.bounds);
      assert.deepEqual(
        [access.index, access.boundFields, access.fixedFields],
        [index, longAccess.boundFields, longAccess.fixedFields],
      );
      const [range, more] = access.ranges;
      const [longRange] = longAccess.ranges;
      assert.ok(range && longRange && !more);
      assert.deepEqual(range.end, longRange.end);
      // The least value of a second field, before which there is none.
      const rest = Buffer.from(longRange.start).subarray(range.start.length);
      assert.deepEqual(range.start, longRange.start.slice(0, range.start.length));
      assert.equal(rest.toString("hex"), index.key.length > 1 ? "01" : "");
    }
  }
});

const index = indexOver({ a: 1 });

test("what needs more thought is left to the planner", () => {
  const others: [filter: Record<string, unknown>, indexes: IndexEntry[]][] = [
    [{}, [index]],
    [{ a: 1, b: 1 }, [index]],
    [{ _id: "x" }, [index]],
    [{ $or: 1 }, [index]],
    [{ b: 1 }, [index]],
    [{ a: 1 }, []],
    [{ a: 1 }, [index, indexOver({ a: 1, b: 1 })]],
    [{ a: 1 }, [index, indexOver({ a: -1 }, { state: "building" })]],
    [{ a: 1 }, [indexOver({ a: -1 })]],
    [{ a: 1 }, [indexOver({ a: 1 }, { multikey: [0] })]],
    [{ a: 1 }, [indexOver({ a: 1, b: 1 }, { multikey: [1] })]],
    [{ a: 1 }, [indexOver({ a: 1 }, { cut: true })]],
    [{ a: 1 }, [indexOver({ a: 1 }, { partialFilter: { a: 1 } })]],
    [{ a: "long".repeat(1_000) }, [index]],
    ...[null, undefined, Number.NaN, 1n, [1], /x/, new Date(0), { $gt: 1 }, { b: 1 }].map(
      (a): [Record<string, unknown>, IndexEntry[]] => [{ a }, [index]],
    ),
  ];
  for (const [filter, given] of others) {
    assert.equal(planEquality(filter, given), undefined, JSON.stringify(given));
  }
});
