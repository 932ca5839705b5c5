/** `$unwind`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/unwind/ */
import { isPlainObject } from "../../values/document.js";
import { parseWritablePath } from "../path.js";
import { plainValueAt, withValueAt } from "./place.js";
import {
  fieldNameOf,
  fieldPathOf,
  malformed,
  partsOf,
  type Stage,
  type StageContext,
} from "./stage.js";

export function unwind(operand: unknown, { control }: StageContext): Stage {
  const parts = isPlainObject(operand)
    ? partsOf("$unwind", operand, ["path"], ["includeArrayIndex", "preserveNullAndEmptyArrays"])
    : { path: operand };
  const { segments } = parseWritablePath(fieldPathOf("the path of $unwind", parts.path));
  const { includeArrayIndex, preserveNullAndEmptyArrays: preserve = false } = parts;
  if (typeof preserve !== "boolean") {
    throw malformed("preserveNullAndEmptyArrays of $unwind must be true or false.");
  }
  const position =
    includeArrayIndex === undefined
      ? undefined
      : parseWritablePath(fieldNameOf("includeArrayIndex of $unwind", includeArrayIndex)).segments;
  return function* (input) {
    for (const document of input) {
      const value = plainValueAt(document, segments);
      if (Array.isArray(value) && value.length > 0) {
        for (let at = 0; at < value.length; at += 1) {
          control.step(0);
          const one = withValueAt(document, segments, value[at]);
          yield position ? withValueAt(one, position, at) : one;
        }
        continue;
      }
      const isNothing = value === null || value === undefined || Array.isArray(value);
      if (isNothing && !preserve) continue;
      // An empty array is left out, anything else stays as it is.
      const one = Array.isArray(value) ? withValueAt(document, segments, undefined) : document;
      yield position ? withValueAt(one, position, null) : one;
    }
  };
}
