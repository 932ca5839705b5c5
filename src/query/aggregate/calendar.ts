/** Units of time in UTC, for `$densify` and windows. */
import { unitMonths, unitMs } from "../date-parts.js";
import { malformed } from "./stage.js";

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
