/** The calendar over local times (`time-zone.ts`): fields, weeks, and adding units. */
import { fromLocalMs, localMs, utcMs } from "./time-zone.js";

export const dayMs = 86_400_000;

/** What a calendar and a clock show. Months and days count from 1, days of the week from Sunday = 1. */
export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
  /** 0 is what lies before the first Sunday. */
  readonly week: number;
  readonly isoWeekYear: number;
  readonly isoWeek: number;
  /** Monday is 1. */
  readonly isoDayOfWeek: number;
}

export function datePartsOf(local: number): DateParts {
  const date = new Date(local);
  const year = date.getUTCFullYear();
  const weekday = date.getUTCDay();
  const midnight = Math.floor(local / dayMs) * dayMs;
  const dayOfYear = (midnight - utcMs(year, 0, 1)) / dayMs + 1;
  const isoDayOfWeek = weekday === 0 ? 7 : weekday;
  // A week belongs to the year of its Thursday.
  const thursday = midnight + (4 - isoDayOfWeek) * dayMs;
  const isoWeekYear = new Date(thursday).getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    dayOfWeek: weekday + 1,
    dayOfYear,
    week: Math.floor((dayOfYear + 6 - weekday) / 7),
    isoWeekYear,
    isoWeek: Math.floor((thursday - utcMs(isoWeekYear, 0, 1)) / dayMs / 7) + 1,
    isoDayOfWeek,
  };
}

/** The day of a week of the ISO calendar; weeks and days beyond its end go on in the next. */
export function isoDate(isoWeekYear: number, isoWeek: number, isoDayOfWeek: number): number {
  const fourth = utcMs(isoWeekYear, 0, 4);
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * dayMs;
  return monday + ((isoWeek - 1) * 7 + (isoDayOfWeek - 1)) * dayMs;
}

/** Units of one length. */
export const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: dayMs,
  week: 7 * dayMs,
};

export const unitMonths: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };

/**
 * Days and longer units keep the time of the zone's clocks. Months keep the day, or take the last one that they
 * have.
 */
export function addUnits(date: Date, unit: string, count: number, zone?: string): Date {
  const months = unitMonths[unit];
  if (months === undefined && unit !== "day" && unit !== "week") {
    return new Date(date.getTime() + count * unitMs[unit]!);
  }
  const local = localMs(zone, date.getTime());
  const moved =
    months === undefined ? local + count * unitMs[unit]! : addMonths(local, count * months);
  return new Date(fromLocalMs(zone, moved));
}

function addMonths(local: number, count: number): number {
  const result = new Date(local);
  const day = result.getUTCDate();
  result.setUTCDate(1);
  result.setUTCMonth(result.getUTCMonth() + count);
  const last = new Date(result);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  result.setUTCDate(Math.min(day, last.getUTCDate()));
  return result.getTime();
}
