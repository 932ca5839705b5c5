/** Update operators on arrays: https://www.mongodb.com/docs/manual/reference/operator/update-array/ */
import { LioranError } from "../../errors.js";
import { compareValues, equalValues } from "../../values/compare.js";
import { type Document, isPlainObject, isSubdocument } from "../../values/document.js";
import { compileElementFilter } from "../filter.js";
import { isOperatorDocument } from "../operator-document.js";
import { regexTest } from "../regex.js";
import { compileSort } from "../sort.js";
import { typeName } from "../type-names.js";
import { type CompileOperation, describeDocument, type UpdateScope } from "./operation.js";

export const push: CompileOperation = (operand, path) => {
  const { values, position, arrange } = readPush(operand, path);
  return (before, scope, at) => {
    const array = arrayOf("$push", before, scope, at);
    const start = positionIn(array, position);
    return arrange([...array.slice(0, start), ...values, ...array.slice(start)]);
  };
};

export const addToSet: CompileOperation = (operand, path) => {
  const values = readAddToSet(operand, path);
  return (before, scope, at) => {
    const array = arrayOf("$addToSet", before, scope, at);
    const result = [...array];
    for (const value of values) {
      if (!result.some((element) => equalValues(element, value))) result.push(value);
    }
    return before !== undefined && result.length === array.length ? before : result;
  };
};

export const pop: CompileOperation = (operand, path) => {
  const end = typeof operand === "bigint" ? Number(operand) : operand;
  if (end !== 1 && end !== -1) {
    throw new LioranError("FAILED_TO_PARSE", `$pop expects 1 or -1 at path "${path}".`);
  }
  return (before, _scope, at) => {
    if (before === undefined) return undefined;
    if (!Array.isArray(before)) {
      throw new LioranError(
        "TYPE_MISMATCH",
        `Path "${at}" contains an element of non-array type ${typeName(before)}: $pop needs an array.`,
      );
    }
    return end === 1 ? before.slice(0, -1) : before.slice(1);
  };
};

export const pull: CompileOperation = (operand) => removal("$pull", pullTest(operand));

export const pullAll: CompileOperation = (operand, path) => {
  if (!Array.isArray(operand)) {
    throw new LioranError("BAD_VALUE", `$pullAll requires an array at path "${path}".`);
  }
  return removal("$pullAll", (element) => operand.some((value) => equalValues(value, element)));
};

function removal(operator: string, isRemoved: (element: unknown) => boolean) {
  return (before: unknown, _scope: UpdateScope, at: string): unknown => {
    if (before === undefined) return undefined;
    if (!Array.isArray(before)) {
      throw new LioranError(
        "BAD_VALUE",
        `Cannot apply ${operator} to a non-array value at path "${at}" (${typeName(before)}).`,
      );
    }
    const kept = before.filter((element) => !isRemoved(element));
    return kept.length === before.length ? before : kept;
  };
}

/** A document is a filter over the element's fields; operators are tested on the element itself. */
function pullTest(operand: unknown): (element: unknown) => boolean {
  if (operand instanceof RegExp) return regexTest(operand);
  if (!isPlainObject(operand)) return (element) => equalValues(element, operand ?? null);
  if (isOperatorDocument(operand)) return compileElementFilter(operand);
  const matches = compileElementFilter(operand);
  return (element) => isSubdocument(element) && matches(element);
}

interface Push {
  readonly values: readonly unknown[];
  /** Where to insert; undefined at the end. */
  readonly position: number | undefined;
  /** Applies `$sort`, then `$slice`. */
  arrange(array: unknown[]): unknown[];
}

const pushClauses = ["$each", "$position", "$slice", "$sort"];

function readPush(operand: unknown, path: string): Push {
  if (!isPlainObject(operand) || !Object.hasOwn(operand, "$each")) {
    return { values: [operand ?? null], position: undefined, arrange: (array) => array };
  }
  for (const name of Object.keys(operand)) {
    if (pushClauses.includes(name)) continue;
    throw new LioranError("BAD_VALUE", `Unrecognized clause in $push at path "${path}": ${name}.`);
  }
  const sort = Object.hasOwn(operand, "$sort") ? elementOrder(operand.$sort, path) : undefined;
  const slice = integerClause(operand, "$slice", path);
  return {
    values: eachOf("$push", operand.$each, path),
    position: integerClause(operand, "$position", path),
    arrange(array) {
      const sorted = sort ? array.sort(sort) : array;
      if (slice === undefined) return sorted;
      return slice < 0 ? sorted.slice(slice) : sorted.slice(0, slice);
    },
  };
}

function readAddToSet(operand: unknown, path: string): readonly unknown[] {
  if (!isPlainObject(operand) || !Object.hasOwn(operand, "$each")) return [operand ?? null];
  if (Object.keys(operand).length > 1) {
    throw new LioranError("BAD_VALUE", `$addToSet takes nothing beside $each, at path "${path}".`);
  }
  return eachOf("$addToSet", operand.$each, path);
}

function eachOf(operator: string, each: unknown, path: string): readonly unknown[] {
  if (Array.isArray(each)) return each;
  const message = `The argument to $each in ${operator} must be an array, at path "${path}".`;
  throw new LioranError(operator === "$push" ? "BAD_VALUE" : "TYPE_MISMATCH", message);
}

function integerClause(operand: Document, name: string, path: string): number | undefined {
  if (!Object.hasOwn(operand, name)) return undefined;
  const value = typeof operand[name] === "bigint" ? Number(operand[name]) : operand[name];
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new LioranError("BAD_VALUE", `${name} of $push must be an integer, at path "${path}".`);
}

function elementOrder(sort: unknown, path: string): (a: unknown, b: unknown) => number {
  if (sort === 1 || sort === -1) return (a, b) => sort * compareValues(a, b);
  if (!isPlainObject(sort) || Object.keys(sort).length === 0) {
    throw new LioranError(
      "BAD_VALUE",
      `$sort of $push must be 1, -1 or an object such as { score: 1 }, at path "${path}".`,
    );
  }
  const compare = compileSort(sort);
  const fields = (element: unknown) => (isSubdocument(element) ? element : {});
  return (a, b) => compare(fields(a), fields(b));
}

function positionIn(array: unknown[], position: number | undefined): number {
  if (position === undefined) return array.length;
  return position < 0 ? Math.max(0, array.length + position) : Math.min(position, array.length);
}

function arrayOf(operator: string, before: unknown, scope: UpdateScope, at: string): unknown[] {
  if (before === undefined) return [];
  if (Array.isArray(before)) return before;
  throw new LioranError(
    "BAD_VALUE",
    `${operator} needs an array: the field "${at}" is of type ${typeName(before)} ` +
      `in ${describeDocument(scope)}.`,
  );
}
