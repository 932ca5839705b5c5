/** `$lookup`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/lookup/ */
import { LioranError } from "../../errors.js";
import { lookupBatchBytesMax, lookupBatchDocumentsMax } from "../../limits.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { checkVariableName } from "../direct-operators.js";
import { distinctCollector } from "../distinct.js";
import type { Expression } from "../expression.js";
import { parsePath, parseWritablePath } from "../path.js";
import { Variables } from "../variables.js";
import { approximateBytes, StageMemory } from "./memory.js";
import { withValueAt } from "./place.js";
import {
  expressionOf,
  fieldNameOf,
  malformed,
  partsOf,
  pipelineOf,
  type Stage,
  type StageContext,
  textOf,
} from "./stage.js";
import { type ValueKey, valueKey } from "./value-key.js";

const optionalParts = ["from", "localField", "foreignField", "let", "pipeline"];

export function lookup(operand: unknown, context: StageContext): Stage {
  const parts = partsOf("$lookup", operand, ["as"], optionalParts);
  const as = parseWritablePath(fieldNameOf("'as' of $lookup", parts.as)).segments;
  const from = collectionOf("$lookup", parts.from);
  const fields = joinedFields(parts);
  const hasPipeline = parts.pipeline !== undefined;
  if (!fields && !hasPipeline) {
    throw malformed("$lookup requires 'localField' and 'foreignField', or 'pipeline'.");
  }
  if (parts.let !== undefined && !hasPipeline) {
    throw malformed("$lookup: 'let' has no use without 'pipeline'.");
  }
  const bindings = bindingsOf(parts.let, context);
  const variables = new Variables(
    context.variables,
    bindings.map(({ name }) => name),
  );
  const pipeline = hasPipeline ? pipelineOf("'pipeline' of $lookup", parts.pipeline) : [];
  if (from === undefined && !(pipeline[0] && "$documents" in pipeline[0])) {
    throw malformed("$lookup requires 'from', unless its pipeline begins with $documents.");
  }
  const open = context.open(from, pipeline, variables);
  if (fields && !hasPipeline) return batched(fields, as, open);
  const bind = (document: Document) => {
    for (const { name, value } of bindings) variables.set(name, value(document));
  };
  return function* (input) {
    const isSame = !fields && bindings.length === 0;
    let shared: Document[] | undefined;
    for (const document of input) {
      if (!shared || !isSame) {
        bind(document);
        const filter =
          fields && equalityFilter(fields.foreign, localValues(document, fields.local));
        shared = held(open(filter));
      }
      yield withValueAt(document, as, shared);
    }
  };
}

interface JoinedFields {
  readonly local: string;
  readonly foreign: string;
}

type Open = (filter?: Document) => Iterable<Document>;

function joinedFields({ localField, foreignField }: Document): JoinedFields | undefined {
  if (localField === undefined && foreignField === undefined) return undefined;
  if (localField === undefined || foreignField === undefined) {
    throw malformed("$lookup requires both or neither of 'localField' and 'foreignField'.");
  }
  const local = fieldNameOf("'localField' of $lookup", localField);
  const foreign = fieldNameOf("'foreignField' of $lookup", foreignField);
  parsePath(local);
  parsePath(foreign);
  return { local, foreign };
}

function bindingsOf(operand: unknown, context: StageContext) {
  if (operand === undefined) return [];
  if (!isPlainObject(operand)) throw malformed("'let' of $lookup must be an object.");
  return Object.keys(operand).map((name) => {
    checkVariableName(name);
    return { name, value: expressionOf(operand[name], context) as Expression };
  });
}

/** Another database cannot be read in the same snapshot. */
export function collectionOf(stage: string, from: unknown): string | undefined {
  if (from === undefined) return undefined;
  if (!isPlainObject(from)) return textOf(`The collection of ${stage}`, from);
  throw new LioranError(
    "COMMAND_NOT_SUPPORTED",
    `${stage} reads collections of the same database only: name the collection.`,
  );
}

/** The values that a field of a document is joined by: elements of arrays one by one, missing as null. */
export function localValues(document: Document, path: string): unknown[] {
  const collector = distinctCollector(path);
  collector.add(document);
  const values = collector.values();
  return values.length === 0 ? [null] : values;
}

/** Values are only ever compared: a regular expression among them is no pattern. */
export function equalityFilter(path: string, values: readonly unknown[]): Document {
  if (values.length === 1) return { [path]: { $eq: values[0] } };
  if (!values.some((value) => value instanceof RegExp)) return { [path]: { $in: values } };
  return { $or: values.map((value) => ({ [path]: { $eq: value } })) };
}

/** Asks for several documents at once, as long as the results are small. */
function batched(fields: JoinedFields, as: readonly string[], open: Open): Stage {
  return function* (input) {
    let size = 1;
    let batch: Document[] = [];
    for (const document of input) {
      batch.push(document);
      if (batch.length < size) continue;
      const { results, bytes } = joinBatch(batch, fields, open);
      size = bytes > lookupBatchBytesMax ? Math.max(1, size >> 1) : size * 2;
      size = Math.min(size, lookupBatchDocumentsMax);
      for (let at = 0; at < batch.length; at += 1) yield withValueAt(batch[at]!, as, results[at]);
      batch = [];
    }
    const { results } = joinBatch(batch, fields, open);
    for (let at = 0; at < batch.length; at += 1) yield withValueAt(batch[at]!, as, results[at]);
  };
}

function joinBatch(batch: Document[], fields: JoinedFields, open: Open) {
  const memory = new StageMemory("$lookup");
  const results = batch.map((): Document[] => []);
  const wanted = new Map<ValueKey, { value: unknown; places: number[] }>();
  let bytes = 0;
  const take = (place: number, document: Document) => {
    const size = approximateBytes(document);
    memory.add(size);
    bytes += size;
    results[place]!.push(document);
  };
  batch.forEach((document, place) => {
    const values = localValues(document, fields.local);
    if (batch.length > 1 && values.every(isPlainValue)) {
      for (const value of values) {
        const key = valueKey(value);
        const known = wanted.get(key);
        if (known) known.places.push(place);
        else wanted.set(key, { value, places: [place] });
      }
      return;
    }
    for (const found of open(equalityFilter(fields.foreign, values))) take(place, found);
  });
  if (wanted.size === 0) return { results, bytes };
  const values = Array.from(wanted.values(), ({ value }) => value);
  for (const found of open(equalityFilter(fields.foreign, values))) {
    const places = new Set<number>();
    for (const value of localValues(found, fields.foreign)) {
      for (const place of wanted.get(valueKey(value))?.places ?? []) places.add(place);
    }
    for (const place of places) take(place, found);
  }
  return { results, bytes };
}

/** Values whose matches are told by the values of the foreign document alone. */
function isPlainValue(value: unknown): boolean {
  return value !== null && !Array.isArray(value) && !(value instanceof RegExp);
}

function held(found: Iterable<Document>): Document[] {
  const memory = new StageMemory("$lookup");
  return Array.from(found, (document) => {
    memory.keep(document);
    return document;
  });
}
