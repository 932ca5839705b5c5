/**
 * Arithmetic over both kinds of numbers. A bigint stands for MongoDB's 64-bit integer: with another
 * integer it stays one, with a fraction the result is a number.
 */
import { LioranError } from "../errors.js";

/** What documents hold as numbers. */
export type Numeric = number | bigint;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** @throws LioranError BAD_VALUE when a bigint result leaves 64 bits */
export function add(a: Numeric, b: Numeric): Numeric {
  if (typeof a === "number" && typeof b === "number") return a + b;
  return isIntegral(a) && isIntegral(b) ? checked(BigInt(a) + BigInt(b)) : Number(a) + Number(b);
}

/** @throws LioranError BAD_VALUE when a bigint result leaves 64 bits */
export function multiply(a: Numeric, b: Numeric): Numeric {
  if (typeof a === "number" && typeof b === "number") return a * b;
  return isIntegral(a) && isIntegral(b) ? checked(BigInt(a) * BigInt(b)) : Number(a) * Number(b);
}

function isIntegral(value: Numeric): boolean {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

function checked(result: bigint): bigint {
  if (result >= int64Min && result <= int64Max) return result;
  throw new LioranError("BAD_VALUE", `The result ${result} does not fit into a 64-bit integer.`);
}
