/** `$minMaxScaler`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/minMaxScaler/ */
import { compareValues } from "../../values/compare.js";
import { isPlainObject } from "../../values/document.js";
import type { Numeric } from "../arithmetic.js";
import { isNumeric, numberOf } from "../operand.js";
import { expressionOf, malformed, partsOf, type StageContext } from "./stage.js";
import type { Span } from "./window-bounds.js";
import type { WindowFunction } from "./window-function.js";

export const minMaxScaler: WindowFunction = {
  isWindowed: true,
  needsSort: false,
  needsCurrent: true,
  compile(operand, context) {
    const { input, min = 0, max = 1 } = argumentsOf(operand);
    const value = expressionOf(input, context);
    const low = constantOf("min", min, context);
    const high = constantOf("max", max, context);
    if (compareValues(low, high) >= 0) {
      throw malformed("'max' of $minMaxScaler must be greater than 'min'.");
    }
    const range = distance(low, high);
    return ({ documents }, span) => {
      const numbers = documents.map((one) => numberOf("$minMaxScaler", value(one)));
      const extremes = new Extremes(numbers, () => context.control.step(0));
      return numbers.map((number, at) => {
        const [least, greatest] = extremes.of(span(at));
        if (compareValues(least, greatest) === 0) return low;
        return (distance(least, number) / distance(least, greatest)) * range + Number(low);
      });
    };
  },
};

/** The input alone, or an object of arguments, which no operator is. */
function argumentsOf(operand: unknown) {
  const isInput =
    !isPlainObject(operand) || Object.keys(operand).some((name) => name.startsWith("$"));
  if (isInput) return { input: operand };
  return partsOf("$minMaxScaler", operand, ["input"], ["min", "max"]);
}

function constantOf(name: string, expression: unknown, context: StageContext): Numeric {
  const value = expressionOf(expression, context)({});
  if (isNumeric(value)) return value;
  throw malformed(`'${name}' of $minMaxScaler must be a constant number.`);
}

/** Between 64-bit integers it is exact before it is rounded. */
function distance(from: Numeric, to: Numeric): number {
  if (typeof from === "bigint" && typeof to === "bigint") return Number(to - from);
  return Number(to) - Number(from);
}

/** The least and the greatest number of a window. While windows stay or grow at the end, each number is looked at once. */
class Extremes {
  readonly #numbers: readonly Numeric[];
  readonly #step: () => void;
  #first = -1;
  #next = 0;
  #extremes: [least: Numeric, greatest: Numeric] = [0, 0];

  constructor(numbers: readonly Numeric[], step: () => void) {
    this.#numbers = numbers;
    this.#step = step;
  }

  /** @param span not empty */
  of([first, last]: Span): readonly [least: Numeric, greatest: Numeric] {
    if (first !== this.#first || last < this.#next - 1) {
      this.#extremes = [this.#numbers[first]!, this.#numbers[first]!];
      this.#first = first;
      this.#next = first + 1;
    }
    for (; this.#next <= last; this.#next += 1) {
      this.#step();
      const number = this.#numbers[this.#next]!;
      if (compareValues(number, this.#extremes[0]) < 0) this.#extremes[0] = number;
      if (compareValues(number, this.#extremes[1]) > 0) this.#extremes[1] = number;
    }
    return this.#extremes;
  }
}
