/**
 * Writes the results of an aggregation that ends with `$out` or `$merge`: read as a cursor, written
 * through the owner batch by batch, so that memory holds one batch.
 */
import type { IndexSpec } from "../dispatch/index-spec.js";
import type { AggregateOperation, BulkModel, Durability } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { outputBatchDocuments } from "../limits.js";
import { outputPrefix } from "../names.js";
import { bindExpression } from "../query/aggregate/bind.js";
import {
  type MergeStage,
  type OutStage,
  splitOutput,
  type Target,
} from "../query/aggregate/output.js";
import { compileExpression } from "../query/expression.js";
import { Variables } from "../query/variables.js";
import type { Execute } from "../runtime/runtime.js";
import type { CollectionEntry, IndexEntry } from "../storage/catalog.js";
import type { Document } from "../values/document.js";
import { newId } from "../values/new-id.js";
import { documentsOf } from "./cursor.js";
import { InsertChunks, insertChunks } from "./insert-chunks.js";
import { encodeForInsert } from "./inserts.js";
import { defined } from "./query-cursor.js";

/** How the writes are carried out. */
export interface Writing {
  readonly execute: Execute;
  readonly durability: Durability;
  readonly signal: AbortSignal | undefined;
}

/** A pipeline, and what writes its results when it ends with `$out` or `$merge`. */
export interface SplitPipeline {
  readonly pipeline: readonly Document[];
  readonly write?: (writing: Writing, operation: AggregateOperation) => Promise<void>;
}

/**
 * Takes `$out` or `$merge` off the end of a pipeline.
 *
 * @param db the database that the pipeline reads
 * @throws LioranError FAILED_TO_PARSE, INVALID_NAMESPACE
 */
export function splitPipeline(all: readonly Document[], db: string): SplitPipeline {
  const { pipeline, output } = splitOutput(all, db);
  if (!output) return { pipeline };
  return {
    pipeline,
    write: (writing, operation) =>
      output.kind === "out"
        ? replaceCollection(writing, operation, output)
        : mergeInto(writing, operation, output),
  };
}

/** Readers see the old collection or the new one, never a part: it is filled under another name. */
async function replaceCollection(
  writing: Writing,
  operation: AggregateOperation,
  { target }: OutStage,
): Promise<void> {
  const { execute, durability, signal } = writing;
  const temporary = { db: target.db, collection: outputPrefix + newId(), durability };
  const before = await entryOf(execute, target);
  const options = before?.options ?? {};
  try {
    await execute<"createCollection">({ kind: "createCollection", ...temporary, options }, signal);
    // The indexes of what is replaced stay. They are kept up to date from the first document on.
    const indexes = before?.indexes.map(specOf) ?? [];
    if (indexes.length > 0) {
      await execute<"createIndexes">({ kind: "createIndexes", ...temporary, indexes }, signal);
    }
    for await (const documents of batchesOf(writing, operation)) {
      await insertAll(writing, temporary, documents);
    }
    await execute<"renameCollection">(
      {
        kind: "renameCollection",
        ...temporary,
        to: target.collection,
        dropTarget: true,
        // An index that was created meanwhile must not be lost.
        onlyAlike: true,
      },
      signal,
    );
  } catch (error) {
    // Also what was aborted may have taken effect. What went wrong first is what matters.
    await execute<"dropCollection">({ kind: "dropCollection", ...temporary }).catch(() => {});
    throw error;
  }
}

async function insertAll(writing: Writing, target: Target, documents: Document[]): Promise<void> {
  const { execute, durability, signal } = writing;
  const chunks = new InsertChunks();
  for (const document of documents) chunks.add(document, "A result of $out");
  const outcome = await insertChunks(
    execute,
    // Whoever drops the database meanwhile must not be left with a part of the results.
    { ...target, durability, ordered: true, mustExist: true },
    chunks,
    signal,
  );
  if (outcome.first) throw outcome.first;
}

async function mergeInto(
  writing: Writing,
  operation: AggregateOperation,
  stage: MergeStage,
): Promise<void> {
  if (!(await hasUniqueIndex(writing.execute, stage.target, stage.on))) {
    throw new LioranError(
      "NO_UNIQUE_INDEX",
      `Cannot find an index to verify that the fields of $merge's 'on' (${stage.on.join(", ")}) are unique.`,
    );
  }
  for await (const documents of batchesOf(writing, operation)) {
    if (documents.length > 0) await mergeBatch(writing, stage, documents);
  }
}

/** Whether no two documents of a collection can have the same values in these fields. */
async function hasUniqueIndex(
  execute: Execute,
  target: Target,
  on: readonly string[],
): Promise<boolean> {
  if (on.length === 1 && on[0] === "_id") return true;
  const entry = await entryOf(execute, target);
  const wanted = on.toSorted().join();
  return (entry?.indexes ?? []).some((index) => {
    if (!index.unique || index.partialFilter || index.state !== "ready") return false;
    const paths = index.key.map(([path]) => path);
    return paths.toSorted().join() === wanted;
  });
}

/** What the catalog has of a collection, if it exists. */
async function entryOf(execute: Execute, target: Target): Promise<CollectionEntry | undefined> {
  const entries = await execute<"listCollections">({ kind: "listCollections", db: target.db });
  return entries.find(({ name }) => name === target.collection);
}

/** The specification that makes the same index. */
function specOf(index: IndexEntry): IndexSpec {
  const { name, key, unique, sparse, partialFilter, expireAfterSeconds } = index;
  return defined({
    name,
    key: key.map(([path, direction]): [string, 1 | -1] => [path, direction]),
    unique,
    sparse,
    partialFilter,
    expireAfterSeconds,
  });
}

async function mergeBatch(writing: Writing, stage: MergeStage, given: Document[]): Promise<void> {
  const { whenMatched, whenNotMatched } = stage;
  const documents = given.map((document) =>
    Object.hasOwn(document, "_id") || !stage.on.includes("_id")
      ? document
      : { _id: newId(), ...document },
  );
  if (whenMatched === "fail" || whenMatched === "keepExisting") {
    await insertNew(writing, stage, documents);
    return;
  }
  const isUpsert = whenNotMatched === "insert" && typeof whenMatched === "string";
  const models = documents.map((document) => updateModel(stage, document, isUpsert));
  const { matched } = await runBulk(writing, stage.target, models);
  if (whenNotMatched === "fail" && matched < documents.length) {
    throw new LioranError(
      "NO_MATCHING_DOCUMENT",
      "$merge could not find a matching document in the target collection for at least one document.",
    );
  }
  // A pipeline changes what exists; what does not is inserted as it is.
  if (whenNotMatched === "insert" && !isUpsert) await insertNew(writing, stage, documents);
}

/** Unless `whenMatched` is "fail", documents that exist are left alone. */
async function insertNew(writing: Writing, stage: MergeStage, documents: Document[]) {
  const models = documents.map((document): BulkModel => {
    const { bytes } = encodeForInsert(document, "A result of $merge");
    return { op: "insert", document: bytes };
  });
  const isOrdered = stage.whenMatched === "fail";
  try {
    await runBulk(writing, stage.target, models, isOrdered);
  } catch (error) {
    if (isOrdered || !(error instanceof LioranError) || !error.writeErrors) throw error;
    const other = error.writeErrors.find((failed) => {
      const fields = Object.keys(failed.keyPattern ?? {});
      return failed.code !== 11000 || fields.join() !== stage.on.join();
    });
    if (other) throw error;
  }
}

function runBulk(writing: Writing, target: Target, models: BulkModel[], ordered = true) {
  const { execute, durability, signal } = writing;
  return execute<"bulk">({ kind: "bulk", ...target, durability, models, ordered }, signal);
}

function updateModel(stage: MergeStage, document: Document, upsert: boolean): BulkModel {
  const statement = { filter: filterOf(stage, document), multi: false, upsert } as const;
  const { whenMatched } = stage;
  if (whenMatched === "replace") {
    return { op: "update", ...statement, update: document, replacement: true };
  }
  // Not $set, which would take "a.b" for a path.
  const merged = [{ $replaceWith: { $mergeObjects: ["$$ROOT", { $literal: document }] } }];
  const update = typeof whenMatched === "string" ? merged : boundPipeline(stage, document);
  return { op: "update", ...statement, update, replacement: false };
}

function filterOf({ on }: MergeStage, document: Document): Document {
  return Object.fromEntries(
    on.map((field) => {
      const value = compileExpression(`$${field}`)(document);
      const isMissing = value === undefined || value === null || Array.isArray(value);
      if (!isMissing || (field === "_id" && value === null)) return [field, { $eq: value }];
      throw new LioranError(
        "BAD_VALUE",
        `$merge write error: the 'on' field '${field}' cannot be missing, null or an array.`,
      );
    }),
  );
}

/** The owner knows no variables of ours: their values go into the pipeline. */
function boundPipeline(stage: MergeStage, document: Document): Document[] {
  const names = Object.keys(stage.let);
  const variables = new Variables(undefined, names);
  for (const name of names) variables.set(name, compileExpression(stage.let[name])(document));
  return (stage.whenMatched as readonly Document[]).map(
    (one) => bindExpression(one, variables) as Document,
  );
}

async function* batchesOf(
  { execute, signal }: Writing,
  operation: AggregateOperation,
): AsyncGenerator<Document[], void, void> {
  const batchSize = outputBatchDocuments;
  let result = await execute<"aggregate">({ ...operation, batchSize }, signal);
  try {
    for (;;) {
      yield documentsOf(result);
      if (result.cursor === 0) return;
      const more = { kind: "getMore", cursor: result.cursor, batchSize } as const;
      result = await execute<"getMore">(more, signal);
    }
  } finally {
    if (result.cursor !== 0) {
      const cursors = [result.cursor];
      await execute<"killCursors">({ kind: "killCursors", cursors }).catch(() => {});
    }
  }
}
