/**
 * Expression operators where mingo differs from MongoDB: it compares strings by UTF-16 units, ignores
 * the order of fields, knows no bigint, and treats missing fields of `$getField` as failures. They
 * follow https://www.mongodb.com/docs/manual/reference/operator/aggregation/.
 */
import { LioranError } from "../errors.js";
import { compareValues, equalValues } from "../values/compare.js";
import { type Document, isSubdocument } from "../values/document.js";
import { add, type Numeric } from "./arithmetic.js";
import { arrayOperators } from "./array-operators.js";
import { bsonOperators } from "./bson-operators.js";
import { dateOperators } from "./date-operators.js";
import { evaluate, evaluateList, type Operator } from "./language.js";
import { numberOperators } from "./number-operators.js";
import { compareOperands, isMissing, isNumeric } from "./operand.js";
import { regexOperators } from "./regex-operators.js";
import { setOperators } from "./set-operators.js";
import { compileSort } from "./sort.js";
import { Deviation } from "./statistics.js";
import { textOperators } from "./text-operators.js";
import { typeName } from "./type-names.js";

/** `$max: "$scores"` looks into the array; with several arguments, arrays are values. */
function evaluateValues(document: unknown, operand: unknown, options: unknown): unknown[] {
  const values = evaluateList(document, operand, options);
  const only = values[0];
  return values.length === 1 && Array.isArray(only) ? only : values;
}

const $in: Operator = (document, operand, options) => {
  if (!Array.isArray(operand) || operand.length !== 2) {
    throw new LioranError("FAILED_TO_PARSE", "$in takes exactly 2 arguments.");
  }
  const [value, list] = evaluateList(document, operand, options);
  if (!Array.isArray(list)) {
    throw new LioranError("BAD_VALUE", "$in requires an array as a second argument.");
  }
  return value !== undefined && list.some((entry) => equalValues(entry, value));
};

const $setField: Operator = (document, operand, options) => {
  const { field, input, value } = evaluate(document, operand, options) as Document;
  return withField("$setField", input, field, value);
};

const $unsetField: Operator = (document, operand, options) => {
  const { field, input } = evaluate(document, operand, options) as Document;
  return withField("$unsetField", input, field, undefined);
};

function withField(name: string, input: unknown, field: unknown, value: unknown): unknown {
  if (isMissing(input)) return null;
  checkFieldName(name, field);
  if (!isSubdocument(input)) {
    throw new LioranError("BAD_VALUE", `${name} requires "input" to evaluate to an object.`);
  }
  if (value !== undefined) return { ...input, [field]: value };
  const { [field]: _removed, ...rest } = input;
  return rest;
}

function checkFieldName(name: string, field: unknown): asserts field is string {
  if (typeof field !== "string" || field === "__proto__") {
    throw new LioranError("BAD_VALUE", `${name} requires "field" to be the name of a field.`);
  }
}

const $getField: Operator = (document, operand, options) => {
  const isFull = isSubdocument(operand) && Object.hasOwn(operand, "field");
  const field = evaluate(document, isFull ? operand.field : operand, options);
  const input =
    isFull && Object.hasOwn(operand, "input")
      ? evaluate(document, operand.input, options)
      : evaluate(document, "$$CURRENT", options);
  checkFieldName("$getField", field);
  if (isMissing(input)) return input;
  return isSubdocument(input) && Object.hasOwn(input, field) ? input[field] : undefined;
};

const $sortArray: Operator = (document, operand, options) => {
  const { input, sortBy } = (operand ?? {}) as Document;
  const array = evaluate(document, input, options);
  if (isMissing(array)) return null;
  if (!Array.isArray(array)) {
    throw new LioranError("BAD_VALUE", `$sortArray requires "input" to be an array.`);
  }
  if (sortBy === 1 || sortBy === -1) {
    return [...array].sort((a, b) => sortBy * compareOperands(a, b));
  }
  const compare = compileSort(sortBy as Document);
  const fields = (element: unknown) => (isSubdocument(element) ? element : {});
  return [...array].sort((a, b) => compare(fields(a), fields(b)));
};

function extreme(direction: 1 | -1): Operator {
  return (document, operand, options) => {
    const values = evaluateValues(document, operand, options).filter((value) => !isMissing(value));
    if (values.length === 0) return null;
    return values.reduce((a, b) => (compareValues(a, b) * direction >= 0 ? a : b));
  };
}

const $sum: Operator = (document, operand, options) =>
  evaluateValues(document, operand, options).filter(isNumeric).reduce<Numeric>(add, 0);

const $avg: Operator = (document, operand, options) => {
  const values = evaluateValues(document, operand, options).filter(isNumeric);
  if (values.length === 0) return null;
  return Number(values.reduce(add)) / values.length;
};

function deviation(isSample: boolean): Operator {
  return (document, operand, options) => {
    const deviations = new Deviation(isSample);
    for (const value of evaluateValues(document, operand, options)) deviations.add(value);
    return deviations.result();
  };
}

/** By name; they take precedence over mingo's. */
export const ownOperators: Readonly<Record<string, Operator>> = {
  ...regexOperators,
  ...arrayOperators,
  ...bsonOperators,
  ...dateOperators,
  ...numberOperators,
  ...setOperators,
  ...textOperators,
  $in,
  $sum,
  $avg,
  $max: extreme(1),
  $min: extreme(-1),
  $stdDevPop: deviation(false),
  $stdDevSamp: deviation(true),
  $setField,
  $unsetField,
  $getField,
  $sortArray,
  $type: (document, operand, options) => typeName(evaluate(document, operand, options)),
  $isNumber: (document, operand, options) => isNumeric(evaluate(document, operand, options)),
};
