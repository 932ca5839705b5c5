/** `$setWindowFields`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/setWindowFields/ */
import { compareValues } from "../../values/compare.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { parseWritablePath } from "../path.js";
import { compileSort, normalizeSort } from "../sort.js";
import type { Accumulator } from "./accumulator.js";
import { accumulators } from "./group.js";
import { StageMemory } from "./memory.js";
import { windowAccumulators } from "./number-accumulators.js";
import { plainValueAt, withValueAt } from "./place.js";
import { expressionOf, malformed, partsOf, type Stage, type StageContext } from "./stage.js";
import { hasWindow, type Span, windowBounds } from "./window-bounds.js";
import type { Partition } from "./window-function.js";
import { windowFunctions } from "./window-functions.js";

const allAccumulators = { ...accumulators, ...windowAccumulators };

/** What is computed for one field of the output. */
interface WindowField {
  readonly path: readonly string[];
  results(partition: Partition, memory: StageMemory): unknown[];
}

interface WindowSort {
  readonly compare: ((a: Document, b: Document) => number) | undefined;
  /** The path of the only key, if there is one and it ascends. */
  readonly single: readonly string[] | undefined;
}

export function setWindowFields(
  operand: unknown,
  context: StageContext,
  stage = "$setWindowFields",
): Stage {
  const parts = partsOf(stage, operand, ["output"], ["partitionBy", "sortBy"]);
  if (!isPlainObject(parts.output)) throw malformed(`'output' of ${stage} must be an object.`);
  const partitionBy = expressionOf(parts.partitionBy ?? null, context);
  const sort = sortOf(stage, parts.sortBy);
  const fields = Object.entries(parts.output).map(([name, specification]) =>
    compileField(name, specification, sort, context),
  );
  return function* (input) {
    const memory = new StageMemory(stage);
    for (const documents of partitionsOf(input, partitionBy, sort, memory)) {
      const partition = describe(documents, sort);
      const columns = fields.map((field) => field.results(partition, memory));
      for (let at = 0; at < documents.length; at += 1) {
        let result = documents[at]!;
        fields.forEach(({ path }, column) => {
          const value = columns[column]![at];
          result = withValueAt(result, path, value === undefined ? null : value);
        });
        yield result;
      }
    }
  };
}

/** The partitions in the order of their keys, each in its own order. */
function partitionsOf(
  input: Iterable<Document>,
  partitionBy: (document: Document) => unknown,
  { compare }: WindowSort,
  memory: StageMemory,
): Document[][] {
  const entries: { key: unknown; document: Document }[] = [];
  for (const document of input) {
    memory.keep(document);
    entries.push({ key: partitionBy(document) ?? null, document });
  }
  entries.sort(
    (a, b) => compareValues(a.key, b.key) || (compare ? compare(a.document, b.document) : 0),
  );
  const partitions: Document[][] = [];
  entries.forEach(({ key, document }, at) => {
    const isNew = at === 0 || compareValues(entries[at - 1]!.key, key) !== 0;
    if (isNew) partitions.push([document]);
    else partitions.at(-1)!.push(document);
  });
  return partitions;
}

function describe(documents: readonly Document[], { compare, single }: WindowSort): Partition {
  return {
    documents,
    length: documents.length,
    sortValue: (at) => single && plainValueAt(documents[at]!, single),
    isSame: (a, b) => !compare || compare(documents[a]!, documents[b]!) === 0,
  };
}

function sortOf(stage: string, sortBy: unknown): WindowSort {
  if (sortBy === undefined) return { compare: undefined, single: undefined };
  if (!isPlainObject(sortBy) || Object.keys(sortBy).length === 0) {
    throw malformed(`'sortBy' of ${stage} must be an object with at least one field.`);
  }
  const keys = normalizeSort(sortBy);
  const [path, direction] = keys[0]!;
  const isSingle = keys.length === 1 && direction === 1;
  return { compare: compileSort(sortBy), single: isSingle ? path.split(".") : undefined };
}

function compileField(
  name: string,
  specification: unknown,
  sort: WindowSort,
  context: StageContext,
): WindowField {
  const { segments: path } = parseWritablePath(name);
  const operators = isPlainObject(specification)
    ? Object.keys(specification).filter((key) => key !== "window")
    : [];
  const [operator] = operators;
  if (operator === undefined || operators.length > 1 || !isPlainObject(specification)) {
    throw malformed(`The window field '${name}' must have exactly one function, and 'window'.`);
  }
  const operand = specification[operator];
  const bounds = windowBounds(specification.window, sort.single !== undefined);
  if (Object.hasOwn(windowFunctions, operator)) {
    const definition = windowFunctions[operator]!;
    if (definition.needsSort && !sort.compare) throw malformed(`${operator} requires a sortBy.`);
    const isRefused = !definition.isWindowed && hasWindow(specification);
    if (isRefused) throw malformed(`${operator} does not accept a 'window' field.`);
    if (definition.needsCurrent && !bounds.hasCurrent) {
      throw malformed(`The window of ${operator} must contain the current document.`);
    }
    const run = definition.compile(operand, context);
    return { path, results: (partition) => run(partition, (at) => bounds.span(at, partition)) };
  }
  if (!Object.hasOwn(allAccumulators, operator)) {
    throw malformed(`Unrecognized window function, ${operator}.`);
  }
  const accumulator = allAccumulators[operator as keyof typeof allAccumulators]!(operand, context);
  const step = () => context.control.step(0);
  return {
    path,
    results: (partition, memory) => {
      const spans = partition.documents.map((_, at) => bounds.span(at, partition));
      return accumulated(partition, spans, accumulator, bounds.isFromStart, memory, step);
    },
  };
}

/**
 * Windows that all begin at the start grow from one to the next, so that nothing is added twice. But one by months may
 * end before the last one: the 30th and the 31st of a month are one day in a shorter month, at the times of their own.
 */
function accumulated(
  { documents }: Partition,
  spans: readonly Span[],
  { input, start }: Accumulator,
  isFromStart: boolean,
  memory: StageMemory,
  step: () => void,
): unknown[] {
  const values = documents.map((document) => input(document));
  let state = start(memory);
  let next = 0;
  return spans.map(([first, last]) => {
    if (!isFromStart || last + 1 < next) {
      state = start(memory);
      next = first;
    }
    for (; next <= last; next += 1) {
      step();
      state.add(values[next], documents[next]!);
    }
    return state.result() ?? null;
  });
}

/** `$fill`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/fill/ */
export function fill(operand: unknown, context: StageContext): Stage {
  const optional = ["partitionBy", "partitionByFields", "sortBy"];
  const parts = partsOf("$fill", operand, ["output"], optional);
  const { partitionBy, partitionByFields, sortBy, output } = parts;
  if (!isPlainObject(output) || Object.keys(output).length === 0) {
    throw malformed("'output' of $fill must be an object with at least one field.");
  }
  if (partitionBy !== undefined && partitionByFields !== undefined) {
    throw malformed("$fill takes either 'partitionBy' or 'partitionByFields'.");
  }
  const window: Document = {};
  const added: Document = {};
  for (const name of Object.keys(output)) {
    const { value, method } = partsOf("$fill", output[name], [], ["value", "method"]);
    if (method === "linear") window[name] = { $linearFill: `$${name}` };
    else if (method === "locf") window[name] = { $locf: `$${name}` };
    else if (method !== undefined || value === undefined) {
      throw malformed(`'${name}' of $fill needs 'value', or 'method' "linear" or "locf".`);
    } else added[name] = { $ifNull: [`$${name}`, value] };
  }
  const key = partitionByFields === undefined ? partitionBy : keyOf(partitionByFields);
  const stages: Document[] = [];
  if (Object.keys(window).length > 0) {
    const sorted = sortBy === undefined ? {} : { sortBy };
    const partitioned = key === undefined ? {} : { partitionBy: key };
    stages.push({ $setWindowFields: { ...partitioned, ...sorted, output: window } });
  }
  if (Object.keys(added).length > 0) stages.push({ $addFields: added });
  return context.compile(stages, context.variables);
}

function keyOf(fields: unknown): Document {
  if (!Array.isArray(fields) || !fields.every((name) => typeof name === "string" && name !== "")) {
    throw malformed("'partitionByFields' of $fill must be an array of names of fields.");
  }
  return Object.fromEntries(
    fields.map((name: string, at) => [`k${at}`, { $ifNull: [`$${name}`, null] }]),
  );
}
