/**
 * Time zones, as expressions name them: an identifier of the tz database, or an offset such as `+05:30`. Local
 * times are milliseconds as well, those that UTC would show the same clock for.
 */
import { LioranError } from "../errors.js";

const utcNames = new Set(["UTC", "GMT", "Z"]);
const offsetPattern = /^([+-])(\d\d)(?::?(\d\d))?$/;
const zones = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC at a time. @throws LioranError BAD_VALUE */
export function zoneOffsetMs(zone: string | undefined, atMs: number): number {
  if (zone === undefined || utcNames.has(zone)) return 0;
  const fixed = offsetPattern.exec(zone);
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3] ?? 0);
    return (fixed[1] === "-" ? -minutes : minutes) * 60_000;
  }
  const seconds = Math.floor(atMs / 1_000) * 1_000;
  const parts = zoneOf(zone).formatToParts(seconds);
  const shown: Record<string, number> = {};
  for (const { type, value } of parts) shown[type] = Number(value);
  const { year, month, day, hour, minute, second } = shown as Record<string, number>;
  const isBefore = parts.some(({ type, value }) => type === "era" && value === "BC");
  return utcMs(isBefore ? 1 - year! : year!, month! - 1, day!, hour!, minute!, second!) - seconds;
}

/** What the clocks of the zone show. */
export function localMs(zone: string | undefined, atMs: number): number {
  return atMs + zoneOffsetMs(zone, atMs);
}

/** When the clocks of the zone show that; the earlier time when they show it twice. */
export function fromLocalMs(zone: string | undefined, local: number): number {
  // Clocks change by a few hours at most, so one of the offsets a day around is the right one.
  const before = local - zoneOffsetMs(zone, local - 86_400_000);
  if (localMs(zone, before) === local) return before;
  const after = local - zoneOffsetMs(zone, local + 86_400_000);
  // An hour that is left out is counted on from the clock before.
  return localMs(zone, after) === local ? after : before;
}

/** Like `Date.UTC`, for which the years 0 to 99 are those of the twentieth century. */
export function utcMs(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  millisecond = 0,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  date.setUTCHours(hour, minute, second, millisecond);
  return date.getTime();
}

function zoneOf(zone: string): Intl.DateTimeFormat {
  let format = zones.get(zone);
  if (format) return format;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw new LioranError("BAD_VALUE", `unrecognized time zone identifier: "${zone}".`);
  }
  zones.set(zone, format);
  return format;
}
