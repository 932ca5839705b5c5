/** What the operators of expressions do with values: https://www.mongodb.com/docs/manual/reference/operator/aggregation/ */
import { LioranError } from "../errors.js";
import { compareValues } from "../values/compare.js";
import { add, multiply, type Numeric } from "./arithmetic.js";
import { typeName } from "./type-names.js";

/** In expressions, a missing value sorts before null and is not equal to it. */
export function compareOperands(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return Math.sign(compareValues(a, b));
}

/** Truth in expressions: everything but false, null, missing and zero. */
export function isTrue(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined && value !== 0 && value !== 0n;
}

export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === "number" || typeof value === "bigint";
}

/** @throws LioranError TYPE_MISMATCH naming the operator */
export function numberOf(name: string, value: unknown): Numeric {
  if (isNumeric(value)) return value;
  throw new LioranError("TYPE_MISMATCH", `${name} takes numbers, not ${typeName(value)}.`);
}

export function addOperands(values: readonly unknown[]): unknown {
  let sum: Numeric = 0;
  let date: Date | undefined;
  for (const value of values) {
    if (isMissing(value)) return null;
    if (!(value instanceof Date)) sum = add(sum, numberOf("$add", value));
    else if (date) throw new LioranError("BAD_VALUE", "only one date allowed in $add.");
    else date = value;
  }
  return date ? new Date(date.getTime() + Math.trunc(Number(sum))) : sum;
}

export function subtractOperands(a: unknown, b: unknown): unknown {
  if (isMissing(a) || isMissing(b)) return null;
  if (a instanceof Date) {
    if (b instanceof Date) return a.getTime() - b.getTime();
    return new Date(a.getTime() - Math.trunc(Number(numberOf("$subtract", b))));
  }
  return add(numberOf("$subtract", a), multiply(numberOf("$subtract", b), -1));
}

export function multiplyOperands(values: readonly unknown[]): unknown {
  let product: Numeric = 1;
  for (const value of values) {
    if (isMissing(value)) return null;
    product = multiply(product, numberOf("$multiply", value));
  }
  return product;
}

export function divideOperands(a: unknown, b: unknown): unknown {
  if (isMissing(a) || isMissing(b)) return null;
  if (!isNumeric(a) || !isNumeric(b)) {
    const other = isNumeric(a) ? b : a;
    throw new LioranError("BAD_VALUE", `$divide takes numbers, not ${typeName(other)}.`);
  }
  const [dividend, divisor] = [Number(a), Number(b)];
  if (divisor === 0) throw new LioranError("BAD_VALUE", "can't $divide by zero.");
  return dividend / divisor;
}
