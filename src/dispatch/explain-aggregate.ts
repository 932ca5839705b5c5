/**
 * Explains an aggregation: how the query at its front is planned, and the stages that run on what it finds. What
 * `$lookup` and its like look at counts in the totals.
 */

import { splitPipeline } from "../query/aggregate/split.js";
import type { Control } from "../query/control.js";
import { nothingExamined, planFor } from "../query/execute.js";
import { explainPlan, explainRejected } from "../query/plan/explain.js";
import { viewOf } from "../query/walk.js";
import { findCollection } from "../storage/catalog.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { compileAggregation } from "./aggregate.js";
import type { AggregateOperation, Explanation } from "./operation.js";

export function explainAggregate(
  environment: Environment | undefined,
  explained: AggregateOperation,
  verbosity: "queryPlanner" | "executionStats",
  control: Control,
  snapshot?: Snapshot,
): Omit<Explanation, "place" | "threads"> {
  const { kind, db, collection, ...rest } = explained;
  const startMs = performance.now();
  const examined = nothingExamined();
  const aggregation = compileAggregation(environment, explained, control, snapshot, examined);
  const { query } = aggregation;
  const entry =
    environment && collection !== undefined
      ? findCollection(environment, collection, snapshot)
      : undefined;
  const plan =
    environment && entry && query && planFor(viewOf(environment, entry, snapshot), query, control);
  const winningPlan = (done?: typeof examined) =>
    plan && query ? explainPlan(plan, query, done) : { stage: "EOF" };
  const stages = query ? splitPipeline(explained.pipeline).rest : explained.pipeline;
  const explanation: Omit<Explanation, "place" | "threads"> = {
    explainVersion: "1",
    queryPlanner: {
      namespace: collection === undefined ? `${db}.$cmd.aggregate` : `${db}.${collection}`,
      parsedQuery: query?.filter ?? {},
      winningPlan: winningPlan(),
      rejectedPlans: plan ? explainRejected(plan) : [],
    },
    ...(stages.length > 0 && { stages: [...stages] }),
    command: { [kind]: collection ?? 1, ...rest, $db: db },
    ok: 1,
  };
  if (verbosity === "queryPlanner") return explanation;
  let returned = 0;
  for (const _ of aggregation.rows()) returned += 1;
  return {
    ...explanation,
    executionStats: {
      executionSuccess: true,
      nReturned: returned,
      executionTimeMillis: Math.round(performance.now() - startMs),
      totalKeysExamined: examined.keys,
      totalDocsExamined: examined.documents,
      executionStages: { nReturned: returned, ...winningPlan(examined) },
    },
  };
}
