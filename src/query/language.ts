/**
 * The only importer of `mingo`, which brings MongoDB's expression language. Loading it whole takes
 * over 100 ms, so its parts load when an expression first names one of their operators, and
 * synchronously, because expressions are compiled in the middle of synchronous code.
 */
import { createRequire } from "node:module";

/** How mingo calls an operator: the document, the operand not yet evaluated, its own options. */
export type Operator = (document: unknown, operand: unknown, options: unknown) => unknown;

interface Core {
  Context: { init(operators: { expression: Record<string, Operator> }): object };
  evalExpr(document: unknown, expression: unknown, options: unknown): unknown;
}

/** Which part of mingo has which operators, without those that `expression-operators.ts` replaces. */
export const operatorParts: Readonly<Record<string, string>> = {
  arithmetic: "abs ceil divide exp floor ln log log10 mod pow round sigmoid sqrt trunc",
  array: `arrayElemAt arrayToObject concatArrays filter first firstN indexOfArray isArray last lastN
    map maxN minN range reduce reverseArray size slice zip`,
  bitwise: "bitAnd bitNot bitOr bitXor",
  boolean: "and not or",
  conditional: "cond ifNull switch",
  date: `dateAdd dateDiff dateFromParts dateFromString dateSubtract dateToParts dateToString
    dateTrunc dayOfMonth dayOfWeek dayOfYear hour isoDayOfWeek isoWeek isoWeekYear millisecond
    minute month second week year`,
  misc: "rand sampleRate",
  object: "mergeObjects objectToArray",
  set: `allElementsTrue anyElementTrue setDifference setEquals setIntersection setIsSubset
    setUnion`,
  string: `concat indexOfBytes ltrim replaceAll replaceOne rtrim split strcasecmp strLenBytes
    strLenCP substr substrBytes substrCP toLower toUpper trim`,
  trignometry: `acos acosh asin asinh atan atan2 atanh cos cosh degreesToRadians radiansToDegrees
    sin sinh tan tanh`,
  type: "convert toBool toDate toDecimal toDouble toInt toLong toString",
  variable: "let",
};

const partByOperator = new Map<string, string>();
for (const [part, names] of Object.entries(operatorParts)) {
  for (const name of names.split(/\s+/)) partByOperator.set(`$${name}`, part);
}

const load = createRequire(import.meta.url);

/** The operator of that name, loaded if need be; `undefined` when mingo has none. */
export function loadOperator(name: string): Operator | undefined {
  const part = partByOperator.get(name);
  if (part === undefined) return undefined;
  const operators = load(`mingo/operators/expression/${part}`) as Record<string, Operator>;
  return operators[name];
}

/** Options for {@link evaluate}: no script ever runs, and a bad operand is an error. */
export function evaluationOptions(
  operators: Record<string, Operator>,
  variables: Record<string, unknown>,
): object {
  const { Context } = load("mingo/core") as Core;
  return {
    context: Context.init({ expression: operators }),
    variables,
    scriptEnabled: false,
    useStrictMode: true,
    failOnError: true,
  };
}

/** Evaluates an expression; inside an operator, with the options it was given. */
export function evaluate(document: unknown, expression: unknown, options: unknown): unknown {
  return (load("mingo/core") as Core).evalExpr(document, expression, options);
}
