/**
 * Operators of numbers where mingo differs from MongoDB: bigint, what has no result, and halves, which are
 * rounded to the even neighbour (https://www.mongodb.com/docs/manual/reference/operator/aggregation/round/).
 */
import { LioranError } from "../errors.js";
import { multiply, type Numeric } from "./arithmetic.js";
import { evaluateList, type Operator } from "./language.js";
import { isMissing, isNumeric } from "./operand.js";
import { typeName } from "./type-names.js";

const int64Limit = 2n ** 63n;

function numeric(name: string, value: unknown): Numeric {
  if (isNumeric(value)) return value;
  throw new LioranError(
    "BAD_VALUE",
    `${name} only supports numeric types, not ${typeName(value)}.`,
  );
}

/** Null if any argument is null or missing. */
function operator(
  name: string,
  least: number,
  most: number,
  compute: (values: Numeric[]) => Numeric,
): Operator {
  return (document, operand, options) => {
    const values = evaluateList(document, operand, options);
    if (values.length < least || values.length > most) {
      const count = least === most ? `exactly ${least}` : `${least} or ${most}`;
      throw new LioranError("FAILED_TO_PARSE", `${name} takes ${count} arguments.`);
    }
    if (values.some(isMissing)) return null;
    return compute(values.map((value) => numeric(name, value)));
  };
}

/** An integer stays what it is. */
function whole(name: string, compute: (value: number) => number): Operator {
  return operator(name, 1, 1, ([value]) => (typeof value === "bigint" ? value : compute(value!)));
}

/** To a decimal place, which may lie before the point. */
function rounding(name: string, toWhole: (value: number) => number, isRounding: boolean): Operator {
  return operator(name, 1, 2, ([value, place = 0]) => {
    const digits = Number(place);
    if (!Number.isInteger(digits) || digits < -20 || digits > 100) {
      const range = "an integer from -20 to 100";
      throw new LioranError("BAD_VALUE", `${name} needs ${range} as its second argument.`);
    }
    if (typeof value === "bigint") {
      return digits >= 0 ? value : checked(name, quotient(value, -digits, isRounding));
    }
    if (digits === 0 || !Number.isFinite(value)) return toWhole(value!);
    return roundedAt(value!, digits, isRounding);
  });
}

/** Most places that JavaScript writes out. */
const placesMax = 100;

/** Exact: of the number itself, not of the nearest short decimal, `2.675` is below the half. */
function roundedAt(value: number, digits: number, isRounding: boolean): number {
  if (Math.abs(value) >= 1e21) {
    return digits >= 0 ? value : Number(quotient(BigInt(value), -digits, isRounding));
  }
  if (digits === placesMax) return value;
  const scaled = BigInt(value.toFixed(placesMax).replace(".", ""));
  const places = placesMax - digits;
  const steps = quotient(scaled, places, isRounding) / 10n ** BigInt(places);
  return Number(`${steps}e${-digits}`);
}

/** The multiple of a power of ten towards zero, or the nearest; halves go to the even one. */
function quotient(value: bigint, zeros: number, isRounding: boolean): bigint {
  const unit = 10n ** BigInt(zeros);
  const steps = value / unit;
  const rest = value % unit;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  const isUp = isRounding && (twice > unit || (twice === unit && steps % 2n !== 0n));
  return (isUp ? steps + (value < 0n ? -1n : 1n) : steps) * unit;
}

function checked(name: string, value: bigint): bigint {
  if (value >= -int64Limit && value < int64Limit) return value;
  throw new LioranError("BAD_VALUE", `${name}: ${value} does not fit into a 64-bit integer.`);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function logarithm(name: string, compute: (value: number) => number): Operator {
  return operator(name, 1, 1, ([value]) => compute(positive(name, value!)));
}

function positive(name: string, value: Numeric): number {
  const number = Number(value);
  if (number > 0 || Number.isNaN(number)) return number;
  throw new LioranError("BAD_VALUE", `${name} needs a positive number, not ${value}.`);
}

const $mod = operator("$mod", 2, 2, ([dividend, divisor]) => {
  if (Number(divisor) === 0) throw new LioranError("BAD_VALUE", "can't $mod by zero.");
  const isBig = typeof dividend === "bigint" || typeof divisor === "bigint";
  if (isBig && isWhole(dividend!) && isWhole(divisor!)) return BigInt(dividend!) % BigInt(divisor!);
  return Number(dividend) % Number(divisor);
});

function isWhole(value: Numeric): boolean {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

const $pow = operator("$pow", 2, 2, ([base, exponent]) => {
  const isBig = typeof base === "bigint" || typeof exponent === "bigint";
  if (Number(base) === 0 && Number(exponent) < 0) {
    throw new LioranError("BAD_VALUE", "$pow cannot raise 0 to a negative exponent.");
  }
  const power = Number(base) ** Number(exponent);
  const isInteger = isBig && isWhole(base!) && isWhole(exponent!) && Number(exponent) >= 0;
  // As MongoDB: what does not fit becomes a double.
  if (!isInteger || Math.abs(power) >= Number(int64Limit)) return power;
  return BigInt(base!) ** BigInt(exponent!);
});

/** By name; they take precedence over mingo's. */
export const numberOperators: Readonly<Record<string, Operator>> = {
  $abs: operator("$abs", 1, 1, ([value]) =>
    typeof value === "bigint" ? (value < 0n ? multiply(value, -1) : value) : Math.abs(value!),
  ),
  $ceil: whole("$ceil", Math.ceil),
  $floor: whole("$floor", Math.floor),
  $round: rounding("$round", roundHalfToEven, true),
  $trunc: rounding("$trunc", Math.trunc, false),
  $exp: operator("$exp", 1, 1, ([value]) => Math.exp(Number(value))),
  $ln: logarithm("$ln", Math.log),
  $log10: logarithm("$log10", Math.log10),
  $log: operator("$log", 2, 2, ([value, base]) => {
    const divisor = positive("$log", base!);
    if (divisor === 1) throw new LioranError("BAD_VALUE", "$log needs a base other than 1.");
    return Math.log(positive("$log", value!)) / Math.log(divisor);
  }),
  $sqrt: operator("$sqrt", 1, 1, ([value]) => {
    if (Number(value) >= 0 || Number.isNaN(value)) return Math.sqrt(Number(value));
    throw new LioranError("BAD_VALUE", `$sqrt needs a number that is not negative, not ${value}.`);
  }),
  $mod,
  $pow,
};
