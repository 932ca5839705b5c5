/** `$redact`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/redact/ */
import { LioranError } from "../../errors.js";
import { type Document, isSubdocument } from "../../values/document.js";
import { compileExpression } from "../expression.js";
import { Variables } from "../variables.js";
import type { Stage, StageContext } from "./stage.js";

const decisions = ["DESCEND", "PRUNE", "KEEP"] as const;

export function redact(operand: unknown, context: StageContext): Stage {
  // Field paths are those of the part that is looked at; only ROOT remains the whole document.
  const variables = new Variables(context.variables, ["ROOT", ...decisions]);
  for (const decision of decisions) variables.set(decision, `$$${decision}`);
  const decide = compileExpression(operand, variables);

  const redacted = (document: Document): Document | undefined => {
    const decision = decide(document);
    if (decision === "$$KEEP") return document;
    if (decision === "$$PRUNE") return undefined;
    if (decision !== "$$DESCEND") {
      throw new LioranError(
        "BAD_VALUE",
        "$redact's expression should not return anything aside from $$KEEP, $$DESCEND and $$PRUNE.",
      );
    }
    const result: Document = {};
    for (const name of Object.keys(document)) {
      const value = inside(document[name]);
      if (value !== undefined) result[name] = value;
    }
    return result;
  };
  const inside = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(inside).filter((element) => element !== undefined);
    }
    return isSubdocument(value) ? redacted(value) : value;
  };

  return function* (input) {
    for (const document of input) {
      variables.set("ROOT", document);
      const result = redacted(document);
      if (result) yield result;
    }
  };
}
