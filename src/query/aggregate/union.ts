/** `$unionWith` and `$documents`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/unionWith/ */
import { LioranError } from "../../errors.js";
import { isPlainObject } from "../../values/document.js";
import { collectionOf } from "./lookup.js";
import {
  expressionOf,
  malformed,
  partsOf,
  pipelineOf,
  type Stage,
  type StageContext,
} from "./stage.js";

export function unionWith(operand: unknown, context: StageContext): Stage {
  const parts =
    typeof operand === "string"
      ? { coll: operand }
      : partsOf("$unionWith", operand, [], ["coll", "pipeline"]);
  const collection = collectionOf("$unionWith", parts.coll);
  const pipeline = pipelineOf("'pipeline' of $unionWith", parts.pipeline ?? []);
  if (collection === undefined && !(pipeline[0] && "$documents" in pipeline[0])) {
    throw malformed("$unionWith requires 'coll', unless its pipeline begins with $documents.");
  }
  const open = context.open(collection, pipeline, context.variables);
  return function* (input) {
    yield* input;
    yield* open();
  };
}

/** Its input is empty: it can only stand first. */
export function documents(operand: unknown, context: StageContext): Stage {
  const list = expressionOf(operand, context);
  return function* () {
    const values = list({});
    if (!Array.isArray(values) || !values.every(isPlainObject)) {
      throw new LioranError("BAD_VALUE", "$documents needs an array of objects.");
    }
    for (const document of values) {
      context.control.step(0);
      yield document;
    }
  };
}
