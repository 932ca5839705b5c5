/**
 * `$median` and `$percentile` of one document's numbers. They are compiled, so that a wrong `p` or `method` is an
 * error before any document is read, as it is in the accumulators
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/percentile/).
 */
import type { Document } from "../values/document.js";
import type { CompileOperator, Evaluate } from "./compiled-operator.js";
import { namedArguments } from "./named-arguments.js";
import { checkMethod, fractionsOf, medianFractions, Percentiles } from "./statistics.js";

const $median: CompileOperator = (operand, compiler) => {
  const { input, method } = namedArguments("$median", operand, ["input", "method"], []);
  checkMethod("$median", method);
  const percentiles = percentilesOf(compiler.compile(input), medianFractions);
  return (document) => percentiles(document)[0];
};

const $percentile: CompileOperator = (operand, compiler) => {
  const names = ["input", "p", "method"];
  const { input, p, method } = namedArguments("$percentile", operand, names, []);
  checkMethod("$percentile", method);
  return percentilesOf(compiler.compile(input), fractionsOf(compiler.compile(p)({})));
};

/** An array is looked into. */
function percentilesOf(input: Evaluate, fractions: readonly number[]) {
  return (document: Document) => {
    const value = input(document);
    const percentiles = new Percentiles(fractions);
    for (const one of Array.isArray(value) ? value : [value]) percentiles.add(one);
    return percentiles.result();
  };
}

/** By name. */
export const percentileOperators: Readonly<Record<string, CompileOperator>> = {
  $median,
  $percentile,
};
