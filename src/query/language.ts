/**
 * The only importer of `mingo`, which brings MongoDB's expression language. Loading it whole takes
 * over 100 ms, so its parts load when an expression first names one of their operators, and
 * synchronously, because expressions are compiled in the middle of synchronous code.
 */
import { invariant } from "../invariant.js";
import { lateRequire } from "../late-loading.js";

/** How mingo calls an operator: the document, the operand not yet evaluated, its own options. */
export type Operator = (document: unknown, operand: unknown, options: unknown) => unknown;

interface Core {
  Context: { init(operators: { expression: Record<string, Operator> }): object };
  evalExpr(document: unknown, expression: unknown, options: unknown): unknown;
}

/** Which part of mingo has which operators, without those that
 * `direct-operators.ts` and `expression-operators.ts` replace. */
export const operatorParts: Readonly<Record<string, string>> = {
  arithmetic: "sigmoid",
  array: `arrayElemAt first firstN indexOfArray isArray last lastN maxN minN reverseArray slice`,
  bitwise: "bitAnd bitNot bitOr bitXor",
  date: "dateTrunc",
  misc: "rand sampleRate",
  object: "objectToArray",
  set: "allElementsTrue anyElementTrue",
  string: "ltrim replaceAll replaceOne rtrim strLenBytes strLenCP trim",
  trignometry: `acos acosh asin asinh atan atan2 atanh cos cosh degreesToRadians radiansToDegrees
    sin sinh tan tanh`,
  type: "convert toBool toDate toDecimal toDouble toInt toLong toString",
};

const partByOperator = new Map<string, string>();
for (const [part, names] of Object.entries(operatorParts)) {
  for (const name of names.split(/\s+/)) partByOperator.set(`$${name}`, part);
}

const load = lateRequire(import.meta.url);

/** The operator of that name, loaded if need be; `undefined` when mingo has none. */
export function loadOperator(name: string): Operator | undefined {
  const part = partByOperator.get(name);
  if (part === undefined) return undefined;
  const operators = load(`mingo/operators/expression/${part}`) as Record<string, Operator>;
  return operators[name];
}

/**
 * Options for {@link evaluate}: no script ever runs, and a bad operand is an error. They may be used
 * again and again; mingo would otherwise copy all operators for each document.
 */
export function evaluationOptions(operators: Record<string, Operator>): object {
  const { Context } = load("mingo/core") as Core;
  let prepared: PreparedOptions | undefined;
  // mingo keeps its own form of the options to itself, and hands it to operators only.
  const $prepare: Operator = (_document, _operand, options) => {
    prepared = options as PreparedOptions;
  };
  const given = {
    context: Context.init({ expression: { ...operators, $prepare } }),
    scriptEnabled: false,
    useStrictMode: true,
    failOnError: true,
  };
  evaluate({}, { $prepare: 0 }, given);
  invariant(prepared, "mingo calls the operator");
  return prepared.update({ root: {} });
}

/** mingo's ComputeOptions: what it takes as they are, once they have a root. */
interface PreparedOptions {
  update(locals: { root: object }): object;
}

/** Evaluates an expression; inside an operator, with the options it was given. */
export function evaluate(document: unknown, expression: unknown, options: unknown): unknown {
  return (load("mingo/core") as Core).evalExpr(document, expression, options);
}

/** Evaluates the operands of an operator that takes one expression or an array of them. */
export function evaluateList(document: unknown, operand: unknown, options: unknown): unknown[] {
  const list: unknown[] = Array.isArray(operand) ? operand : [operand];
  return list.map((part) => evaluate(document, part, options));
}
