/**
 * The most common operators of expressions, compiled into closures over their compiled operands: they
 * run for every document of a scan, where interpreting an expression costs many times as much.
 */
import { LioranError } from "../errors.js";
import { isPlainObject } from "../values/document.js";
import type { CompileOperator, Evaluate, OperandCompiler } from "./compiled-operator.js";
import { stepOfLoop } from "./loop-control.js";
import { namedArguments } from "./named-arguments.js";
import {
  addOperands,
  compareOperands,
  divideOperands,
  isMissing,
  isTrue,
  multiplyOperands,
  subtractOperands,
} from "./operand.js";
import { checkSegment } from "./path.js";
import { percentileOperators } from "./percentile-operators.js";
import { typeName } from "./type-names.js";
import { Variables } from "./variables.js";

/** By name. What is not here comes from `expression-operators.ts` or from mingo. */
export const directOperators: Readonly<Record<string, CompileOperator>> = {
  ...percentileOperators,
  $literal: (operand) => () => operand,
  $cmp: comparison("$cmp", (order) => order),
  $eq: comparison("$eq", (order) => order === 0),
  $ne: comparison("$ne", (order) => order !== 0),
  $gt: comparison("$gt", (order) => order > 0),
  $gte: comparison("$gte", (order) => order >= 0),
  $lt: comparison("$lt", (order) => order < 0),
  $lte: comparison("$lte", (order) => order <= 0),
  $add: variadic(addOperands),
  $multiply: variadic(multiplyOperands),
  $subtract: binary("$subtract", subtractOperands),
  $divide: binary("$divide", divideOperands),
  $and(operand, compiler) {
    const parts = compileList(operand, compiler);
    return (document) => parts.every((part) => isTrue(part(document)));
  },
  $or(operand, compiler) {
    const parts = compileList(operand, compiler);
    return (document) => parts.some((part) => isTrue(part(document)));
  },
  $not(operand, compiler) {
    const [part] = compileExactly(
      "$not",
      Array.isArray(operand) ? operand : [operand],
      1,
      compiler,
    );
    return (document) => !isTrue(part!(document));
  },
  $ifNull(operand, compiler) {
    const parts = compileList(operand, compiler);
    if (parts.length < 2) throw malformed("$ifNull needs at least two arguments.");
    const last = parts.pop()!;
    return (document) => {
      for (const part of parts) {
        const value = part(document);
        if (!isMissing(value)) return value;
      }
      return last(document);
    };
  },
  $cond(operand, compiler) {
    const [condition, then, otherwise] = compileExactly("$cond", branchesOf(operand), 3, compiler);
    return (document) => (isTrue(condition!(document)) ? then!(document) : otherwise!(document));
  },
  $switch(operand, compiler) {
    const { branches, default: fallback } = namedArguments(
      "$switch",
      operand,
      ["branches"],
      ["default"],
    );
    if (!Array.isArray(branches) || branches.length === 0) {
      throw malformed("$switch requires at least one branch.");
    }
    const cases = branches.map((branch: unknown) => {
      const parts = namedArguments("$switch", branch, ["case", "then"], []);
      return { when: compiler.compile(parts.case), give: compiler.compile(parts.then) };
    });
    const otherwise = fallback === undefined ? undefined : compiler.compile(fallback);
    return (document) => {
      for (const { when, give } of cases) if (isTrue(when(document))) return give(document);
      if (otherwise) return otherwise(document);
      throw new LioranError("BAD_VALUE", "$switch has no branch that matches, and no default.");
    };
  },
  $let(operand, compiler) {
    const { vars, in: body } = namedArguments("$let", operand, ["vars", "in"], []);
    if (!isPlainObject(vars)) throw malformed("$let needs an object of variables in vars.");
    const names = Object.keys(vars);
    for (const name of names) checkVariableName(name);
    const values = names.map((name) => compiler.compile(vars[name]));
    const inner = new Variables(compiler.variables, names);
    const evaluate = compiler.compile(body, inner);
    return (document) => {
      for (let at = 0; at < names.length; at += 1) inner.set(names[at]!, values[at]!(document));
      return evaluate(document);
    };
  },
  $map(operand, compiler) {
    const { input, as, in: body } = namedArguments("$map", operand, ["input", "in"], ["as"]);
    const name = elementName(as);
    const list = compiler.compile(input);
    const inner = new Variables(compiler.variables, [name]);
    const evaluate = compiler.compile(body, inner);
    return (document) =>
      arrayOf("$map", list(document))?.map((element) => {
        stepOfLoop();
        inner.set(name, element);
        return evaluate(document) ?? null;
      }) ?? null;
  },
  $filter(operand, compiler) {
    const { input, as, cond, limit } = namedArguments(
      "$filter",
      operand,
      ["input", "cond"],
      ["as", "limit"],
    );
    const name = elementName(as);
    const list = compiler.compile(input);
    const most = limit === undefined ? undefined : compiler.compile(limit);
    const inner = new Variables(compiler.variables, [name]);
    const passes = compiler.compile(cond, inner);
    return (document) => {
      const elements = arrayOf("$filter", list(document));
      if (!elements) return null;
      const wanted = limitOf(most?.(document));
      const kept: unknown[] = [];
      for (const element of elements) {
        if (kept.length === wanted) break;
        stepOfLoop();
        inner.set(name, element);
        if (isTrue(passes(document))) kept.push(element);
      }
      return kept;
    };
  },
  $reduce(operand, compiler) {
    const parts = namedArguments("$reduce", operand, ["input", "initialValue", "in"], []);
    const list = compiler.compile(parts.input);
    const initial = compiler.compile(parts.initialValue);
    const inner = new Variables(compiler.variables, ["this", "value"]);
    const evaluate = compiler.compile(parts.in, inner);
    return (document) => {
      const elements = arrayOf("$reduce", list(document));
      if (!elements) return null;
      let value = initial(document);
      for (const element of elements) {
        stepOfLoop();
        inner.set("this", element);
        inner.set("value", value);
        value = evaluate(document);
      }
      return value;
    };
  },
};

function comparison(name: string, decide: (order: number) => unknown): CompileOperator {
  return binary(name, (a, b) => decide(compareOperands(a, b)));
}

function binary(name: string, combine: (a: unknown, b: unknown) => unknown): CompileOperator {
  return (operand, compiler) => {
    const [a, b] = compileExactly(name, operand, 2, compiler) as [Evaluate, Evaluate];
    return (document) => combine(a(document), b(document));
  };
}

function variadic(combine: (values: readonly unknown[]) => unknown): CompileOperator {
  return (operand, compiler) => {
    const parts = compileList(operand, compiler);
    return (document) => combine(parts.map((part) => part(document)));
  };
}

/** One operand need not stand in an array. */
function compileList(operand: unknown, compiler: OperandCompiler): Evaluate[] {
  const list: unknown[] = Array.isArray(operand) ? operand : [operand];
  return list.map((part) => compiler.compile(part));
}

function compileExactly(
  name: string,
  operand: unknown,
  count: number,
  compiler: OperandCompiler,
): Evaluate[] {
  if (Array.isArray(operand) && operand.length === count) return compileList(operand, compiler);
  throw malformed(`${name} takes exactly ${count} argument${count === 1 ? "" : "s"}.`);
}

function branchesOf(operand: unknown): unknown {
  if (!isPlainObject(operand)) return operand;
  const parts = namedArguments("$cond", operand, ["if", "then", "else"], []);
  return [parts.if, parts.then, parts.else];
}

function elementName(as: unknown): string {
  if (as === undefined) return "this";
  if (typeof as !== "string") throw malformed('"as" must be the name of a variable.');
  checkVariableName(as);
  return as;
}

/** @throws LioranError FAILED_TO_PARSE for a name that a `let` or `as` cannot give */
export function checkVariableName(name: string): void {
  checkSegment(name, name);
  if (name === "CURRENT" || /^[a-z\u0080-\uffff][\w\u0080-\uffff]*$/.test(name)) return;
  throw malformed(
    `'${name}' starts with an invalid character for a user variable name, or contains one.`,
  );
}

function arrayOf(name: string, value: unknown): unknown[] | undefined {
  if (isMissing(value)) return undefined;
  if (Array.isArray(value)) return value;
  throw new LioranError("BAD_VALUE", `input to ${name} must be an array not ${typeName(value)}.`);
}

function limitOf(value: unknown): number {
  if (isMissing(value)) return Number.POSITIVE_INFINITY;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new LioranError("BAD_VALUE", "$filter: limit must be a positive integer.");
}

function malformed(message: string): LioranError {
  return new LioranError("FAILED_TO_PARSE", message);
}
