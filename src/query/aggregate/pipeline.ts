/**
 * Compiles pipelines: https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/
 * Documents stream through the stages one at a time; only stages that have to hold documents hold them.
 */
import { LioranError } from "../../errors.js";
import { invariant } from "../../invariant.js";
import { pipelineDepthMax, pipelineStagesMax } from "../../limits.js";
import { type Document, isPlainObject } from "../../values/document.js";
import type { Control } from "../control.js";
import type { Query } from "../execute.js";
import { compileFilter } from "../filter.js";
import { documentStages } from "../update/pipeline.js";
import { nowVariable, Variables } from "../variables.js";
import { bindFilter, letVariables } from "./bind.js";
import { bucket } from "./bucket.js";
import { bucketAuto } from "./bucket-auto.js";
import { densify } from "./densify.js";
import { facet } from "./facet.js";
import { graphLookup } from "./graph-lookup.js";
import { count, group, sortByCount } from "./group.js";
import { lookup } from "./lookup.js";
import { limit, sample, skip, sort } from "./order.js";
import { redact } from "./redact.js";
import { bothFilters, splitPipeline } from "./split.js";
import {
  type CollectionReader,
  type CompileStage,
  mapping,
  type Stage,
  type StageContext,
} from "./stage.js";
import { documents, unionWith } from "./union.js";
import { unwind } from "./unwind.js";
import { fill, setWindowFields } from "./window.js";

/** By name. `$out` and `$merge` are carried out by the caller: see `output.ts`. */
export const stages: Readonly<Record<string, CompileStage>> = {
  $match: match,
  $sort: (operand) => sort(operand),
  $limit: limit,
  $skip: skip,
  $sample: sample,
  $group: group,
  $count: count,
  $sortByCount: sortByCount,
  $bucket: bucket,
  $bucketAuto: bucketAuto,
  $unwind: unwind,
  $facet: facet,
  $lookup: lookup,
  $graphLookup: graphLookup,
  $unionWith: unionWith,
  $documents: documents,
  $redact: redact,
  $densify: densify,
  $fill: fill,
  $setWindowFields: (operand, context) => setWindowFields(operand, context),
  ...Object.fromEntries(
    Object.entries(documentStages).map(([name, compile]): [string, CompileStage] => [
      name,
      (operand, { variables }) => {
        const change = compile(operand, name, variables);
        return mapping((document) => change(document));
      },
    ]),
  ),
};

/** Stages that MongoDB has and LioranDB does not run. */
export const unsupportedStages: ReadonlySet<string> = new Set([
  "$changeStream",
  "$changeStreamSplitLargeEvent",
  "$collStats",
  "$currentOp",
  "$geoNear",
  "$indexStats",
  "$listLocalSessions",
  "$listSampledQueries",
  "$listSearchIndexes",
  "$listSessions",
  "$planCacheStats",
  "$querySettings",
  "$queryStats",
  "$rankFusion",
  "$score",
  "$scoreFusion",
  "$search",
  "$searchMeta",
  "$shardedDataDistribution",
  "$vectorSearch",
]);

export interface PipelineOptions {
  readonly reader: CollectionReader;
  readonly control: Control;
  /** The `let` of the aggregation. */
  readonly let?: Document;
  /** `$$NOW`. Default: the time of the call. */
  readonly now?: Date;
}

/** A pipeline over a collection. */
export interface CompiledPipeline {
  /** What to read from the collection. `undefined`: the pipeline makes its own documents. */
  readonly query: Query | undefined;
  /** What happens to what was read; `undefined` when nothing. */
  readonly stage: Stage | undefined;
  /** The stages of that. */
  readonly rest: readonly Document[];
}

/**
 * Compiles the pipeline of an aggregation, without its `$out` or `$merge`.
 *
 * @throws LioranError UNKNOWN_STAGE, FAILED_TO_PARSE, BAD_VALUE naming the stage;
 *   COMMAND_NOT_SUPPORTED for stages that LioranDB never runs
 */
export function compilePipeline(
  pipeline: readonly Document[],
  options: PipelineOptions,
): CompiledPipeline {
  const context = outerContext(options);
  const { variables } = context;
  checkStages(pipeline);
  if (isOwnSource(pipeline)) {
    return { query: undefined, stage: compileStages(pipeline, context), rest: pipeline };
  }
  const { query, rest } = splitPipeline(pipeline);
  compileFilter(query.filter, variables);
  query.filter = bindFilter(query.filter, variables);
  return { query, stage: rest.length > 0 ? compileStages(rest, context) : undefined, rest };
}

/** Compiles stages of a pipeline that compiles, to be run apart from the others. */
export function compileSome(
  stages: readonly Document[],
  options: PipelineOptions,
): { stage: Stage; context: StageContext } {
  const context = outerContext(options);
  return { stage: compileStages(stages, context), context };
}

function outerContext({ reader, control, let: given = {}, now = new Date() }: PipelineOptions) {
  const clock = new Variables(undefined, [nowVariable]);
  clock.set(nowVariable, now);
  return contextOf(letVariables(given, clock), reader, control, 1);
}

function contextOf(
  variables: Variables,
  reader: CollectionReader,
  control: Control,
  depth: number,
): StageContext {
  const inner = (next: Variables) => {
    if (depth < pipelineDepthMax) return contextOf(next, reader, control, depth + 1);
    throw new LioranError(
      "FAILED_TO_PARSE",
      `Pipelines are nested at most ${pipelineDepthMax} deep.`,
    );
  };
  return {
    variables,
    reader,
    control,
    compile(pipeline, next) {
      checkStages(pipeline);
      return compileStages(pipeline, inner(next));
    },
    open(collection, pipeline, next) {
      checkStages(pipeline);
      const context = inner(next);
      return collection === undefined
        ? openDocuments(pipeline, context)
        : openCollection(collection, pipeline, context);
    },
  };
}

function openDocuments(pipeline: readonly Document[], context: StageContext) {
  const [first, ...rest] = pipeline;
  const source = compileStages([first!], context);
  const run = compileStages(rest, context);
  return (filter?: Document) => {
    const made = source([]);
    return run(filter ? matching(made, compileFilter(filter)) : made);
  };
}

function openCollection(
  collection: string,
  pipeline: readonly Document[],
  context: StageContext,
): (filter?: Document) => Iterable<Document> {
  if (isOwnSource(pipeline)) {
    throw new LioranError("FAILED_TO_PARSE", "$documents cannot follow a collection.");
  }
  const { query, rest } = splitPipeline(pipeline);
  compileFilter(query.filter, context.variables);
  const run = compileStages(rest, context);
  return (filter = {}) => {
    const bound = bindFilter(query.filter, context.variables);
    const found = context.reader.find(collection, { ...query, filter: bothFilters(filter, bound) });
    return run(found);
  };
}

function checkStages(pipeline: readonly Document[]): void {
  if (pipeline.length > pipelineStagesMax) {
    throw new LioranError("FAILED_TO_PARSE", `A pipeline has at most ${pipelineStagesMax} stages.`);
  }
  pipeline.forEach((stage, at) => {
    const names = isPlainObject(stage) ? Object.keys(stage) : [];
    const [name] = names;
    if (name === undefined || names.length > 1) {
      throw new LioranError(
        "FAILED_TO_PARSE",
        "A pipeline stage specification object must contain exactly one field.",
      );
    }
    checkStage(name, at);
  });
}

function checkStage(name: string, at: number): void {
  if (name === "$out" || name === "$merge") {
    throw new LioranError(
      "FAILED_TO_PARSE",
      `${name} can only be the final stage of the outermost pipeline.`,
    );
  }
  if (unsupportedStages.has(name)) {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `The stage ${name} is not supported.`);
  }
  if (!Object.hasOwn(stages, name)) {
    throw new LioranError("UNKNOWN_STAGE", `Unrecognized pipeline stage name: '${name}'.`);
  }
  if (name === "$documents" && at > 0) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      "$documents is only valid as the first stage in a pipeline.",
    );
  }
}

function isOwnSource(pipeline: readonly Document[]): boolean {
  return pipeline[0] !== undefined && Object.hasOwn(pipeline[0], "$documents");
}

function compileStages(pipeline: readonly Document[], context: StageContext): Stage {
  const compiled = pipeline.map((stage, at) => {
    const [name] = Object.keys(stage);
    invariant(name !== undefined, "stages are checked before they are compiled");
    if (name === "$sort") return sort(stage.$sort, wantedAfter(pipeline, at));
    return stages[name]!(stage[name], context, name);
  });
  return (input) => compiled.reduce((documents, stage) => stage(documents), input);
}

/** How many documents a sort has to give, if only limits and skips follow. */
function wantedAfter(pipeline: readonly Document[], at: number): number | undefined {
  const { query } = splitPipeline(pipeline.slice(at + 1).map(withoutMatch));
  return query.limit === undefined ? undefined : query.limit + (query.skip ?? 0);
}

/** A filter behind the sort changes how many documents are needed. */
function withoutMatch(stage: Document): Document {
  return Object.hasOwn(stage, "$match") || Object.hasOwn(stage, "$sort") ? {} : stage;
}

function match(operand: unknown, { variables }: StageContext): Stage {
  if (!isPlainObject(operand)) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      "the match filter must be an expression in an object.",
    );
  }
  const matches = compileFilter(operand, variables);
  return (input) => matching(input, matches);
}

function* matching(
  input: Iterable<Document>,
  matches: (document: Document) => boolean,
): Generator<Document, void, void> {
  for (const document of input) if (matches(document)) yield document;
}
