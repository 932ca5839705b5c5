/** `$bucket`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/bucket/ */
import { LioranError } from "../../errors.js";
import { compareValues, orderOf } from "../../values/compare.js";
import { isPlainObject } from "../../values/document.js";
import type { Accumulation } from "./accumulator.js";
import { compileOutput, type OutputField } from "./group.js";
import { StageMemory } from "./memory.js";
import { expressionOf, malformed, partsOf, type Stage, type StageContext } from "./stage.js";

const counting = { count: { $sum: 1 } };

export function bucket(operand: unknown, context: StageContext): Stage {
  const parts = partsOf("$bucket", operand, ["groupBy", "boundaries"], ["default", "output"]);
  const groupBy = expressionOf(parts.groupBy, context);
  const boundaries = boundariesOf(expressionOf(parts.boundaries, context)({}));
  const hasDefault = Object.hasOwn(parts, "default");
  const fallback = hasDefault ? expressionOf(parts.default, context)({}) : undefined;
  if (hasDefault) checkDefault(fallback, boundaries);
  const fields = outputOf("$bucket", parts.output, context);
  return function* (input) {
    const memory = new StageMemory("$bucket");
    const states: (Accumulation[] | undefined)[] = [];
    for (const document of input) {
      const value = groupBy(document);
      const at = positionOf(value, boundaries);
      if (at === undefined && !hasDefault) {
        throw new LioranError(
          "BAD_VALUE",
          "$bucket could not find a matching bucket for an input document, and no default was specified.",
        );
      }
      const place = at ?? boundaries.length;
      states[place] ??= fields.map(({ accumulator }) => accumulator.start(memory));
      addTo(states[place], fields, document);
    }
    const ids = [...boundaries.slice(0, -1), undefined, fallback];
    const filled = states.flatMap((state, at) => (state ? [{ id: ids[at], state }] : []));
    if (hasDefault) filled.sort((a, b) => compareValues(a.id, b.id));
    for (const { id, state } of filled) yield resultOf(id, fields, state);
  };
}

export function outputOf(stage: string, output: unknown, context: StageContext): OutputField[] {
  if (output !== undefined && !isPlainObject(output)) {
    throw malformed(`The output of ${stage} must be an object.`);
  }
  return compileOutput(stage, output ?? counting, context);
}

export function addTo(
  states: Accumulation[],
  fields: readonly OutputField[],
  document: Record<string, unknown>,
): void {
  for (let at = 0; at < fields.length; at += 1) {
    states[at]!.add(fields[at]!.accumulator.input(document), document);
  }
}

export function resultOf(id: unknown, fields: readonly OutputField[], states: Accumulation[]) {
  const result: Record<string, unknown> = { _id: id };
  for (let at = 0; at < fields.length; at += 1) {
    result[fields[at]!.name] = states[at]!.result() ?? null;
  }
  return result;
}

function boundariesOf(value: unknown): unknown[] {
  if (!Array.isArray(value) || value.length < 2) {
    throw malformed("$bucket needs at least 2 values in 'boundaries'.");
  }
  for (let at = 1; at < value.length; at += 1) {
    if (orderOf(value[at]) !== orderOf(value[at - 1])) {
      throw malformed("All values in 'boundaries' of $bucket must have the same type.");
    }
    if (compareValues(value[at - 1], value[at]) >= 0) {
      throw malformed("The 'boundaries' of $bucket must be sorted in ascending order.");
    }
  }
  return value;
}

function checkDefault(fallback: unknown, boundaries: unknown[]): void {
  const isWithin =
    orderOf(fallback) === orderOf(boundaries[0]) && positionOf(fallback, boundaries) !== undefined;
  if (isWithin) {
    throw malformed("The 'default' of $bucket must lie outside of its boundaries.");
  }
}

/** The bucket of a value; its lower boundary belongs to it. Missing sorts as null. */
function positionOf(value: unknown, boundaries: unknown[]): number | undefined {
  if (compareValues(value, boundaries[0]) < 0 || compareValues(value, boundaries.at(-1)) >= 0) {
    return undefined;
  }
  let low = 0;
  let high = boundaries.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (compareValues(value, boundaries[middle]) < 0) high = middle;
    else low = middle;
  }
  return low;
}
