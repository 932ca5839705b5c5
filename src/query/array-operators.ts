/**
 * Operators that make arrays out of little, which mingo lets grow without bound
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/range/).
 */
import { LioranError } from "../errors.js";
import { madeElementsMax } from "../limits.js";
import type { Document } from "../values/document.js";
import { evaluateList, type Operator } from "./language.js";
import { stepOfLoop } from "./loop-control.js";
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
/** Elements that `$range` makes before it asks whether to go on. */
const elementsPerStep = 256;

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
  const numbers: number[] = [];
  for (let at = 0; at < length; at += 1) {
    if (at % elementsPerStep === 0) stepOfLoop();
    numbers.push(start + at * step);
  }
  return numbers;
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

/** https://www.mongodb.com/docs/manual/reference/operator/aggregation/zip/ */
const $zip: Operator = (document, operand, options) => {
  const { inputs, useLongestLength = false, defaults } = operand as Document;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new LioranError("FAILED_TO_PARSE", "$zip requires 'inputs' to be an array of arrays.");
  }
  if (typeof useLongestLength !== "boolean") {
    throw new LioranError("FAILED_TO_PARSE", "$zip requires 'useLongestLength' to be a boolean.");
  }
  if (defaults !== undefined && !useLongestLength) {
    throw new LioranError("FAILED_TO_PARSE", "$zip takes 'defaults' only with useLongestLength.");
  }
  const arrays = evaluateList(document, inputs, options);
  if (arrays.some(isMissing)) return null;
  for (const array of arrays) {
    if (Array.isArray(array)) continue;
    throw new LioranError("BAD_VALUE", `$zip takes arrays, not ${typeName(array)}.`);
  }
  const fallback = defaults === undefined ? [] : evaluateList(document, defaults, options);
  if (defaults !== undefined && fallback.length !== arrays.length) {
    throw new LioranError("FAILED_TO_PARSE", "$zip requires as many 'defaults' as 'inputs'.");
  }
  return zipped(arrays as unknown[][], useLongestLength, fallback);
};

function zipped(arrays: unknown[][], toLongest: boolean, fallback: unknown[]): unknown[][] {
  const lengths = arrays.map(({ length }) => length);
  const length = toLongest ? Math.max(...lengths) : Math.min(...lengths);
  checkLength("$zip", length * arrays.length);
  const tuples: unknown[][] = [];
  for (let at = 0; at < length; at += 1) {
    stepOfLoop();
    tuples.push(
      arrays.map((array, input) => (at < array.length ? array[at] : fallback[input]) ?? null),
    );
  }
  return tuples;
}

/** By name; they take precedence over mingo's. */
export const arrayOperators: Readonly<Record<string, Operator>> = { $range, $concatArrays, $zip };
