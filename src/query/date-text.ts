/**
 * Dates as text: the formats of `$dateToString` and `$dateFromString`
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/dateToString/#format-specifiers).
 */
import { LioranError } from "../errors.js";
import { type DateParts, datePartsOf, dayMs, isoDate } from "./date-parts.js";
import { fromLocalMs, localMs, utcMs, zoneOffsetMs } from "./time-zone.js";

const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

interface Shown extends DateParts {
  readonly offsetMinutes: number;
}

const padded = (value: number, length: number) => String(value).padStart(length, "0");
const sign = (minutes: number) => (minutes < 0 ? "-" : "+");

const shown: Readonly<Record<string, (parts: Shown) => string>> = {
  b: ({ month }) => months[month - 1]!.slice(0, 3),
  B: ({ month }) => months[month - 1]!,
  d: ({ day }) => padded(day, 2),
  G: ({ isoWeekYear }) => padded(isoWeekYear, 4),
  H: ({ hour }) => padded(hour, 2),
  j: ({ dayOfYear }) => padded(dayOfYear, 3),
  L: ({ millisecond }) => padded(millisecond, 3),
  m: ({ month }) => padded(month, 2),
  M: ({ minute }) => padded(minute, 2),
  S: ({ second }) => padded(second, 2),
  u: ({ isoDayOfWeek }) => String(isoDayOfWeek),
  U: ({ week }) => padded(week, 2),
  V: ({ isoWeek }) => padded(isoWeek, 2),
  w: ({ dayOfWeek }) => String(dayOfWeek),
  Y: ({ year }) => padded(year, 4),
  z: ({ offsetMinutes }) => {
    const minutes = Math.abs(offsetMinutes);
    return `${sign(offsetMinutes)}${padded(Math.floor(minutes / 60), 2)}${padded(minutes % 60, 2)}`;
  },
  Z: ({ offsetMinutes }) => `${sign(offsetMinutes)}${padded(Math.abs(offsetMinutes), 3)}`,
  "%": () => "%",
};

/** @throws LioranError BAD_VALUE */
export function formatDate(date: Date, format: string | undefined, zone?: string): string {
  const atMs = date.getTime();
  const isUtc = zone === undefined || zone === "UTC" || zone === "GMT" || zone === "Z";
  const pattern = format ?? `%Y-%m-%dT%H:%M:%S.%L${isUtc ? "Z" : ""}`;
  const offsetMinutes = Math.trunc(zoneOffsetMs(zone, atMs) / 60_000);
  const parts = { ...datePartsOf(localMs(zone, atMs)), offsetMinutes };
  return pattern.replace(/%(.?)/gsu, (_text, name: string) => {
    if (Object.hasOwn(shown, name)) return shown[name]!(parts);
    throw new LioranError(
      "BAD_VALUE",
      `$dateToString: invalid format character '%${name}' in the format string.`,
    );
  });
}

/** What a text said; the rest has its first value. */
interface Read {
  year?: number;
  month?: number;
  day?: number;
  hour?: number;
  minute?: number;
  second?: number;
  millisecond?: number;
  dayOfYear?: number;
  isoWeekYear?: number;
  isoWeek?: number;
  isoDayOfWeek?: number;
  offsetMinutes?: number;
}

type Take = (text: string, read: Read) => void;

const number =
  (name: keyof Read): Take =>
  (text, read) => {
    read[name] = Number(text);
  };

const monthNamed: Take = (text, read) => {
  const wanted = text.toLowerCase();
  read.month = months.findIndex((month) => month.toLowerCase().startsWith(wanted)) + 1;
};

const monthNames = months.map((month) => `${month}|${month.slice(0, 3)}`).join("|");

const offset: Take = (text, read) => {
  const [, direction, hours, minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(text) ?? [];
  const total = direction ? Number(hours) * 60 + Number(minutes) : 0;
  read.offsetMinutes = direction === "-" ? -total : total;
};

const taken: Readonly<Record<string, [pattern: string, take: Take]>> = {
  b: [months.map((month) => month.slice(0, 3)).join("|"), monthNamed],
  B: [monthNames, monthNamed],
  d: ["\\d\\d?", number("day")],
  G: ["\\d{4}", number("isoWeekYear")],
  H: ["\\d\\d?", number("hour")],
  j: ["\\d{1,3}", number("dayOfYear")],
  L: ["\\d{1,3}", (text, read) => number("millisecond")(text.padEnd(3, "0"), read)],
  m: ["\\d\\d?", number("month")],
  M: ["\\d\\d?", number("minute")],
  S: ["\\d\\d?", number("second")],
  u: ["[1-7]", number("isoDayOfWeek")],
  V: ["\\d\\d?", number("isoWeek")],
  Y: ["\\d{4}", number("year")],
  z: ["Z|[+-]\\d\\d(?::?\\d\\d)?", offset],
  Z: ["[+-]\\d{1,3}", number("offsetMinutes")],
};

/** The forms that are understood without a format: ISO 8601, also with a space, and names of months. */
const commonFormats = [
  "%Y-%m-%d",
  "%Y-%m-%d_%H:%M",
  "%Y-%m-%d_%H:%M:%S",
  "%Y-%m-%d_%H:%M:%S.%L",
  "%Y/%m/%d",
  "%Y%m%d",
  "%B_%d,_%Y",
  "%B_%d_%Y",
  "%d_%B_%Y",
].flatMap((format) => [format, `${format}%z`, `${format}_%z`]);

const parsers = new Map<string, { regex: RegExp; takes: Take[] }>();

function parserOf(format: string): { regex: RegExp; takes: Take[] } {
  let parser = parsers.get(format);
  if (parser) return parser;
  const takes: Take[] = [];
  const source = format.replace(/%(.?)|[\s\S]/gu, (text, name: string | undefined) => {
    if (name === undefined) return /[\w\s]/.test(text) ? text : `\\u{${hex(text)}}`;
    if (name === "%") return "%";
    if (!Object.hasOwn(taken, name)) {
      throw new LioranError(
        "BAD_VALUE",
        `$dateFromString: invalid format character '%${name}' in the format string.`,
      );
    }
    const [pattern, take] = taken[name]!;
    takes.push(take);
    return `(${pattern})`;
  });
  parser = { regex: new RegExp(`^${source}$`, "iu"), takes };
  // Formats may come from documents.
  if (parsers.size >= 100) parsers.clear();
  parsers.set(format, parser);
  return parser;
}

function hex(text: string): string {
  return text.codePointAt(0)!.toString(16);
}

const notADate = Symbol("not a date");

function readWith(text: string, format: string): Read | undefined {
  const { regex, takes } = parserOf(format);
  const found = regex.exec(text);
  if (!found) return undefined;
  const read: Read = {};
  takes.forEach((take, at) => {
    take(found[at + 1]!, read);
  });
  return read;
}

/** In a common form `_` stands for the space or the `T` between two parts. */
function readCommon(text: string): Read | undefined {
  const joined = text
    .trim()
    .replace(/(?<=\d)T(?=\d)/i, "_")
    .replace(/\s+/g, "_")
    .replace(/(?<=\.\d{3})\d+/, "");
  for (const format of commonFormats) {
    const read = readWith(joined, format);
    if (read) return read;
  }
  return undefined;
}

/** @throws LioranError BAD_VALUE naming the text */
export function parseDate(
  text: string,
  format: string | undefined,
  zone: string | undefined,
  operator = "$dateFromString",
): Date {
  const read = format === undefined ? readCommon(text) : readWith(text, format);
  const local = read ? localOf(read) : notADate;
  if (!read || typeof local !== "number") {
    const how = format === undefined ? "" : ` with format '${format}'`;
    throw new LioranError("BAD_VALUE", `${operator}: error parsing date string '${text}'${how}.`);
  }
  if (read.offsetMinutes === undefined) return new Date(fromLocalMs(zone, local));
  if (zone !== undefined) {
    throw new LioranError(
      "BAD_VALUE",
      `${operator}: the date string '${text}' has a time zone, and there is one in "timezone" too.`,
    );
  }
  return new Date(local - read.offsetMinutes * 60_000);
}

function localOf(read: Read): number | typeof notADate {
  const { hour = 0, minute = 0, second = 0, millisecond = 0 } = read;
  if (hour > 23 || minute > 59 || second > 59) return notADate;
  const dayStart = dayOf(read);
  if (typeof dayStart !== "number") return notADate;
  return dayStart + ((hour * 60 + minute) * 60 + second) * 1_000 + millisecond;
}

function dayOf(read: Read): number | typeof notADate {
  const { year, month = 1, day = 1, dayOfYear, isoWeekYear, isoWeek = 1, isoDayOfWeek = 1 } = read;
  if (isoWeekYear !== undefined) {
    const date = isoDate(isoWeekYear, isoWeek, isoDayOfWeek);
    return datePartsOf(date).isoWeekYear === isoWeekYear && isoWeek > 0 ? date : notADate;
  }
  if (year === undefined) return notADate;
  if (dayOfYear !== undefined) {
    const date = utcMs(year, 0, 1) + (dayOfYear - 1) * dayMs;
    return datePartsOf(date).year === year ? date : notADate;
  }
  const date = utcMs(year, month - 1, day);
  const parts = datePartsOf(date);
  return parts.month === month && parts.day === day ? date : notADate;
}
