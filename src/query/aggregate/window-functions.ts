/** Functions that only `$setWindowFields` has: https://www.mongodb.com/docs/manual/reference/operator/aggregation/setWindowFields/#std-label-setWindowFields-window-operators */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { isNumeric } from "../operand.js";
import { fixedUnitMs } from "./calendar.js";
import { minMaxScaler } from "./min-max-scaler.js";
import { expressionOf, malformed, partsOf, type StageContext } from "./stage.js";
import type { Partition, PartitionFunction, WindowFunction } from "./window-function.js";

export const windowFunctions: Readonly<Record<string, WindowFunction>> = {
  $rank: ranking("$rank", (partition) => {
    let rank = 1;
    return partition.documents.map((_, at) => {
      if (at > 0 && !partition.isSame(at - 1, at)) rank = at + 1;
      return rank;
    });
  }),
  $denseRank: ranking("$denseRank", (partition) => {
    let rank = 1;
    return partition.documents.map((_, at) => {
      if (at > 0 && !partition.isSame(at - 1, at)) rank += 1;
      return rank;
    });
  }),
  $documentNumber: ranking("$documentNumber", ({ documents }) => documents.map((_, at) => at + 1)),
  $shift: {
    isWindowed: false,
    needsSort: true,
    compile(operand, context) {
      const {
        output,
        by,
        default: fallback,
      } = partsOf("$shift", operand, ["output", "by"], ["default"]);
      if (typeof by !== "number" || !Number.isInteger(by)) {
        throw malformed("'by' of $shift must be an integer.");
      }
      const value = expressionOf(output, context);
      const missing = fallback === undefined ? null : expressionOf(fallback, context)({});
      return ({ documents }) =>
        documents.map((_, at) => {
          const other = documents[at + by];
          return other ? value(other) : missing;
        });
    },
  },
  $locf: {
    isWindowed: false,
    needsSort: false,
    compile(operand, context) {
      const value = expressionOf(operand, context);
      return ({ documents }) => {
        let last: unknown = null;
        return documents.map((document) => {
          last = value(document) ?? last;
          return last;
        });
      };
    },
  },
  $linearFill: {
    isWindowed: false,
    needsSort: true,
    compile(operand, context) {
      const value = expressionOf(operand, context);
      return (partition) =>
        filledLinearly(
          partition,
          partition.documents.map((one) => value(one)),
        );
    },
  },
  $expMovingAvg: { isWindowed: false, needsSort: true, compile: expMovingAvg },
  $minMaxScaler: minMaxScaler,
  $derivative: {
    isWindowed: true,
    needsSort: true,
    compile(operand, context) {
      const { value, unitMs } = rateOf("$derivative", operand, context);
      return (partition, span) =>
        partition.documents.map((_, at) => {
          const [first, last] = span(at);
          if (last <= first) return null;
          const distance = pointOf(partition, last, unitMs) - pointOf(partition, first, unitMs);
          const change =
            numberOf("$derivative", value(partition.documents[last]!)) -
            numberOf("$derivative", value(partition.documents[first]!));
          return distance === 0 ? null : change / distance;
        });
    },
  },
  $integral: {
    isWindowed: true,
    needsSort: true,
    compile(operand, context) {
      const { value, unitMs } = rateOf("$integral", operand, context);
      return (partition, span) => {
        const areas = cumulativeAreas(partition, value, unitMs);
        return partition.documents.map((_, at) => {
          const [first, last] = span(at);
          return last < first ? null : areas[last]! - areas[first]!;
        });
      };
    },
  },
};

function ranking(name: string, run: (partition: Partition) => unknown[]): WindowFunction {
  return {
    isWindowed: false,
    needsSort: true,
    compile(operand) {
      if (isPlainObject(operand) && Object.keys(operand).length === 0) return run;
      throw malformed(`${name} takes an empty object.`);
    },
  };
}

function expMovingAvg(operand: unknown, context: StageContext): PartitionFunction {
  const { input, N, alpha } = partsOf("$expMovingAvg", operand, ["input"], ["N", "alpha"]);
  const weight = alpha ?? (typeof N === "number" && Number.isInteger(N) ? 2 / (N + 1) : undefined);
  const isBoth = N !== undefined && alpha !== undefined;
  if (isBoth || typeof weight !== "number" || weight <= 0 || weight >= 1 + Number(N === 1)) {
    throw malformed(
      "$expMovingAvg needs either 'N', a positive integer, or 'alpha', between 0 and 1.",
    );
  }
  const value = expressionOf(input, context);
  return ({ documents }) => {
    let average: number | null = null;
    return documents.map((document) => {
      const next = value(document);
      if (!isNumeric(next)) return average;
      average = average === null ? Number(next) : Number(next) * weight + average * (1 - weight);
      return average;
    });
  };
}

function rateOf(name: string, operand: unknown, context: StageContext) {
  const { input, unit } = partsOf(name, operand, ["input"], ["unit"]);
  const unitMs = unit === undefined ? undefined : fixedUnitMs(name, unit);
  return { value: expressionOf(input, context), unitMs };
}

/** The place on the axis, in units of time if there is a unit. */
function pointOf(partition: Partition, at: number, unitMs: number | undefined): number {
  const value = partition.sortValue(at);
  if (unitMs !== undefined && value instanceof Date) return value.getTime() / unitMs;
  if (unitMs === undefined && isNumeric(value)) return Number(value);
  throw new LioranError(
    "TYPE_MISMATCH",
    "The sortBy field of $derivative and $integral must be a number, or a date together with 'unit'.",
  );
}

function cumulativeAreas(
  partition: Partition,
  value: (document: Document) => unknown,
  unitMs: number | undefined,
): number[] {
  const areas = [0];
  for (let at = 1; at < partition.length; at += 1) {
    const width = pointOf(partition, at, unitMs) - pointOf(partition, at - 1, unitMs);
    const left = numberOf("$integral", value(partition.documents[at - 1]!));
    const right = numberOf("$integral", value(partition.documents[at]!));
    areas.push(areas[at - 1]! + ((left + right) / 2) * width);
  }
  return areas;
}

/** Values on the line between the neighbours that have one; null outside of all of them. */
function filledLinearly(partition: Partition, values: unknown[]): unknown[] {
  const position = (at: number) => {
    const value = partition.sortValue(at);
    if (value instanceof Date) return value.getTime();
    return numberOf("$linearFill", value);
  };
  const nextKnown: (number | undefined)[] = new Array(values.length);
  let known: number | undefined;
  for (let at = values.length - 1; at >= 0; at -= 1) {
    nextKnown[at] = known;
    if ((values[at] ?? null) !== null) known = at;
  }
  let before: number | undefined;
  return values.map((value, at) => {
    if (value !== null && value !== undefined) {
      numberOf("$linearFill", value);
      before = at;
      return value;
    }
    const after = nextKnown[at];
    if (before === undefined || after === undefined) return null;
    const [from, to] = [Number(values[before]), Number(values[after])];
    const share = (position(at) - position(before)) / (position(after) - position(before));
    return from + (to - from) * share;
  });
}

function numberOf(name: string, value: unknown): number {
  if (isNumeric(value)) return Number(value);
  throw new LioranError("TYPE_MISMATCH", `${name} takes numbers only.`);
}
