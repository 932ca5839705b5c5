/** `$bitsAllSet` and its kin: https://www.mongodb.com/docs/manual/reference/operator/query-bitwise/ */
import { LioranError } from "../errors.js";
import type { ValueTest } from "./traverse.js";

/** How each operator decides from (bits of the value inside the mask, mask). */
const deciders = {
  $bitsAllSet: (bits: bigint, mask: bigint) => bits === mask,
  $bitsAnySet: (bits: bigint) => bits !== 0n,
  $bitsAllClear: (bits: bigint) => bits === 0n,
  $bitsAnyClear: (bits: bigint, mask: bigint) => bits !== mask,
} as const;

/** @throws LioranError BAD_VALUE for a mask that is none */
export function bitTest(
  operator: keyof typeof deciders,
  operand: unknown,
  path: string,
): ValueTest {
  const mask = maskOf(operator, operand, path);
  const decide = deciders[operator];
  return (value) => {
    const bits = bitsOf(value);
    return bits !== undefined && decide(bits & mask, mask);
  };
}

function maskOf(operator: string, operand: unknown, path: string): bigint {
  if (Array.isArray(operand)) {
    let mask = 0n;
    for (const position of operand) mask |= 1n << BigInt(positionOf(operator, position, path));
    return mask;
  }
  const mask = bitsOf(operand);
  if (mask !== undefined && mask >= 0n) return mask;
  throw new LioranError(
    "BAD_VALUE",
    `${operator} at path "${path}" needs a non-negative integer, bit positions or binary data.`,
  );
}

/** Far more bits than any value has; keeps a mask from growing without bound. */
const positionMax = 8 * 16 * 1024 * 1024;

function positionOf(operator: string, position: unknown, path: string): number {
  const number = typeof position === "bigint" ? Number(position) : position;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0) {
    if (number <= positionMax) return number;
  }
  throw new LioranError(
    "BAD_VALUE",
    `${operator} at path "${path}": bit positions must be non-negative integers.`,
  );
}

/** Integers count as sign-extended, binary data as little-endian. */
function bitsOf(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (!(value instanceof Uint8Array)) return undefined;
  const hex = Buffer.from(value).reverse().toString("hex");
  return hex === "" ? 0n : BigInt(`0x${hex}`);
}
