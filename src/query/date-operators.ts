/**
 * Operators of dates where mingo differs from MongoDB: null and missing operands, weeks, months of different
 * length, clocks that change, and texts
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/#date-expression-operators).
 */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject } from "../values/document.js";
import { shownText } from "../values/shown.js";
import {
  addUnits,
  type DateParts,
  datePartsOf,
  dayMs,
  isoDate,
  unitMonths,
  unitMs,
} from "./date-parts.js";
import { formatDate, parseDate } from "./date-text.js";
import { evaluate, type Operator } from "./language.js";
import { namedArguments } from "./named-arguments.js";
import { isMissing, isNumeric } from "./operand.js";
import { fromLocalMs, localMs, utcMs } from "./time-zone.js";
import { typeName } from "./type-names.js";

function argumentsOf(
  name: string,
  operand: unknown,
  required: readonly string[],
  optional: readonly string[],
): asserts operand is Document {
  namedArguments(name, operand, required, optional);
}

function dateOf(name: string, value: unknown): Date | undefined {
  if (isMissing(value)) return undefined;
  if (value instanceof Date) return value;
  throw new LioranError(
    "BAD_VALUE",
    `${name}: can't convert from type ${typeName(value)} to date.`,
  );
}

function textOf(name: string, part: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new LioranError(
    "BAD_VALUE",
    `${name} requires "${part}" to be a string, not ${typeName(value)}.`,
  );
}

function integerOf(name: string, part: string, value: unknown): number {
  if (isNumeric(value) && Number.isSafeInteger(Number(value))) return Number(value);
  throw new LioranError("BAD_VALUE", `${name} requires "${part}" to be an integer.`);
}

/** A zone that is missing makes the result null, one that is not given is UTC. */
function zoneOf(name: string, operand: Document, given: Document): string | undefined | null {
  if (!Object.hasOwn(operand, "timezone")) return undefined;
  return isMissing(given.timezone) ? null : textOf(name, "timezone", given.timezone);
}

/** `{ date, timezone }`, or the date itself. */
function part(name: string, key: keyof DateParts): Operator {
  return (document, operand, options) => {
    const only: unknown = Array.isArray(operand) && operand.length === 1 ? operand[0] : operand;
    const isNamed = isPlainObject(only) && !Object.keys(only).some((one) => one.startsWith("$"));
    if (isNamed) argumentsOf(name, only, ["date"], ["timezone"]);
    const named = isNamed ? only : { date: only };
    const given = evaluate(document, named, options) as Document;
    const zone = zoneOf(name, named, given);
    const date = dateOf(name, given.date);
    if (!date || zone === null) return null;
    return datePartsOf(localMs(zone, date.getTime()))[key];
  };
}

const $dateToString: Operator = (document, operand, options) => {
  const name = "$dateToString";
  argumentsOf(name, operand, ["date"], ["format", "timezone", "onNull"]);
  const given = evaluate(document, operand, options) as Document;
  const zone = zoneOf(name, operand, given);
  const date = dateOf(name, given.date);
  if (!date) return Object.hasOwn(operand, "onNull") ? given.onNull : null;
  const hasFormat = Object.hasOwn(operand, "format");
  if (zone === null || (hasFormat && isMissing(given.format))) return null;
  return formatDate(date, hasFormat ? textOf(name, "format", given.format) : undefined, zone);
};

const $dateFromString: Operator = (document, operand, options) => {
  const name = "$dateFromString";
  argumentsOf(name, operand, ["dateString"], ["format", "timezone", "onError", "onNull"]);
  const given = evaluate(document, operand, options) as Document;
  const zone = zoneOf(name, operand, given);
  if (isMissing(given.dateString)) return Object.hasOwn(operand, "onNull") ? given.onNull : null;
  const hasFormat = Object.hasOwn(operand, "format");
  if (zone === null || (hasFormat && isMissing(given.format))) return null;
  const format = hasFormat ? textOf(name, "format", given.format) : undefined;
  try {
    return parseDate(textOf(name, "dateString", given.dateString), format, zone);
  } catch (error) {
    if (Object.hasOwn(operand, "onError") && error instanceof LioranError) return given.onError;
    throw error;
  }
};

const $dateToParts: Operator = (document, operand, options) => {
  const name = "$dateToParts";
  argumentsOf(name, operand, ["date"], ["timezone", "iso8601"]);
  const given = evaluate(document, operand, options) as Document;
  const zone = zoneOf(name, operand, given);
  const date = dateOf(name, given.date);
  const isIso = given.iso8601 ?? (Object.hasOwn(operand, "iso8601") ? null : false);
  if (!date || zone === null || isIso === null) return null;
  if (typeof isIso !== "boolean") {
    throw new LioranError("BAD_VALUE", `${name} requires "iso8601" to be true or false.`);
  }
  const parts = datePartsOf(localMs(zone, date.getTime()));
  const { year, month, day, isoWeekYear, isoWeek, isoDayOfWeek } = parts;
  const { hour, minute, second, millisecond } = parts;
  return {
    ...(isIso ? { isoWeekYear, isoWeek, isoDayOfWeek } : { year, month, day }),
    hour,
    minute,
    second,
    millisecond,
  };
};

const clockParts = ["hour", "minute", "second", "millisecond"];

const $dateFromParts: Operator = (document, operand, options) => {
  const name = "$dateFromParts";
  const isIso = isPlainObject(operand) && Object.hasOwn(operand, "isoWeekYear");
  const [first, ...rest] = isIso
    ? ["isoWeekYear", "isoWeek", "isoDayOfWeek"]
    : ["year", "month", "day"];
  argumentsOf(name, operand, [first!], [...rest, ...clockParts, "timezone"]);
  const given = evaluate(document, operand, options) as Document;
  if (Object.keys(operand).some((key) => isMissing(given[key]))) return null;
  const zone = zoneOf(name, operand, given);
  const read = (key: string, missing: number) =>
    Object.hasOwn(operand, key) ? integerOf(name, key, given[key]) : missing;
  const year = read(first!, 1);
  if (year < 1 || year > 9_999) {
    throw new LioranError("BAD_VALUE", `${name} requires "${first}" to be from 1 to 9999.`);
  }
  const [second, third] = [read(rest[0]!, 1), read(rest[1]!, 1)];
  const dayStart = isIso ? isoDate(year, second, third) : utcMs(year, second - 1, third);
  const [hours, minutes, seconds, milliseconds] = clockParts.map((key) => read(key, 0)) as number[];
  const clock = ((hours! * 60 + minutes!) * 60 + seconds!) * 1_000 + milliseconds!;
  return new Date(fromLocalMs(zone ?? undefined, dayStart + clock));
};

function addition(name: string, direction: 1 | -1): Operator {
  return (document, operand, options) => {
    argumentsOf(name, operand, ["startDate", "unit", "amount"], ["timezone"]);
    const given = evaluate(document, operand, options) as Document;
    const zone = zoneOf(name, operand, given);
    const date = dateOf(name, given.startDate);
    if (!date || isMissing(given.unit) || isMissing(given.amount) || zone === null) return null;
    const unit = unitNamed(name, given.unit);
    const amount = direction * integerOf(name, "amount", given.amount);
    const result = addUnits(date, unit, amount, zone);
    if (!Number.isNaN(result.getTime())) return result;
    throw new LioranError("BAD_VALUE", `${name}: the result is out of the range of dates.`);
  };
}

const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** How often the unit changes between two dates, on the clocks of the zone. */
const $dateDiff: Operator = (document, operand, options) => {
  const name = "$dateDiff";
  argumentsOf(name, operand, ["startDate", "endDate", "unit"], ["timezone", "startOfWeek"]);
  const given = evaluate(document, operand, options) as Document;
  const zone = zoneOf(name, operand, given);
  const [start, end] = [dateOf(name, given.startDate), dateOf(name, given.endDate)];
  if (!start || !end || isMissing(given.unit) || zone === null) return null;
  const unit = unitNamed(name, given.unit);
  const [from, to] = [localMs(zone, start.getTime()), localMs(zone, end.getTime())];
  const months = unitMonths[unit];
  if (months !== undefined) return monthsOf(to, months) - monthsOf(from, months);
  if (unit === "day") return Math.floor(to / dayMs) - Math.floor(from / dayMs);
  if (unit === "week") {
    const isGiven = Object.hasOwn(operand, "startOfWeek");
    if (isGiven && isMissing(given.startOfWeek)) return null;
    const first = isGiven ? weekdayOf(name, given.startOfWeek) : weekdays.indexOf("sunday");
    // The first of January 1970 was a Thursday.
    const weeks = (local: number) => Math.floor((Math.floor(local / dayMs) + 3 - first) / 7);
    return weeks(to) - weeks(from);
  }
  // Shorter units do not count an hour that the clocks leave out.
  const length = unitMs[unit]!;
  const shift = to - end.getTime() - (from - start.getTime());
  return Math.floor((to - shift) / length) - Math.floor(from / length);
};

function monthsOf(local: number, months: number): number {
  const { year, month } = datePartsOf(local);
  return Math.floor((year * 12 + month - 1) / months);
}

/** From Monday = 0. */
function weekdayOf(name: string, value: unknown): number {
  const wanted = textOf(name, "startOfWeek", value).toLowerCase();
  const at = weekdays.findIndex((day) => day === wanted || day.slice(0, 3) === wanted);
  if (at >= 0) return at;
  throw new LioranError("BAD_VALUE", `${name}: unknown day of week value: ${shownText(value)}.`);
}

function unitNamed(name: string, value: unknown): string {
  const unit = textOf(name, "unit", value);
  if (Object.hasOwn(unitMs, unit) || Object.hasOwn(unitMonths, unit)) return unit;
  throw new LioranError("BAD_VALUE", `${name}: unknown time unit value: ${unit}.`);
}

/** By name; they take precedence over mingo's. */
export const dateOperators: Readonly<Record<string, Operator>> = {
  $year: part("$year", "year"),
  $month: part("$month", "month"),
  $dayOfMonth: part("$dayOfMonth", "day"),
  $hour: part("$hour", "hour"),
  $minute: part("$minute", "minute"),
  $second: part("$second", "second"),
  $millisecond: part("$millisecond", "millisecond"),
  $dayOfWeek: part("$dayOfWeek", "dayOfWeek"),
  $dayOfYear: part("$dayOfYear", "dayOfYear"),
  $week: part("$week", "week"),
  $isoWeekYear: part("$isoWeekYear", "isoWeekYear"),
  $isoWeek: part("$isoWeek", "isoWeek"),
  $isoDayOfWeek: part("$isoDayOfWeek", "isoDayOfWeek"),
  $dateToString,
  $dateFromString,
  $dateToParts,
  $dateFromParts,
  $dateAdd: addition("$dateAdd", 1),
  $dateSubtract: addition("$dateSubtract", -1),
  $dateDiff,
};
