/**
 * Operators of sets and objects where mingo differs from MongoDB: equal numbers of two types, null, and what is
 * no array (https://www.mongodb.com/docs/manual/reference/operator/aggregation/#set-expression-operators).
 */
import { LioranError } from "../errors.js";
import { isSubdocument } from "../values/document.js";
import { type ValueKey, valueKey } from "./aggregate/value-key.js";
import { evaluateList, type Operator } from "./language.js";
import { isMissing } from "./operand.js";
import { typeName } from "./type-names.js";

function arrayOf(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new LioranError(
    "BAD_VALUE",
    `All operands of ${name} must be arrays, not ${typeName(value)}.`,
  );
}

/** Each value once, by what it is equal to. */
function setOf(values: readonly unknown[]): Map<ValueKey, unknown> {
  const set = new Map<ValueKey, unknown>();
  for (const value of values) {
    const key = valueKey(value);
    if (!set.has(key)) set.set(key, value);
  }
  return set;
}

function operands(
  name: string,
  count: number | undefined,
  compute: (arrays: unknown[][]) => unknown,
  whenMissing?: null,
): Operator {
  return (document, operand, options) => {
    const values = evaluateList(document, operand, options);
    if (count !== undefined && values.length !== count) {
      throw new LioranError("FAILED_TO_PARSE", `${name} takes exactly ${count} arguments.`);
    }
    if (whenMissing === null && values.some(isMissing)) return null;
    return compute(values.map((value) => arrayOf(name, value)));
  };
}

const isWithin = (part: unknown[], all: unknown[]) => {
  const known = setOf(all);
  return part.every((value) => known.has(valueKey(value)));
};

const $size: Operator = (document, operand, options) => {
  const [value] = evaluateList(document, operand, options);
  if (Array.isArray(value)) return value.length;
  throw new LioranError(
    "BAD_VALUE",
    `The argument to $size must be an array, but was of type: ${typeName(value)}.`,
  );
};

const $mergeObjects: Operator = (document, operand, options) => {
  const values = evaluateList(document, operand, options);
  const merged: Record<string, unknown> = {};
  for (const value of values) {
    if (isMissing(value)) continue;
    if (!isSubdocument(value)) {
      const kind = typeName(value);
      throw new LioranError("BAD_VALUE", `$mergeObjects requires objects, not ${kind}.`);
    }
    Object.assign(merged, value);
  }
  return merged;
};

const $arrayToObject: Operator = (document, operand, options) => {
  const isList = Array.isArray(operand) && operand.length === 1;
  const [value] = evaluateList(document, isList ? operand : [operand], options);
  if (isMissing(value)) return null;
  if (!Array.isArray(value)) {
    const kind = typeName(value);
    throw new LioranError("BAD_VALUE", `$arrayToObject requires an array, not ${kind}.`);
  }
  const object: Record<string, unknown> = {};
  for (const pair of value) {
    const [name, content] = pairOf(pair);
    object[name] = content;
  }
  return object;
};

function pairOf(pair: unknown): [name: string, value: unknown] {
  let parts: unknown[] | undefined;
  if (Array.isArray(pair) && pair.length === 2) parts = pair;
  else if (isSubdocument(pair) && Object.hasOwn(pair, "k") && Object.hasOwn(pair, "v")) {
    if (Object.keys(pair).length === 2) parts = [pair.k, pair.v];
  }
  const [name, value] = parts ?? [];
  if (typeof name === "string" && name !== "__proto__") return [name, value];
  throw new LioranError(
    "BAD_VALUE",
    "$arrayToObject requires pairs such as [name, value] or { k: name, v: value }, whose name is a string.",
  );
}

/** By name; they take precedence over mingo's. */
export const setOperators: Readonly<Record<string, Operator>> = {
  $setUnion: operands("$setUnion", undefined, (arrays) => [...setOf(arrays.flat()).values()], null),
  $setIntersection: operands(
    "$setIntersection",
    undefined,
    ([first = [], ...others]) => {
      const sets = others.map(setOf);
      const common = [...setOf(first)].filter(([key]) => sets.every((set) => set.has(key)));
      return common.map(([, value]) => value);
    },
    null,
  ),
  $setDifference: operands(
    "$setDifference",
    2,
    ([first, second]) => {
      const removed = setOf(second!);
      return [...setOf(first!)].filter(([key]) => !removed.has(key)).map(([, value]) => value);
    },
    null,
  ),
  $setEquals: operands("$setEquals", undefined, ([first = [], ...others]) =>
    others.every((other) => isWithin(first, other) && isWithin(other, first)),
  ),
  $setIsSubset: operands("$setIsSubset", 2, ([part, all]) => isWithin(part!, all!)),
  $size,
  $mergeObjects,
  $arrayToObject,
};
