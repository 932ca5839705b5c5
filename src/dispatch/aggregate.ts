/** `aggregate`, executed in one view of the data: the collection it begins with and all that it looks up. */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { documentBytesMax } from "../limits.js";
import { compilePipeline } from "../query/aggregate/pipeline.js";
import type { CollectionReader } from "../query/aggregate/stage.js";
import type { Control } from "../query/control.js";
import { executeQuery, nothingExamined, type Query } from "../query/execute.js";
import { type Examined, type View, viewOf } from "../query/walk.js";
import { findCollection } from "../storage/catalog.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import type { Document } from "../values/document.js";
import type { AggregateOperation } from "./operation.js";
import type { ResultRow } from "./reads.js";

/**
 * Results of an aggregation, one at a time.
 *
 * @param environment missing when there is no such database: all its collections are empty
 */
export function* aggregateRows(
  environment: Environment | undefined,
  operation: AggregateOperation,
  control: Control,
  snapshot?: Snapshot,
): Generator<ResultRow, void, void> {
  const { rows } = compileAggregation(environment, operation, control, snapshot);
  yield* rows();
}

/** An aggregation that can be run. */
export interface Aggregation {
  /** What the planner is asked; undefined when the pipeline does not begin with a collection. */
  readonly query: Query | undefined;
  rows(): Iterable<ResultRow>;
}

/** @param examined counts what is looked at, in all collections */
export function compileAggregation(
  environment: Environment | undefined,
  { pipeline, let: variables, collection, hint }: AggregateOperation,
  control: Control,
  snapshot?: Snapshot,
  examined: Examined = nothingExamined(),
): Aggregation {
  const reader = snapshotReader(environment, control, snapshot, examined);
  const { query, stage } = compilePipeline(pipeline, { reader, control, let: variables });
  if (query && hint !== undefined) query.hint = hint;
  if (query && collection === undefined) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      "An aggregation on a database must begin with $documents. Call aggregate() on a collection otherwise.",
    );
  }
  const rows = (): Iterable<ResultRow> => {
    if (stage) return computedRows(stage(query ? reader.find(collection!, query) : []));
    // What is stored goes out as it is.
    if (!environment) return [];
    return executeQuery(viewBy(environment, collection!, snapshot), query!, control, examined);
  };
  return { query, rows };
}

function* computedRows(documents: Iterable<Document>): Generator<ResultRow, void, void> {
  for (const document of documents) yield new ComputedRow(document);
}

function snapshotReader(
  environment: Environment | undefined,
  control: Control,
  snapshot: Snapshot | undefined,
  examined: Examined,
): CollectionReader {
  // A $lookup asks for the same collection again and again.
  const views = new Map<string, View>();
  return {
    find: (collection, query) => ({
      *[Symbol.iterator]() {
        if (!environment) return;
        const view = views.get(collection) ?? viewBy(environment, collection, snapshot);
        views.set(collection, view);
        for (const row of executeQuery(view, query, control, examined)) yield row.source;
      },
    }),
  };
}

function viewBy(environment: Environment, name: string, snapshot: Snapshot | undefined): View {
  return viewOf(environment, findCollection(environment, name, snapshot), snapshot);
}

/** A result that an aggregation has made. */
export class ComputedRow implements ResultRow {
  readonly document: Document;

  constructor(document: Document) {
    this.document = document;
  }

  get bytes(): Uint8Array {
    return checkedResult(encode(this.document));
  }
}

/** @throws DOCUMENT_TOO_LARGE */
export function checkedResult(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= documentBytesMax) return bytes;
  throw new LioranError(
    "DOCUMENT_TOO_LARGE",
    `A result of the aggregation has ${bytes.length} bytes encoded; at most ${documentBytesMax} are allowed. ` +
      "Return several documents, for example with $unwind.",
  );
}
