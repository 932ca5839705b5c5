/** Accumulators over numbers: https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/#accumulator-operator */
import { compareValues } from "../../values/compare.js";
import { add, type Numeric } from "../arithmetic.js";
import { isNumeric } from "../operand.js";
import {
  checkMethod,
  Deviation,
  fractionsOf,
  medianFractions,
  Percentiles,
} from "../statistics.js";
import type { Accumulation, Accumulator, CompileAccumulator } from "./accumulator.js";
import { approximateBytes, type StageMemory } from "./memory.js";
import { expressionOf, malformed, partsOf, type StageContext } from "./stage.js";

/**
 * A sum that does not lose the small parts of its terms (Neumaier), and does not depend on their order: integers of 64
 * bits are added up apart from other numbers, and have to fit only in the end.
 */
class Sum {
  #total = 0;
  #lost = 0;
  #integers: bigint | undefined;

  add(value: Numeric): void {
    if (typeof value === "bigint") {
      this.#integers = (this.#integers ?? 0n) + value;
      return;
    }
    const total = this.#total;
    const next = total + value;
    this.#lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    this.#total = next;
  }

  share(): [total: number, lost: number, integers: string | null] {
    return [this.#total, this.#lost, this.#integers?.toString() ?? null];
  }

  absorb([total, lost, integers]: ReturnType<Sum["share"]>): void {
    this.add(total);
    this.#lost += lost;
    if (integers !== null) this.add(BigInt(integers));
  }

  /** @throws BAD_VALUE for integers that leave 64 bits */
  get value(): Numeric {
    return this.#integers === undefined ? this.#numbers : add(this.#integers, this.#numbers);
  }

  get approximate(): number {
    return Number(this.#integers ?? 0n) + this.#numbers;
  }

  get #numbers(): number {
    if (this.#lost === 0) return this.#total;
    // Beyond what a number can express there is nothing to correct.
    return Number.isFinite(this.#total) ? this.#total + this.#lost : this.#total;
  }
}

class SumAccumulation implements Accumulation {
  readonly #sum = new Sum();

  add(value: unknown): void {
    if (isNumeric(value)) this.#sum.add(value);
  }

  result(): Numeric {
    return this.#sum.value;
  }

  share() {
    return this.#sum.share();
  }

  absorb(share: ReturnType<Sum["share"]>): void {
    this.#sum.absorb(share);
  }
}

class AverageAccumulation implements Accumulation {
  readonly #sum = new Sum();
  #count = 0;

  add(value: unknown): void {
    if (!isNumeric(value)) return;
    this.#sum.add(value);
    this.#count += 1;
  }

  result(): number | null {
    return this.#count === 0 ? null : this.#sum.approximate / this.#count;
  }

  share() {
    return [this.#count, this.#sum.share()];
  }

  absorb([count, sum]: [number, ReturnType<Sum["share"]>]): void {
    this.#count += count;
    this.#sum.absorb(sum);
  }
}

/** Of pairs of numbers, for windows. */
class CovarianceAccumulation implements Accumulation {
  readonly #isSample: boolean;
  #count = 0;
  #means: [number, number] = [0, 0];
  #products = 0;

  constructor(isSample: boolean) {
    this.#isSample = isSample;
  }

  add(value: unknown): void {
    if (!Array.isArray(value) || value.length !== 2 || !value.every(isNumeric)) return;
    const [x, y] = value.map(Number) as [number, number];
    this.#count += 1;
    const distance = x - this.#means[0];
    this.#means[0] += distance / this.#count;
    this.#means[1] += (y - this.#means[1]) / this.#count;
    this.#products += distance * (y - this.#means[1]);
  }

  result(): number | null {
    const divisor = this.#count - (this.#isSample ? 1 : 0);
    return divisor <= 0 ? null : this.#products / divisor;
  }
}

class PercentileAccumulation implements Accumulation {
  readonly #percentiles: Percentiles;
  readonly #memory: StageMemory;

  constructor(fractions: readonly number[], memory: StageMemory) {
    this.#percentiles = new Percentiles(fractions);
    this.#memory = memory;
  }

  add(value: unknown): void {
    if (this.#percentiles.add(value)) this.#memory.add(8);
  }

  result(): (number | null)[] {
    return this.#percentiles.result();
  }
}

function simple(start: (memory: StageMemory) => Accumulation): CompileAccumulator {
  return (operand, context) => ({ input: single(operand, context), start });
}

/** `{ $sum: ["$a", "$b"] }` has several operands, which a group cannot use. */
function single(operand: unknown, context: StageContext) {
  if (Array.isArray(operand) && operand.length !== 1) {
    throw malformed("The accumulators of a group take one expression, not an array of them.");
  }
  return expressionOf(Array.isArray(operand) ? operand[0] : operand, context);
}

function covariance(isSample: boolean): CompileAccumulator {
  return (operand, context) => {
    if (!Array.isArray(operand) || operand.length !== 2) {
      throw malformed("A covariance takes an array of two expressions.");
    }
    return {
      input: expressionOf(operand, context),
      start: () => new CovarianceAccumulation(isSample),
    };
  };
}

function percentile(operand: unknown, context: StageContext): Accumulator {
  const { input, p, method } = partsOf("$percentile", operand, ["input", "p", "method"]);
  checkMethod("$percentile", method);
  const fractions = fractionsOf(expressionOf(p, context)({}));
  return {
    input: expressionOf(input, context),
    start: (memory) => new PercentileAccumulation(fractions, memory),
  };
}

function median(operand: unknown, context: StageContext): Accumulator {
  const { input, method } = partsOf("$median", operand, ["input", "method"]);
  checkMethod("$median", method);
  return {
    input: expressionOf(input, context),
    start: (memory) => {
      const percentiles = new PercentileAccumulation(medianFractions, memory);
      return {
        add: (value) => percentiles.add(value),
        result: () => percentiles.result()[0],
      };
    },
  };
}

/** Least or greatest value, of any type. */
class ExtremeAccumulation implements Accumulation {
  readonly #direction: 1 | -1;
  readonly #memory: StageMemory;
  #value: unknown;

  constructor(direction: 1 | -1, memory: StageMemory) {
    this.#direction = direction;
    this.#memory = memory;
  }

  add(value: unknown): void {
    if (value === null || value === undefined) return;
    if (this.#value !== undefined && compareValues(value, this.#value) * this.#direction <= 0) {
      return;
    }
    this.#memory.add(approximateBytes(value) - approximateBytes(this.#value));
    this.#value = value;
  }

  result(): unknown {
    return this.#value;
  }

  share(): unknown {
    return this.#value;
  }

  absorb(share: unknown): void {
    this.add(share);
  }
}

export const numberAccumulators = {
  $sum: simple(() => new SumAccumulation()),
  $avg: simple(() => new AverageAccumulation()),
  $max: simple((memory) => new ExtremeAccumulation(1, memory)),
  $min: simple((memory) => new ExtremeAccumulation(-1, memory)),
  $stdDevPop: simple(() => new Deviation(false)),
  $stdDevSamp: simple(() => new Deviation(true)),
  $median: median,
  $percentile: percentile,
} as const satisfies Record<string, CompileAccumulator>;

/** Those that only windows have. */
export const windowAccumulators = {
  $covariancePop: covariance(false),
  $covarianceSamp: covariance(true),
} as const satisfies Record<string, CompileAccumulator>;
