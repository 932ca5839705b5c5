/**
 * `$out` and `$merge`: where the results of a pipeline are written instead of being returned. Whoever
 * runs the pipeline writes them; here is only what they say.
 */
import { LioranError } from "../../errors.js";
import { checkCollectionName, checkDatabaseName } from "../../names.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { checkVariableName } from "../direct-operators.js";
import { fieldNameOf, malformed, partsOf, pipelineOf } from "./stage.js";

export interface Target {
  readonly db: string;
  readonly collection: string;
}

/** Replaces a collection. https://www.mongodb.com/docs/manual/reference/operator/aggregation/out/ */
export interface OutStage {
  readonly kind: "out";
  readonly target: Target;
}

/** Merges into a collection. https://www.mongodb.com/docs/manual/reference/operator/aggregation/merge/ */
export interface MergeStage {
  readonly kind: "merge";
  readonly target: Target;
  /** The fields by which documents are the same. */
  readonly on: readonly string[];
  readonly whenMatched: "replace" | "keepExisting" | "merge" | "fail" | readonly Document[];
  readonly whenNotMatched: "insert" | "discard" | "fail";
  /** Variables for a `whenMatched` pipeline; expressions over the new document. */
  readonly let: Document;
}

export type OutputStage = OutStage | MergeStage;

const matchedModes = ["replace", "keepExisting", "merge", "fail"];
const notMatchedModes = ["insert", "discard", "fail"];

/**
 * Takes `$out` or `$merge` off the end of a pipeline.
 *
 * @param db the database that the pipeline reads, and writes to unless it says otherwise
 * @throws LioranError FAILED_TO_PARSE, INVALID_NAMESPACE
 */
export function splitOutput(
  pipeline: readonly Document[],
  db: string,
): { pipeline: readonly Document[]; output: OutputStage | undefined } {
  const last = pipeline.at(-1);
  const names = isPlainObject(last) ? Object.keys(last) : [];
  if (names.length !== 1) return { pipeline, output: undefined };
  const rest = pipeline.slice(0, -1);
  if (names[0] === "$out") return { pipeline: rest, output: outOf(last!.$out, db) };
  if (names[0] === "$merge") return { pipeline: rest, output: mergeOf(last!.$merge, db) };
  return { pipeline, output: undefined };
}

function outOf(operand: unknown, db: string): OutStage {
  return { kind: "out", target: targetOf("$out", operand, db) };
}

function mergeOf(operand: unknown, db: string): MergeStage {
  const optional = ["on", "let", "whenMatched", "whenNotMatched"];
  const parts =
    typeof operand === "string"
      ? { into: operand }
      : partsOf("$merge", operand, ["into"], optional);
  const { on = "_id", whenMatched = "merge", whenNotMatched = "insert" } = parts;
  const names: unknown[] = Array.isArray(on) ? on : [on];
  if (names.length === 0) throw malformed("'on' of $merge must name at least one field.");
  if (!Array.isArray(whenMatched) && !matchedModes.includes(whenMatched as string)) {
    throw malformed(
      `'whenMatched' of $merge must be a pipeline or one of ${matchedModes.join(", ")}.`,
    );
  }
  if (!notMatchedModes.includes(whenNotMatched as string)) {
    throw malformed(`'whenNotMatched' of $merge must be one of ${notMatchedModes.join(", ")}.`);
  }
  const isPair = whenMatched === "fail" || whenMatched === "keepExisting";
  if (isPair && whenNotMatched !== "insert") {
    throw malformed(
      `$merge with whenMatched "${whenMatched}" and whenNotMatched "${whenNotMatched}" is not supported.`,
    );
  }
  return {
    kind: "merge",
    target: targetOf("$merge", parts.into, db),
    on: names.map((name) => fieldNameOf("'on' of $merge", name)),
    whenMatched: (Array.isArray(whenMatched)
      ? pipelineOf("'whenMatched' of $merge", whenMatched)
      : whenMatched) as MergeStage["whenMatched"],
    whenNotMatched: whenNotMatched as MergeStage["whenNotMatched"],
    let: letOf(parts.let, Array.isArray(whenMatched)),
  };
}

/** Without a `let`, the pipeline sees the new document as `$$new`. */
function letOf(operand: unknown, hasPipeline: boolean): Document {
  if (operand === undefined) return { new: "$$ROOT" };
  if (!isPlainObject(operand)) throw malformed("'let' of $merge must be an object.");
  if (!hasPipeline) throw malformed("'let' of $merge needs a pipeline in 'whenMatched'.");
  for (const name of Object.keys(operand)) checkVariableName(name);
  return { ...operand, ...(Object.hasOwn(operand, "new") ? {} : { new: "$$ROOT" }) };
}

function targetOf(stage: string, operand: unknown, ownDb: string): Target {
  if (typeof operand === "string") {
    checkCollectionName(operand);
    return { db: ownDb, collection: operand };
  }
  if (isPlainObject(operand) && operand.timeseries !== undefined) {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `${stage} cannot make time series collections.`);
  }
  const { db = ownDb, coll } = partsOf(stage, operand, ["coll"], ["db"]);
  checkDatabaseName(db);
  checkCollectionName(coll);
  return { db, collection: coll };
}
