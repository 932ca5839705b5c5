/**
 * Updates, compiled once and applied to each document that matched: operators, or an aggregation
 * pipeline (https://www.mongodb.com/docs/manual/reference/operator/update/). The input is never
 * changed; the result shares with it what was not touched.
 */
import { LioranError } from "../errors.js";
import { equalValues } from "../values/compare.js";
import { type Document, isPlainObject } from "../values/document.js";
import { compileFilter } from "./filter.js";
import { identicalValues } from "./identical.js";
import { withTimeLimit } from "./loop-control.js";
import { hasLoop } from "./loops.js";
import { MatchDetails } from "./traverse.js";
import { compileArrayFilters } from "./update/array-filters.js";
import { type ByteUpdate, compileByteUpdate } from "./update/byte-update.js";
import { compilePipeline } from "./update/pipeline.js";
import { compileTree } from "./update/tree.js";

export interface UpdateOptions {
  /** What `$[name]` stands for. */
  arrayFilters?: Document[];
  /** The filter of the update, which the positional `$` refers to. */
  filter?: Document;
}

/** What applying an update gave. */
export interface UpdateResult {
  readonly document: Document;
  /** Whether anything changed, be it only a type or the order of fields. */
  readonly modified: boolean;
}

export interface CompiledUpdate {
  /**
   * @param now the time for `$currentDate` and `$$NOW`; default the clock
   * @throws LioranError for what cannot be done to this document: TYPE_MISMATCH, PATH_NOT_VIABLE,
   *   IMMUTABLE_FIELD, CONFLICTING_UPDATE, CANNOT_BACKFILL_ARRAY, BAD_VALUE
   */
  apply(document: Document, now?: Date): UpdateResult;
  /** The same on encoded documents, for updates that can be made there. */
  readonly onBytes?: ByteUpdate;
  /** Applies the update, `$setOnInsert` included, to the beginning of an upserted document. */
  applyOnInsert(seed: Document, now?: Date): Document;
}

/** Clients do the same again and again: what they send as the same bytes arrives as one object (`protocol/request-reader.ts`). */
let compiledLast: { readonly update: Document; readonly compiled: CompiledUpdate } | undefined;

/**
 * Compiles an update. The caller does not change it afterwards.
 *
 * @throws LioranError FAILED_TO_PARSE for unknown operators; BAD_VALUE for none or bad operands;
 *   CONFLICTING_UPDATE for two operations on one path; DOLLAR_PREFIXED_FIELD; EMPTY_FIELD_NAME
 */
export function compileUpdate(
  update: Document | Document[],
  options: UpdateOptions = {},
): CompiledUpdate {
  if (Array.isArray(update)) {
    if (options.arrayFilters?.length) {
      throw new LioranError("FAILED_TO_PARSE", "arrayFilters cannot go with an update pipeline.");
    }
    const run = withTimeLimit(hasLoop(update), compilePipeline(update));
    return {
      apply: (document, now = new Date()) => outcome(document, run(document, now)),
      applyOnInsert: (seed, now = new Date()) => keepId(seed, run(seed, now)),
    };
  }
  if (!isPlainObject(update)) {
    throw new LioranError("BAD_VALUE", "An update must be an object of operators or a pipeline.");
  }
  if (update === compiledLast?.update && !options.arrayFilters?.length)
    return compiledLast.compiled;
  const arrayFilters = compileArrayFilters(options.arrayFilters);
  const tree = compileTree(update, arrayFilters);
  const matches = tree.isPositional && options.filter ? compileFilter(options.filter) : undefined;
  const compiled: CompiledUpdate = {
    onBytes: compileByteUpdate(update),
    apply(document, now = new Date()) {
      const details = new MatchDetails();
      matches?.(document, details);
      const changed = tree.apply(document, { document, details, now, insert: false });
      if (Object.hasOwn(document, "_id") && !Object.hasOwn(changed, "_id")) throw immutableId();
      return outcome(document, changed);
    },
    applyOnInsert(seed, now = new Date()) {
      const details = new MatchDetails();
      return keepId(seed, tree.apply(seed, { document: seed, details, now, insert: true }));
    },
  };
  // What can be done on bytes is small, and has no array filters.
  if (compiled.onBytes) compiledLast = { update, compiled };
  return compiled;
}

/**
 * Replaces a document. `_id` stays and comes first.
 *
 * @throws LioranError IMMUTABLE_FIELD when the replacement has another `_id`;
 *   DOLLAR_PREFIXED_FIELD for a top-level name that begins with `$`
 */
export function replaceDocument(document: Document, replacement: Document): UpdateResult {
  for (const name of Object.keys(replacement)) {
    if (!name.startsWith("$")) continue;
    throw new LioranError(
      "DOLLAR_PREFIXED_FIELD",
      `The dollar ($) prefixed field "${name}" is not allowed in a replacement. ` +
        "Use updateOne() for operators.",
    );
  }
  return outcome(document, replacement);
}

function outcome(before: Document, after: Document): UpdateResult {
  if (after === before) return { document: before, modified: false };
  const document = keepId(before, after);
  return { document, modified: !identicalValues(before, document) };
}

/** Gives the result the `_id` it had before, in front. */
function keepId(before: Document, after: Document): Document {
  if (!Object.hasOwn(before, "_id")) {
    return Object.hasOwn(after, "_id") ? withIdFirst(after, after._id) : after;
  }
  if (Object.hasOwn(after, "_id") && !equalValues(before._id, after._id)) {
    throw immutableId();
  }
  return withIdFirst(after, before._id);
}

function withIdFirst(document: Document, id: unknown): Document {
  if (document._id === id && Object.keys(document)[0] === "_id") return document;
  const { _id, ...rest } = document;
  return { _id: id, ...rest };
}

function immutableId(): LioranError {
  return new LioranError(
    "IMMUTABLE_FIELD",
    "Performing an update on the path '_id' would modify the immutable field '_id'. " +
      "Insert a new document and delete the old one instead.",
  );
}
