/**
 * Operators that make arrays out of little, which mingo lets grow without bound
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/range/).
 */
import { LioranError } from "../errors.js";
import { madeElementsMax } from "../limits.js";
import { evaluateList, type Operator } from "./language.js";
import { isMissing, isNumeric } from "./operand.js";
import { typeName } from "./type-names.js";

/** @throws LioranError MEMORY_EXCEEDED */
function checkLength(name: string, length: number): void {
  if (length <= madeElementsMax) return;
  throw new LioranError(
    "MEMORY_EXCEEDED",
    `${name} would make an array of ${length} elements, more than ${madeElementsMax}.`,
  );
}

const names = ["start", "end", "step"];

const $range: Operator = (document, operand, options) => {
  const values = evaluateList(document, operand, options);
  if (values.length < 2 || values.length > 3) {
    throw new LioranError("FAILED_TO_PARSE", "$range takes 2 or 3 arguments.");
  }
  const [start, end, step = 1] = values.map((value, at) => {
    if (isNumeric(value) && Number(value) === (Number(value) | 0)) return Number(value);
    throw new LioranError(
      "BAD_VALUE",
      `$range requires its ${names[at]} to be an integer of 32 bits, not ${shown(value)}.`,
    );
  }) as [number, number, number?];
  if (step === 0) throw new LioranError("BAD_VALUE", "$range requires a step that is not zero.");
  const length = Math.max(0, Math.ceil((end - start) / step));
  checkLength("$range", length);
  return Array.from({ length }, (_, at) => start + at * step);
};

function shown(value: unknown): string {
  return isNumeric(value) ? String(value) : typeName(value);
}

const $concatArrays: Operator = (document, operand, options) => {
  const values = evaluateList(document, operand, options);
  if (values.some(isMissing)) return null;
  let length = 0;
  for (const value of values) {
    if (!Array.isArray(value)) {
      throw new LioranError("BAD_VALUE", `$concatArrays takes arrays, not ${typeName(value)}.`);
    }
    length += value.length;
  }
  checkLength("$concatArrays", length);
  return ([] as unknown[]).concat(...(values as unknown[][]));
};

/** By name; they take precedence over mingo's. */
export const arrayOperators: Readonly<Record<string, Operator>> = { $range, $concatArrays };
