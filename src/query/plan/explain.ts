/**
 * Plans in the shape in which MongoDB's `explain` shows them
 * (https://www.mongodb.com/docs/manual/reference/explain-results/).
 */
import { sortBytesMax } from "../../limits.js";
import type { Document } from "../../values/document.js";
import { shownValue } from "../../values/shown.js";
import type { Query } from "../execute.js";
import type { Examined } from "../walk.js";
import type { IndexScan } from "./index-bounds.js";
import { shownInterval } from "./interval.js";
import type { Access, Plan } from "./plan.js";

/** One step, with those that it takes its input from. */
export type Stage = Document & {
  stage: string;
  inputStage?: Stage;
  inputStages?: Stage[];
};

/** @param examined what was looked at, when the query has run */
export function explainPlan(plan: Plan, query: Query, examined?: Examined): Stage {
  let stage = accessStage(plan, examined);
  const { skip = 0, limit = 0, projection } = query;
  if (plan.sort) {
    stage = {
      stage: "SORT",
      sortPattern: Object.fromEntries(plan.sort),
      memLimit: sortBytesMax,
      ...(limit > 0 && { limitAmount: skip + limit }),
      inputStage: stage,
    };
  }
  if (skip > 0) stage = { stage: "SKIP", skipAmount: skip, inputStage: stage };
  if (limit > 0) stage = { stage: "LIMIT", limitAmount: limit, inputStage: stage };
  if (projection && Object.keys(projection).length > 0) {
    const kind = plan.isCovered ? "COVERED" : isSimple(projection) ? "SIMPLE" : "DEFAULT";
    stage = { stage: `PROJECTION_${kind}`, transformBy: projection, inputStage: stage };
  }
  return stage;
}

/** A count that reads entries only. */
export function explainCountScan(access: IndexScan, examined?: Examined): Stage {
  return {
    stage: "COUNT",
    inputStage: { ...scanStage(access, false, examined), stage: "COUNT_SCAN" },
  };
}

function isSimple(projection: Document): boolean {
  return Object.entries(projection).every(
    ([name, value]) =>
      !name.includes(".") && (value === 1 || value === true || value === 0 || value === false),
  );
}

function accessStage(plan: Plan, examined?: Examined): Stage {
  const { access, residual, entryFilter, isReverse, isCovered } = plan;
  const direction = isReverse ? "backward" : "forward";
  const filter = residual && { filter: residual };
  const documents = examined && { docsExamined: examined.documents };
  switch (access.kind) {
    case "none":
      return { stage: "EOF" };
    case "ids":
      if (access.ids.length === 1) {
        return { stage: "IDHACK", ...filter, ...counted(examined), ...documents };
      }
      return {
        stage: "FETCH",
        ...filter,
        ...documents,
        inputStage: idsStage(access.ids, examined),
      };
    case "range":
      return { ...rangeStage(access, direction), ...filter, ...counted(examined), ...documents };
    case "scan":
      return { stage: "COLLSCAN", direction, ...filter, ...documents };
    case "index": {
      const scan = scanStage(access, isReverse, examined);
      // Tested on what the entry holds; documents are read only where that is not all.
      if (isCovered) return { ...scan, ...filter };
      const inputStage = entryFilter ? { ...scan, filter: entryFilter } : scan;
      return { stage: "FETCH", ...filter, ...documents, inputStage };
    }
    case "union":
      return {
        stage: "FETCH",
        ...filter,
        ...documents,
        inputStage: {
          stage: "OR",
          ...counted(examined),
          inputStages: access.branches.map((branch) => branchStage(branch)),
        },
      };
  }
}

function counted(examined: Examined | undefined) {
  return examined && { keysExamined: examined.keys };
}

function branchStage(access: Access): Stage {
  switch (access.kind) {
    case "index":
      return scanStage(access, false);
    case "ids":
      return idsStage(access.ids);
    case "range":
      return rangeStage(access, "forward");
    default:
      return { stage: "COLLSCAN", direction: "forward" };
  }
}

function idsStage(ids: readonly unknown[], examined?: Examined): Stage {
  return {
    stage: "IXSCAN",
    keyPattern: { _id: 1 },
    indexName: "_id_",
    isMultiKey: false,
    isUnique: true,
    ...counted(examined),
    indexBounds: { _id: ids.map((id) => `[${shownValue(id)}, ${shownValue(id)}]`) },
  };
}

/** Documents are stored in the order of `_id`: there is no index between. */
function rangeStage(access: Extract<Access, { kind: "range" }>, direction: string): Stage {
  const { lower, upper } = access;
  return {
    stage: "CLUSTERED_IXSCAN",
    direction,
    ...(lower && { minRecord: lower.value, minInclusive: lower.inclusive }),
    ...(upper && { maxRecord: upper.value, maxInclusive: upper.inclusive }),
  };
}

function scanStage({ index, bounds }: IndexScan, isReverse: boolean, examined?: Examined): Stage {
  const { multikey, key } = index;
  const shown = key.map(([path], at) => {
    const intervals = bounds[at]!.map(shownInterval);
    return [path, intervals] as const;
  });
  return {
    stage: "IXSCAN",
    keyPattern: Object.fromEntries(key),
    indexName: index.name,
    isMultiKey: multikey.length > 0,
    multiKeyPaths: Object.fromEntries(
      key.map(([path], at) => [path, multikey.includes(at) ? [path] : []]),
    ),
    isUnique: index.unique,
    isSparse: index.sparse,
    isPartial: index.partialFilter !== undefined,
    direction: isReverse ? "backward" : "forward",
    ...counted(examined),
    indexBounds: Object.fromEntries(shown),
  };
}

/** Each of the plans that were not chosen. */
export function explainRejected(plan: Plan): Stage[] {
  return plan.rejected.map((access) => {
    if (access.kind === "index") return { stage: "FETCH", inputStage: scanStage(access, false) };
    if (access.kind === "union") {
      return { stage: "OR", inputStages: access.branches.map((branch) => branchStage(branch)) };
    }
    return branchStage(access);
  });
}
