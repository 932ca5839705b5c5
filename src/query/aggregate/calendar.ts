/** Units of time in UTC, for `$densify` and windows. */
import { malformed } from "./stage.js";

const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

const unitMonths: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };

/** @throws LioranError FAILED_TO_PARSE */
export function unitOf(stage: string, unit: unknown): string {
  if (
    typeof unit === "string" &&
    (Object.hasOwn(unitMs, unit) || Object.hasOwn(unitMonths, unit))
  ) {
    return unit;
  }
  const known = [...Object.keys(unitMs), ...Object.keys(unitMonths)].join(", ");
  throw malformed(`The unit of ${stage} must be one of ${known}.`);
}

/** Milliseconds of a unit that always has the same length. @throws LioranError FAILED_TO_PARSE */
export function fixedUnitMs(stage: string, unit: unknown): number {
  const length = unitMs[unitOf(stage, unit)];
  if (length !== undefined) return length;
  throw malformed(`The unit of ${stage} must be week or shorter.`);
}

/** Months keep the day, or take the last one that they have. */
export function addUnits(date: Date, unit: string, count: number): Date {
  const months = unitMonths[unit];
  if (months === undefined) return new Date(date.getTime() + count * unitMs[unit]!);
  const result = new Date(date);
  const day = result.getUTCDate();
  result.setUTCDate(1);
  result.setUTCMonth(result.getUTCMonth() + count * months);
  const last = new Date(Date.UTC(result.getUTCFullYear(), result.getUTCMonth() + 1, 0));
  result.setUTCDate(Math.min(day, last.getUTCDate()));
  return result;
}
