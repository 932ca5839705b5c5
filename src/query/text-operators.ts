/**
 * Operators of strings where mingo differs from MongoDB: null, numbers and dates in place of strings, and what
 * counts as a position: bytes of UTF-8, or code points
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/#string-expression-operators).
 */
import { LioranError } from "../errors.js";
import { evaluateList, type Operator } from "./language.js";
import { isMissing, isNumeric } from "./operand.js";
import { typeName } from "./type-names.js";

function argumentsOf(
  name: string,
  least: number,
  most: number,
  [document, operand, options]: Parameters<Operator>,
): unknown[] {
  const values = evaluateList(document, operand, options);
  if (values.length >= least && values.length <= most) return values;
  const count = least === most ? `exactly ${least}` : `${least} to ${most}`;
  throw new LioranError("FAILED_TO_PARSE", `${name} takes ${count} arguments.`);
}

/** Numbers and dates are written as strings, null is an empty one. */
function coerced(name: string, value: unknown): string {
  if (isMissing(value)) return "";
  if (typeof value === "string") return value;
  if (isNumeric(value)) return String(value);
  if (value instanceof Date) return value.toISOString();
  throw new LioranError(
    "BAD_VALUE",
    `${name} cannot convert from type ${typeName(value)} to string.`,
  );
}

function textOf(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new LioranError("BAD_VALUE", `${name} requires a string, not ${typeName(value)}.`);
}

function positionOf(name: string, value: unknown): number {
  const number = Number(value);
  if (isNumeric(value) && Number.isSafeInteger(Math.trunc(number))) return Math.trunc(number);
  throw new LioranError("BAD_VALUE", `${name} requires integers as positions and lengths.`);
}

function startOf(name: string, value: unknown): number {
  const start = positionOf(name, value);
  if (start >= 0) return start;
  throw new LioranError("BAD_VALUE", `${name}: the starting index must not be negative.`);
}

const casing =
  (name: string, change: (text: string) => string): Operator =>
  (...call) =>
    change(coerced(name, argumentsOf(name, 1, 1, call)[0]));

const $strcasecmp: Operator = (...call) => {
  const [a, b] = argumentsOf("$strcasecmp", 2, 2, call).map((value) =>
    Buffer.from(coerced("$strcasecmp", value).toUpperCase()),
  );
  return Buffer.compare(a!, b!);
};

const $concat: Operator = (...call) => {
  const values = argumentsOf("$concat", 0, Number.POSITIVE_INFINITY, call);
  if (values.some(isMissing)) return null;
  return values.map((value) => textOf("$concat", value)).join("");
};

const $split: Operator = (...call) => {
  const values = argumentsOf("$split", 2, 2, call);
  if (values.some(isMissing)) return null;
  const [text, separator] = values.map((value) => textOf("$split", value));
  if (separator !== "") return text!.split(separator!);
  throw new LioranError("BAD_VALUE", "$split requires a separator that is not empty.");
};

/** A negative length means the rest. */
const substringOfBytes =
  (name: string): Operator =>
  (...call) => {
    const [value, from, count] = argumentsOf(name, 3, 3, call);
    const bytes = Buffer.from(coerced(name, value));
    const start = startOf(name, from);
    const length = positionOf(name, count);
    const end = length < 0 ? bytes.length : Math.min(start + length, bytes.length);
    const isInside = (at: number) => at < bytes.length && (bytes[at]! & 0xc0) === 0x80;
    if (start < end && (isInside(start) || isInside(end))) {
      throw new LioranError(
        "BAD_VALUE",
        `${name}: the range begins or ends in the middle of a UTF-8 character.`,
      );
    }
    return bytes.toString("utf8", Math.min(start, end), end);
  };

const $substrCP: Operator = (...call) => {
  const [value, from, count] = argumentsOf("$substrCP", 3, 3, call);
  const start = startOf("$substrCP", from);
  const length = positionOf("$substrCP", count);
  if (length < 0) {
    throw new LioranError("BAD_VALUE", "$substrCP: the length must not be negative.");
  }
  return Array.from(coerced("$substrCP", value))
    .slice(start, start + length)
    .join("");
};

/** @param units how long a text is; @param head its first units */
function indexOf(name: string, units: (text: string) => number, head: Head): Operator {
  return (...call) => {
    const [value, wanted, from, to] = argumentsOf(name, 2, 4, call);
    if (isMissing(value)) return null;
    const text = textOf(name, value);
    const searched = textOf(name, wanted);
    const start = from === undefined ? 0 : startOf(name, from);
    const end = Math.min(to === undefined ? units(text) : startOf(name, to), units(text));
    if (start > end) return -1;
    const within = head(text, end);
    const at = within.indexOf(searched, head(text, start).length);
    return at < 0 ? -1 : units(within.slice(0, at));
  };
}

type Head = (text: string, count: number) => string;

const countCodePoints = (text: string) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

/** By name; they take precedence over mingo's. */
export const textOperators: Readonly<Record<string, Operator>> = {
  $toUpper: casing("$toUpper", (text) => text.toUpperCase()),
  $toLower: casing("$toLower", (text) => text.toLowerCase()),
  $strcasecmp,
  $concat,
  $split,
  $substr: substringOfBytes("$substr"),
  $substrBytes: substringOfBytes("$substrBytes"),
  $substrCP,
  $indexOfBytes: indexOf("$indexOfBytes", Buffer.byteLength, (text, count) =>
    Buffer.from(text).toString("utf8", 0, count),
  ),
  $indexOfCP: indexOf("$indexOfCP", countCodePoints, (text, count) =>
    Array.from(text).slice(0, count).join(""),
  ),
};
