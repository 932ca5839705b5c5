/**
 * Deviations and percentiles, for accumulators and for expressions. What is no number is passed over
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/stdDevPop/ and
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/percentile/).
 */
import { LioranError } from "../errors.js";
import { isNumeric } from "./operand.js";

/** Welford's method: no sum of squares, which would lose digits. */
export class Deviation {
  readonly #isSample: boolean;
  #count = 0;
  #mean = 0;
  #squares = 0;

  constructor(isSample: boolean) {
    this.#isSample = isSample;
  }

  add(value: unknown): void {
    if (!isNumeric(value)) return;
    const number = Number(value);
    this.#count += 1;
    const distance = number - this.#mean;
    this.#mean += distance / this.#count;
    this.#squares += distance * (number - this.#mean);
  }

  result(): number | null {
    const divisor = this.#count - (this.#isSample ? 1 : 0);
    return divisor <= 0 ? null : Math.sqrt(this.#squares / divisor);
  }
}

/** The only percentile that `$median` gives. */
export const medianFractions: readonly number[] = [0.5];

/** Keeps the numbers, and picks the ones at the ranks. */
export class Percentiles {
  readonly #fractions: readonly number[];
  readonly #numbers: number[] = [];

  constructor(fractions: readonly number[]) {
    this.#fractions = fractions;
  }

  /** @returns whether the value was kept */
  add(value: unknown): boolean {
    if (!isNumeric(value) || Number.isNaN(value)) return false;
    this.#numbers.push(Number(value));
    return true;
  }

  /** One for each fraction; null when there are no numbers. */
  result(): (number | null)[] {
    const sorted = Float64Array.from(this.#numbers).sort();
    return this.#fractions.map((fraction) => {
      const rank = Math.max(0, Math.ceil(fraction * sorted.length) - 1);
      return sorted[rank] ?? null;
    });
  }
}

/** The value of `p`. @throws LioranError BAD_VALUE */
export function fractionsOf(p: unknown): readonly number[] {
  const isFraction = (one: unknown) => typeof one === "number" && one >= 0 && one <= 1;
  if (Array.isArray(p) && p.length > 0 && p.every(isFraction)) return p;
  throw new LioranError(
    "BAD_VALUE",
    "The $percentile 'p' field must be an array of numbers from 0 to 1.",
  );
}

/** @throws LioranError BAD_VALUE */
export function checkMethod(name: string, method: unknown): void {
  if (method === "approximate") return;
  throw new LioranError("BAD_VALUE", `The ${name} 'method' must be "approximate".`);
}
