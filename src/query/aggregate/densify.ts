/** `$densify`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/densify/ */
import { LioranError } from "../../errors.js";
import { densifyDocumentsMax } from "../../limits.js";
import { compareValues } from "../../values/compare.js";
import type { Document } from "../../values/document.js";
import { addUnits } from "../date-parts.js";
import { parseWritablePath } from "../path.js";
import { unitOf } from "./calendar.js";
import { StageMemory } from "./memory.js";
import { plainValueAt, withValueAt } from "./place.js";
import { fieldNameOf, malformed, partsOf, type Stage, type StageContext } from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

/** A value to step from or to. */
type Point = number | Date;

interface Step {
  /** The point so many steps behind another one. */
  readonly from: (start: Point, count: number) => Point;
  readonly isPoint: (value: unknown) => value is Point;
}

interface Partition {
  readonly key: Document;
  readonly documents: Document[];
}

export function densify(operand: unknown, context: StageContext): Stage {
  const parts = partsOf("$densify", operand, ["field", "range"], ["partitionByFields"]);
  const field = parseWritablePath(fieldNameOf("'field' of $densify", parts.field)).segments;
  const { step, unit, bounds } = partsOf("$densify", parts.range, ["step", "bounds"], ["unit"]);
  const stepping = stepOf(step, unit);
  const limits = boundsOf(bounds, stepping);
  const keyPaths = partitionPaths(parts.partitionByFields);
  if (limits === "partition" && keyPaths.length === 0) {
    throw malformed("$densify with bounds 'partition' needs 'partitionByFields'.");
  }
  return function* (input) {
    const { partitions, unplaced } = partitionsOf(input, keyPaths, field, stepping);
    yield* unplaced;
    const range = Array.isArray(limits) ? limits : undefined;
    const whole = limits === "full" ? spanOf([...partitions.values()], field) : undefined;
    let made = 0;
    if (range && keyPaths.length === 0 && partitions.size === 0) {
      partitions.set(undefined, { key: {}, documents: [] });
    }
    const ordered = [...partitions.values()].sort((a, b) => compareValues(a.key, b.key));
    for (const partition of ordered) {
      const span = range ?? whole ?? spanOf([partition], field);
      const points = dense(partition.documents, field, span, stepping, range !== undefined);
      for (const { document, point } of points) {
        if (document) yield document;
        else {
          made += 1;
          if (made > densifyDocumentsMax) throw tooMany();
          context.control.step(0);
          yield withValueAt(partition.key, field, point);
        }
      }
    }
  };
}

/** The documents in their order, and the points between them that have none. */
function* dense(
  documents: Document[],
  field: readonly string[],
  [start, end]: [Point, Point],
  step: Step,
  isEndExcluded: boolean,
): Generator<{ document?: Document; point?: Point }, void, void> {
  let count = 0;
  let next = start;
  const isWithin = () => compareValues(next, end) < (isEndExcluded ? 0 : 1);
  const advance = () => {
    count += 1;
    next = step.from(start, count);
  };
  for (const document of documents) {
    const at = plainValueAt(document, field) as Point;
    while (isWithin() && compareValues(next, at) < 0) {
      yield { point: next };
      advance();
    }
    yield { document };
    if (compareValues(next, at) === 0) advance();
  }
  while (isWithin()) {
    yield { point: next };
    advance();
  }
}

/** Documents without a value at the field belong to no place of the order. */
function partitionsOf(
  input: Iterable<Document>,
  keyPaths: readonly (readonly string[])[],
  field: readonly string[],
  step: Step,
) {
  const memory = new StageMemory("$densify");
  const partitions = new Map<ValueKey, Partition>();
  const unplaced: Document[] = [];
  for (const document of input) {
    memory.keep(document);
    const value = plainValueAt(document, field);
    if (value === null || value === undefined) {
      unplaced.push(document);
      continue;
    }
    if (!step.isPoint(value)) {
      throw new LioranError(
        "TYPE_MISMATCH",
        "$densify: the field must be a number, or a date if there is a unit.",
      );
    }
    let key: Document = {};
    for (const path of keyPaths) key = withValueAt(key, path, plainValueAt(document, path));
    const mapKey = valueKey(key);
    const known = partitions.get(mapKey);
    if (known) known.documents.push(document);
    else partitions.set(mapKey, { key, documents: [document] });
  }
  for (const { documents } of partitions.values()) {
    documents.sort((a, b) => compareValues(plainValueAt(a, field), plainValueAt(b, field)));
  }
  return { partitions, unplaced };
}

/** The least and the greatest point. Each partition is sorted. */
function spanOf(partitions: readonly Partition[], field: readonly string[]): [Point, Point] {
  const ends = partitions.flatMap(({ documents }) => [documents[0]!, documents.at(-1)!]);
  const points = ends.map((document) => plainValueAt(document, field) as Point);
  points.sort(compareValues);
  return [points[0]!, points.at(-1)!];
}

function stepOf(step: unknown, unit: unknown): Step {
  const size = typeof step === "bigint" ? Number(step) : step;
  if (typeof size !== "number" || !Number.isFinite(size) || size <= 0) {
    throw malformed("The 'step' of $densify must be a positive number.");
  }
  if (unit === undefined) {
    return {
      from: (start, count) => (start as number) + count * size,
      isPoint: (value): value is number => typeof value === "number" && !Number.isNaN(value),
    };
  }
  if (!Number.isInteger(size)) {
    throw malformed("The 'step' of $densify must be an integer if there is a unit.");
  }
  const name = unitOf("$densify", unit);
  return {
    from: (start, count) => addUnits(start as Date, name, count * size),
    isPoint: (value): value is Date => value instanceof Date,
  };
}

function boundsOf(bounds: unknown, step: Step): "full" | "partition" | [Point, Point] {
  if (bounds === "full" || bounds === "partition") return bounds;
  if (Array.isArray(bounds) && bounds.length === 2 && bounds.every(step.isPoint)) {
    const [lower, upper] = bounds as [Point, Point];
    if (compareValues(lower, upper) <= 0) return [lower, upper];
  }
  throw malformed(
    "The 'bounds' of $densify must be 'full', 'partition', or an ascending array of two numbers, or dates with a unit.",
  );
}

function partitionPaths(fields: unknown): (readonly string[])[] {
  if (fields === undefined) return [];
  if (!Array.isArray(fields)) throw malformed("'partitionByFields' of $densify must be an array.");
  return fields.map(
    (name: unknown) =>
      parseWritablePath(fieldNameOf("'partitionByFields' of $densify", name)).segments,
  );
}

function tooMany(): LioranError {
  return new LioranError(
    "BAD_VALUE",
    `$densify would make more than ${densifyDocumentsMax} documents. Use a larger step or narrower bounds.`,
  );
}
