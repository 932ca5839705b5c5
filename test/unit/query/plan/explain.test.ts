import assert from "node:assert/strict";
import { test } from "node:test";
import {
  explainCountScan,
  explainPlan,
  explainRejected,
} from "../../../../src/query/plan/explain.js";
import { type PlanRequest, planQuery } from "../../../../src/query/plan/planner.js";
import { indexOver } from "./index-over.js";

const index = indexOver({ a: 1, b: -1 }, { unique: true });
const tags = indexOver({ "t.u": 1 }, { sparse: true, multikey: [0] });

function planOf(request: PlanRequest) {
  return planQuery(request, {
    indexes: [index, tags],
    documents: () => 10,
    keys: (access, limit) => Math.min(limit, access.kind === "index" ? access.boundFields : 9),
  });
}

const examined = { keys: 7, documents: 5 };

test("an index scan is shown with its bounds, its kind and its direction", () => {
  const request = { filter: { a: 1, b: { $lt: 5 } }, sort: [["b", 1]] } as const;
  assert.deepEqual(explainPlan(planOf(request), { filter: request.filter }, examined), {
    stage: "FETCH",
    docsExamined: 5,
    inputStage: {
      stage: "IXSCAN",
      keyPattern: { a: 1, b: -1 },
      indexName: "a_1_b_-1",
      isMultiKey: false,
      multiKeyPaths: { a: [], b: [] },
      isUnique: true,
      isSparse: false,
      isPartial: false,
      direction: "backward",
      keysExamined: 7,
      indexBounds: { a: ["[1, 1]"], b: ["[-inf.0, 5)"] },
    },
  });
});

test("what is left to test is shown where it is tested", () => {
  const filter = { "t.u": { $gt: 1 }, z: 2 };
  const stage = explainPlan(planOf({ filter }), { filter });
  assert.deepEqual(stage.filter, filter);
  assert.equal(stage.inputStage?.isMultiKey, true);
  assert.equal(stage.inputStage?.isSparse, true);
  assert.equal(stage.inputStage?.filter, undefined);
  assert.deepEqual(explainPlan(planOf({ filter: { z: 2 } }), { filter: { z: 2 } }), {
    stage: "COLLSCAN",
    direction: "forward",
    filter: { z: 2 },
  });
});

test("sort, skip, limit and projection lie around the walk, in their order", () => {
  const query = {
    filter: {},
    sort: [["z", -1]] as [string, 1 | -1][],
    skip: 2,
    limit: 3,
    projection: { z: 1 },
  };
  const stages: string[] = [];
  let stage = explainPlan(planOf(query), query);
  const outer = stage;
  for (;;) {
    stages.push(stage.stage);
    if (stage.stage === "SORT") {
      assert.deepEqual(stage.sortPattern, { z: -1 });
      assert.equal(stage.limitAmount, 5);
    }
    if (!stage.inputStage) break;
    stage = stage.inputStage;
  }
  assert.deepEqual(stages, ["PROJECTION_SIMPLE", "LIMIT", "SKIP", "SORT", "COLLSCAN"]);
  assert.deepEqual(outer.transformBy, { z: 1 });
});

test("a count that reads entries only is a COUNT_SCAN", () => {
  const { access } = planOf({ filter: { a: 1 } });
  assert.ok(access.kind === "index");
  const stage = explainCountScan(access, examined);
  assert.equal(stage.stage, "COUNT");
  assert.equal(stage.inputStage?.stage, "COUNT_SCAN");
  assert.equal(stage.inputStage?.keysExamined, 7);
});

test("plans that were not chosen are shown without figures", () => {
  const plan = planOf({ filter: { a: 1, "t.u": 1, $or: [{ a: 1 }, { "t.u": 2 }] } });
  const rejected = explainRejected(plan);
  assert.deepEqual(
    rejected.map(({ stage }) => stage),
    ["FETCH", "OR"],
  );
  assert.equal(JSON.stringify(rejected).includes("Examined"), false);
});
