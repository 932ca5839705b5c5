/** `$bucketAuto`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/bucketAuto/ */
import { LioranError } from "../../errors.js";
import { compareValues } from "../../values/compare.js";
import type { Document } from "../../values/document.js";
import { addTo, outputOf, resultOf } from "./bucket.js";
import { StageMemory } from "./memory.js";
import { nextPreferred, previousPreferred, seriesNames } from "./preferred-numbers.js";
import {
  expressionOf,
  integerOf,
  malformed,
  partsOf,
  type Stage,
  type StageContext,
} from "./stage.js";

interface Entry {
  readonly value: unknown;
  readonly document: Document;
}

/** A run of the sorted entries, and its bounds. */
interface Bucket {
  readonly entries: readonly Entry[];
  min: unknown;
  max: unknown;
}

export function bucketAuto(operand: unknown, context: StageContext): Stage {
  const parts = partsOf("$bucketAuto", operand, ["groupBy", "buckets"], ["output", "granularity"]);
  const groupBy = expressionOf(parts.groupBy, context);
  const wanted = integerOf("'buckets' of $bucketAuto", parts.buckets, 1);
  const fields = outputOf("$bucketAuto", parts.output, context);
  const granularity = granularityOf(parts.granularity);
  return function* (input) {
    const memory = new StageMemory("$bucketAuto");
    const entries: Entry[] = [];
    for (const document of input) {
      memory.keep(document);
      const value = groupBy(document) ?? null;
      if (granularity !== undefined) checkNumber(value);
      entries.push({ value, document });
    }
    entries.sort((a, b) => compareValues(a.value, b.value));
    const buckets = granularity ? rounded(entries, wanted, granularity) : even(entries, wanted);
    for (const bucket of buckets) {
      const states = fields.map(({ accumulator }) => accumulator.start(memory));
      for (const { document } of bucket.entries) addTo(states, fields, document);
      yield resultOf({ min: bucket.min, max: bucket.max }, fields, states);
    }
  };
}

/** Buckets of about the same size. Equal values are never torn apart. */
function even(entries: readonly Entry[], wanted: number): Bucket[] {
  const size = Math.max(1, Math.round(entries.length / wanted));
  const buckets: Bucket[] = [];
  let from = 0;
  while (from < entries.length) {
    const isLast = buckets.length === wanted - 1;
    let to = isLast ? entries.length : Math.min(entries.length, from + size);
    while (to < entries.length && isEqual(entries[to - 1]!, entries[to]!)) to += 1;
    const max = (entries[to] ?? entries.at(-1)!).value;
    buckets.push({ entries: entries.slice(from, to), min: entries[from]!.value, max });
    from = to;
  }
  return buckets;
}

/** As {@link even}, with bounds out of a series of preferred numbers. */
function rounded(entries: readonly Entry[], wanted: number, series: string): Bucket[] {
  const size = Math.max(1, Math.round(entries.length / wanted));
  const buckets: Bucket[] = [];
  let from = 0;
  while (from < entries.length) {
    const isLast = buckets.length === wanted - 1;
    let to = isLast ? entries.length : Math.min(entries.length, from + size);
    const max = nextPreferred(Number(entries[to - 1]!.value), series);
    while (to < entries.length && Number(entries[to]!.value) < max) to += 1;
    const first = Number(entries[from]!.value);
    const min = buckets.at(-1)?.max ?? previousPreferred(first, series);
    buckets.push({ entries: entries.slice(from, to), min, max });
    from = to;
  }
  return buckets;
}

function isEqual(a: Entry, b: Entry): boolean {
  return compareValues(a.value, b.value) === 0;
}

function granularityOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && seriesNames.includes(value)) return value;
  throw malformed(`Unknown granularity of $bucketAuto; known are ${seriesNames.join(", ")}.`);
}

function checkNumber(value: unknown): void {
  if (typeof value === "bigint" && value >= 0n) return;
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return;
  throw new LioranError(
    "BAD_VALUE",
    "$bucketAuto can specify a 'granularity' with non-negative numbers only.",
  );
}
