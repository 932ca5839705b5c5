/**
 * The operators of a filter that look at one value: `{ $gt: 5, $lt: 9 }` becomes clauses, each a
 * test on a value. Where the value comes from (a path, an array element) is the caller's business.
 */
import { LioranError } from "../errors.js";
import { compareValues, equalValues, ORDER, orderOf } from "../values/compare.js";
import { type Document, isPlainObject } from "../values/document.js";
import { bitTest } from "./bits.js";
import { membershipTest } from "./membership.js";
import { isOperatorDocument } from "./operator-document.js";
import { compileRegex, regexTest } from "./regex.js";
import type { ValueTest } from "./traverse.js";
import { typeTest } from "./type-names.js";

/** A test on values, or several clauses that must all hold for the same path. */
export type Clause =
  | { readonly negated: boolean; readonly test: ValueTest; readonly elements: boolean }
  | { readonly negated: boolean; readonly all: readonly Clause[] };

/** Compiles what `$elemMatch` says about one element. Given from outside: it may hold whole filters. */
export type CompileElement = (condition: Document) => (element: unknown) => boolean;

interface Context {
  /** The document of operators that this one is part of. */
  readonly siblings: Document;
  readonly compileElement: CompileElement;
}

type Compile = (operand: unknown, path: string, context: Context) => Clause | undefined;

const unsupported = new Set([
  "$where",
  "$function",
  "$accumulator",
  "$jsonSchema",
  "$geoIntersects",
  "$geoWithin",
  "$near",
  "$nearSphere",
  "$text",
]);

const operators: Record<string, Compile> = {
  $eq: (operand) => holds(equalityTest(operand)),
  $ne: (operand, path) => {
    refuseRegex("$ne", operand, path);
    return fails(equalityTest(operand));
  },
  $gt: (operand, path) => ordering("$gt", operand, path, (order) => order > 0),
  $gte: (operand, path) => ordering("$gte", operand, path, (order) => order >= 0),
  $lt: (operand, path) => ordering("$lt", operand, path, (order) => order < 0),
  $lte: (operand, path) => ordering("$lte", operand, path, (order) => order <= 0),
  $in: (operand, path) => holds(membershipTest(listOf("$in", operand, path), path)),
  $nin: (operand, path) => fails(membershipTest(listOf("$nin", operand, path), path)),
  $exists: (operand) => {
    const wanted = operand !== false && operand !== 0 && operand !== null && operand !== 0n;
    const test: ValueTest = (value) => value !== undefined;
    return { negated: !wanted, test, elements: false };
  },
  $not: compileNot,
  $type: (operand, path) => holds(typeTest(operand, path)),
  $mod: (operand, path) => holds(modTest(operand, path)),
  $regex: (operand, path, { siblings }) => holds(regexTest(compileRegex(operand, siblings, path))),
  $options: (_operand, path, { siblings }) => {
    if (Object.hasOwn(siblings, "$regex")) return undefined;
    throw bad(`$options needs a $regex at path "${path}".`);
  },
  $all: compileAll,
  $size: (operand, path) => {
    const size = sizeOf(operand, path);
    return whole((value) => Array.isArray(value) && value.length === size);
  },
  $elemMatch: compileElemMatch,
  $bitsAllSet: (operand, path) => holds(bitTest("$bitsAllSet", operand, path)),
  $bitsAnySet: (operand, path) => holds(bitTest("$bitsAnySet", operand, path)),
  $bitsAllClear: (operand, path) => holds(bitTest("$bitsAllClear", operand, path)),
  $bitsAnyClear: (operand, path) => holds(bitTest("$bitsAnyClear", operand, path)),
  $comment: () => undefined,
};

/**
 * Compiles what stands at a path of a filter: a value to be equal to, a regular expression, or a
 * document of operators.
 *
 * @throws LioranError BAD_VALUE, FAILED_TO_PARSE, COMMAND_NOT_SUPPORTED
 */
export function compileCondition(
  condition: unknown,
  path: string,
  compileElement: CompileElement,
): Clause[] {
  if (condition instanceof RegExp) return [holds(regexTest(condition))];
  if (!isOperatorDocument(condition)) return [holds(equalityTest(condition))];
  const clauses: Clause[] = [];
  for (const name of Object.keys(condition)) {
    const compile = Object.hasOwn(operators, name) ? operators[name] : undefined;
    if (!compile) throw unknownOperator(name, path);
    const clause = compile(condition[name], path, { siblings: condition, compileElement });
    if (clause) clauses.push(clause);
  }
  return clauses;
}

/** Whether one value passes, without looking into arrays. */
export function passesClause(clause: Clause, value: unknown): boolean {
  const passes =
    "all" in clause ? clause.all.every((part) => passesClause(part, value)) : clause.test(value);
  return passes !== clause.negated;
}

function holds(test: ValueTest): Clause {
  return { negated: false, test, elements: true };
}

function fails(test: ValueTest): Clause {
  return { negated: true, test, elements: true };
}

/** For tests of the array itself, not of its elements. */
function whole(test: ValueTest): Clause {
  return { negated: false, test, elements: false };
}

function equalityTest(operand: unknown): ValueTest {
  if (operand === null || operand === undefined) {
    return (value) => value === null || value === undefined;
  }
  if (typeof operand === "string" || typeof operand === "boolean") {
    return (value) => value === operand;
  }
  return (value) => value !== undefined && equalValues(value, operand);
}

/** Values of another type never match; NaN is neither less nor greater than anything. */
function ordering(
  operator: string,
  operand: unknown,
  path: string,
  accepts: (order: number) => boolean,
): Clause {
  refuseRegex(operator, operand, path);
  const inclusive = accepts(0);
  const order = orderOf(operand);
  if (order === ORDER.null) return holds((value) => inclusive && (value ?? null) === null);
  if (Number.isNaN(operand)) return holds((value) => inclusive && Number.isNaN(value));
  return holds(
    (value) =>
      orderOf(value) === order && !Number.isNaN(value) && accepts(compareValues(value, operand)),
  );
}

function compileNot(operand: unknown, path: string, context: Context): Clause {
  if (operand instanceof RegExp) {
    return { negated: true, all: [holds(regexTest(operand))] };
  }
  if (!isPlainObject(operand)) throw bad(`$not needs a regex or a document at path "${path}".`);
  if (Object.keys(operand).length === 0) throw bad(`$not cannot be empty at path "${path}".`);
  for (const name of Object.keys(operand)) {
    if (!name.startsWith("$")) throw unknownOperator(name, path);
  }
  return { negated: true, all: compileCondition(operand, path, context.compileElement) };
}

function compileAll(operand: unknown, path: string, context: Context): Clause {
  const list = listOf("$all", operand, path);
  if (list.length === 0) return holds(() => false);
  const isElemMatch = (entry: unknown) => isOperatorDocument(entry) && "$elemMatch" in entry;
  const elemMatches = list.filter(isElemMatch).length;
  if (elemMatches > 0 && elemMatches < list.length) {
    throw bad(`$all at path "${path}" takes either $elemMatch everywhere or nowhere.`);
  }
  const all = list.flatMap((entry) => {
    if (isElemMatch(entry)) return compileCondition(entry, path, context.compileElement);
    if (isOperatorDocument(entry)) throw bad(`no $ expressions in $all at path "${path}".`);
    return [holds(entry instanceof RegExp ? regexTest(entry) : equalityTest(entry))];
  });
  return { negated: false, all };
}

function compileElemMatch(operand: unknown, path: string, context: Context): Clause {
  if (!isPlainObject(operand)) throw bad(`$elemMatch needs an object at path "${path}".`);
  const matches = context.compileElement(operand);
  return whole((value, details) => {
    if (!Array.isArray(value)) return false;
    const position = value.findIndex(matches);
    if (position >= 0) details?.record(path, position);
    return position >= 0;
  });
}

function modTest(operand: unknown, path: string): ValueTest {
  if (!Array.isArray(operand) || operand.length !== 2) {
    throw bad(`malformed mod at path "${path}": $mod needs [divisor, remainder].`);
  }
  const [divisor, remainder] = operand.map((part) => {
    if (typeof part === "bigint") return part;
    if (typeof part === "number" && Number.isFinite(part)) return BigInt(Math.trunc(part));
    throw bad(`malformed mod at path "${path}": divisor and remainder must be finite numbers.`);
  });
  if (divisor === 0n) throw bad(`divisor cannot be 0 in $mod at path "${path}".`);
  return (value) => {
    if (typeof value === "bigint") return value % divisor! === remainder;
    if (typeof value !== "number" || !Number.isFinite(value)) return false;
    return BigInt(Math.trunc(value)) % divisor! === remainder;
  };
}

function sizeOf(operand: unknown, path: string): number {
  const size = typeof operand === "bigint" ? Number(operand) : operand;
  if (typeof size === "number" && Number.isInteger(size) && size >= 0) return size;
  throw bad(`$size at path "${path}" needs a non-negative integer.`);
}

function listOf(operator: string, operand: unknown, path: string): unknown[] {
  if (Array.isArray(operand)) return operand;
  throw bad(`${operator} needs an array at path "${path}".`);
}

function refuseRegex(operator: string, operand: unknown, path: string): void {
  if (operand instanceof RegExp) {
    throw bad(`Can't have RegEx as arg to ${operator} at path "${path}". Use $not or $regex.`);
  }
}

function unknownOperator(name: string, path: string): LioranError {
  if (unsupported.has(name)) {
    const message = `${name} is not supported (at path "${path}").`;
    return new LioranError("COMMAND_NOT_SUPPORTED", message);
  }
  return bad(`unknown operator: ${name} at path "${path}".`);
}

function bad(message: string): LioranError {
  return new LioranError("BAD_VALUE", message);
}
