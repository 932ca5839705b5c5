/**
 * Explains how an operation is run: the plan, and with `executionStats` what running it looked at.
 * Synchronous, like the reads it explains.
 */
import { LioranError } from "../errors.js";
import { frameDepthMax } from "../limits.js";
import type { Control } from "../query/control.js";
import { executeQuery, planFor, type Query } from "../query/execute.js";
import { underControl } from "../query/loop-control.js";
import {
  explainCountScan,
  explainPlan,
  explainRejected,
  type Stage,
} from "../query/plan/explain.js";
import type { Plan } from "../query/plan/plan.js";
import { type Examined, type View, viewOf } from "../query/walk.js";
import { findCollection } from "../storage/catalog.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import type { Document } from "../values/document.js";
import { explainAggregate } from "./explain-aggregate.js";
import type { AggregateOperation, ExplainOperation, Explanation } from "./operation.js";
import { countIn } from "./reads.js";

/** What is explained by its one plan. */
type Explained = Exclude<ExplainOperation["explained"], AggregateOperation>;

/** What has run, for the second half of the explanation. */
interface Run {
  readonly examined: Examined;
  readonly returned: number;
}

export function explain(
  environment: Environment,
  operation: ExplainOperation,
  control: Control,
  snapshot?: Snapshot,
): Omit<Explanation, "place" | "threads"> {
  const explanation = underControl(control, () =>
    explanationOf(environment, operation, control, snapshot),
  );
  if (isDeeperThan(explanation, frameDepthMax)) {
    throw new LioranError(
      "BAD_VALUE",
      `The query can be run, but not explained: with its plan around it, it is nested deeper than ${frameDepthMax} levels.`,
    );
  }
  return explanation;
}

/** What no frame may be, whoever asks. */
function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function explanationOf(
  environment: Environment,
  operation: ExplainOperation,
  control: Control,
  snapshot: Snapshot | undefined,
): Omit<Explanation, "place" | "threads"> {
  const { explained, verbosity } = operation;
  if (explained.kind === "aggregate") {
    return explainAggregate(environment, explained, verbosity, control, snapshot);
  }
  const entry = findCollection(environment, explained.collection, snapshot);
  const view = viewOf(environment, entry, snapshot);
  const query = queryOf(explained);
  const startMs = performance.now();
  const plan = planFor(view, query, control);
  // As MongoDB: without a collection there is nothing to walk.
  const stages = (examined?: Examined) =>
    entry ? stagesOf(explained, plan, query, examined) : { stage: "EOF" };
  const explanation: Omit<Explanation, "place" | "threads"> = {
    explainVersion: "1",
    queryPlanner: {
      namespace: `${explained.db}.${explained.collection}`,
      parsedQuery: query.filter,
      winningPlan: stages(),
      rejectedPlans: explainRejected(plan),
    },
    command: commandOf(explained),
    ok: 1,
  };
  if (verbosity === "queryPlanner") {
    // A filter that is wrong is an error here too.
    for (const _ of executeQuery(
      { ...view, collectionId: 0, indexes: [] },
      { filter: query.filter },
      control,
    ));
    return explanation;
  }
  const run = runOf(explained, view, query, control);
  return {
    ...explanation,
    executionStats: {
      executionSuccess: true,
      nReturned: run.returned,
      executionTimeMillis: Math.round(performance.now() - startMs),
      totalKeysExamined: run.examined.keys,
      totalDocsExamined: run.examined.documents,
      executionStages: {
        nReturned: run.returned,
        ...stages(run.examined),
      },
    },
  };
}

/** Where the database does not exist, nothing is walked. */
export function explainNothing(operation: ExplainOperation, control: Control): Explanation {
  const { explained, verbosity } = operation;
  if (explained.kind === "aggregate") {
    return {
      ...explainAggregate(undefined, explained, verbosity, control),
      place: "inline",
      threads: 1,
    };
  }
  return {
    explainVersion: "1",
    queryPlanner: {
      namespace: `${explained.db}.${explained.collection}`,
      parsedQuery: explained.filter,
      winningPlan: { stage: "EOF" },
      rejectedPlans: [],
    },
    command: commandOf(explained),
    place: "inline",
    threads: 1,
    ok: 1,
  };
}

function queryOf(explained: Explained): Query {
  const { filter, hint } = explained;
  if (explained.kind === "distinct") return { filter, hint };
  if (explained.kind === "count") return { filter, hint };
  const { sort, projection, skip, limit } = explained;
  return { filter, hint, sort, projection, skip, limit };
}

function stagesOf(explained: Explained, plan: Plan, query: Query, examined?: Examined): Stage {
  if (explained.kind !== "count") return explainPlan(plan, query, examined);
  const { access, residual } = plan;
  if (access.kind === "index" && residual === undefined) return explainCountScan(access, examined);
  if (Object.keys(query.filter).length === 0 && query.hint === undefined) {
    return { stage: "RECORD_STORE_FAST_COUNT" };
  }
  return { stage: "COUNT", inputStage: explainPlan(plan, query, examined) };
}

function runOf(explained: Explained, view: View, query: Query, control: Control): Run {
  const examined = { keys: 0, documents: 0 };
  if (explained.kind === "count") {
    countIn(view, explained, control, examined);
    return { examined, returned: 0 };
  }
  let returned = 0;
  for (const _ of executeQuery(view, query, control, examined)) returned += 1;
  return { examined, returned };
}

function commandOf(explained: Explained): Document {
  const { kind, collection, db, ...rest } = explained;
  return { [kind]: collection, ...rest, $db: db };
}
