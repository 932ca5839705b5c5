/** `aggregate`, executed in one view of the data: the collection it begins with and all that it looks up. */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import { documentBytesMax } from "../limits.js";
import { compilePipeline } from "../query/aggregate/pipeline.js";
import type { CollectionReader } from "../query/aggregate/stage.js";
import type { Control } from "../query/control.js";
import { executeQuery } from "../query/execute.js";
import { type View, viewOf } from "../query/walk.js";
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
  const reader = snapshotReader(environment, control, snapshot);
  const { query, stage } = compilePipeline(operation.pipeline, {
    reader,
    control,
    let: operation.let,
  });
  const { collection, hint } = operation;
  if (query && hint !== undefined) query.hint = hint;
  if (query && collection === undefined) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      "An aggregation on a database must begin with $documents. Call aggregate() on a collection otherwise.",
    );
  }
  if (query && !stage) {
    // What is stored goes out as it is.
    if (environment) {
      yield* executeQuery(viewBy(environment, collection!, snapshot), query, control);
    }
    return;
  }
  const source = query ? reader.find(collection!, query) : [];
  for (const document of stage!(source)) yield new ComputedRow(document);
}

function snapshotReader(
  environment: Environment | undefined,
  control: Control,
  snapshot: Snapshot | undefined,
): CollectionReader {
  // A $lookup asks for the same collection again and again.
  const views = new Map<string, View>();
  return {
    find: (collection, query) => ({
      *[Symbol.iterator]() {
        if (!environment) return;
        const view = views.get(collection) ?? viewBy(environment, collection, snapshot);
        views.set(collection, view);
        for (const row of executeQuery(view, query, control)) yield row.source;
      },
    }),
  };
}

function viewBy(environment: Environment, name: string, snapshot: Snapshot | undefined): View {
  return viewOf(environment, findCollection(environment, name, snapshot), snapshot);
}

class ComputedRow implements ResultRow {
  readonly document: Document;

  constructor(document: Document) {
    this.document = document;
  }

  get bytes(): Uint8Array {
    const bytes = encode(this.document);
    if (bytes.length <= documentBytesMax) return bytes;
    throw new LioranError(
      "DOCUMENT_TOO_LARGE",
      `A result of the aggregation has ${bytes.length} bytes encoded; at most ${documentBytesMax} are allowed. ` +
        "Return several documents, for example with $unwind.",
    );
  }
}
