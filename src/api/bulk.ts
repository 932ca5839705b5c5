/** `bulkWrite`: many operations in one call, in one commit where they fit into one operation. */
import { encodeTransient } from "../cbor/codec.js";
import type { BulkModel, BulkResultData, SortSpec } from "../dispatch/operation.js";
import { failureDetails, LioranError, type WriteError } from "../errors.js";
import { bulkModelsMax, insertChunkBytesMax } from "../limits.js";
import type { Execute } from "../runtime/runtime.js";
import { isPlainObject } from "../values/document.js";
import { toStorable } from "../values/validate.js";
import {
  checkFilterObject,
  checkHint,
  checkObject,
  checkSort,
  checkUpdate,
  checkWriteFilter,
} from "./arguments.js";
import { encodeForInsert, type InsertTarget } from "./inserts.js";
import { defined } from "./query-cursor.js";
import { validateInsert, validateReplacement } from "./schema.js";
import type { BulkWriteResult, Document, Sort, StandardSchema } from "./types.js";

/** A model as it is sent, and the `_id` it inserts. */
interface Prepared {
  model: BulkModel;
  id?: unknown;
}

type Fields = Record<string, unknown>;

/** How each operation's argument becomes a model; also the list of operations there are. */
const preparers: Record<string, (fields: Fields, what: string) => Prepared> = {
  insertOne: (fields, what) => {
    const { id, bytes } = encodeForInsert(fields.document, `${what}.document`);
    return { model: { op: "insert", document: bytes }, id };
  },
  updateOne: (fields, what) => ({ model: updateModel(fields, what, false) }),
  updateMany: (fields, what) => ({ model: updateModel(fields, what, true) }),
  replaceOne: (fields, what) => ({
    model: defined({
      op: "update",
      filter: checkWriteFilter(what, fields.filter),
      update: checkReplacement(what, fields.replacement),
      replacement: true,
      multi: false,
      sort: checkModelSort(what, fields.sort),
      upsert: checkUpsert(what, fields.upsert),
      hint: checkHint(what, fields.hint),
    }),
  }),
  deleteOne: (fields, what) => ({ model: deleteModel(fields, what, false) }),
  deleteMany: (fields, what) => ({ model: deleteModel(fields, what, true) }),
};

const fieldsOf: Record<string, readonly string[]> = {
  insertOne: ["document"],
  updateOne: ["filter", "update", "upsert", "arrayFilters", "hint", "sort"],
  updateMany: ["filter", "update", "upsert", "arrayFilters", "hint"],
  replaceOne: ["filter", "replacement", "upsert", "hint", "sort"],
  deleteOne: ["filter", "hint"],
  deleteMany: ["filter", "hint"],
};

/** Prepares the operations of a bulk write. @throws naming the operation by its position */
export function prepareModels(operations: unknown): Prepared[] {
  return checkModels(operations).map(([name, fields], at) =>
    preparers[name](fields, `bulkWrite: operations.${at}.${name}`),
  );
}

/** Prepares one operation. @param what names it in errors @throws as {@link prepareModels} */
export function prepareModel(operation: unknown, what: string): BulkModel {
  const [name, fields] = checkModel(operation, what);
  return preparers[name](fields, `${what}.${name}`).model;
}

/**
 * The operations with what a schema makes of the documents in them.
 *
 * @throws as {@link prepareModels}; DOCUMENT_VALIDATION_FAILED for the first document it refuses
 */
export async function validModels(schema: StandardSchema, operations: unknown): Promise<Fields[]> {
  const valid: Fields[] = [];
  for (const [at, [name, fields]] of checkModels(operations).entries()) {
    const what = `bulkWrite: operations.${at}.${name}`;
    valid.push({ [name]: await validFields(schema, name, fields, what) });
  }
  return valid;
}

/** Runs prepared operations. @throws the first failure, with `result` and `writeErrors` */
export async function runModels(
  execute: Execute,
  target: InsertTarget,
  prepared: readonly Prepared[],
  signal: AbortSignal | undefined,
): Promise<BulkWriteResult> {
  const result: BulkWriteResult = {
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    insertedIds: {},
    upsertedIds: {},
  };
  const writeErrors: WriteError[] = [];
  const { ordered } = target;
  let first: LioranError | undefined;
  let from = 0;
  while (from < prepared.length && !(first && ordered)) {
    const to = chunkEnd(prepared, from);
    const models = prepared.slice(from, to).map(({ model }) => model);
    try {
      const done = await execute<"bulk">({ kind: "bulk", ...target, models }, signal);
      addResult(result, done, prepared, from);
    } catch (error) {
      if (!(error instanceof LioranError)) throw error;
      // A failure of the way, not of an operation: it still says what had been done before.
      if (!error.writeErrors) throw from > 0 ? error.with({ result: { ...result } }) : error;
      first ??= error;
      addResult(result, error.result as unknown as BulkResultData, prepared, from);
      for (const failed of error.writeErrors) {
        writeErrors.push({ ...failed, index: from + failed.index });
      }
    }
    from = to;
  }
  if (!first) return result;
  throw first.with({ ...failureDetails(first), result: { ...result }, writeErrors });
}

function checkModels(operations: unknown): [name: string, fields: Fields][] {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw new LioranError("BAD_VALUE", "bulkWrite: operations must be an array that is not empty.");
  }
  return Array.from(operations, (operation: unknown, at) =>
    checkModel(operation, `bulkWrite: operations.${at}`),
  );
}

/** The name of an operation, and its fields. */
function checkModel(operation: unknown, what: string): [name: string, fields: Fields] {
  const names = isPlainObject(operation) ? Object.keys(operation) : [];
  const [name] = names;
  if (names.length !== 1 || !Object.hasOwn(preparers, name)) {
    throw new LioranError(
      "BAD_VALUE",
      `${what} must be an object with exactly one of ${Object.keys(preparers).join(", ")}.`,
    );
  }
  const fields = (operation as Fields)[name];
  if (!isPlainObject(fields)) {
    throw new LioranError("BAD_VALUE", `${what}.${name} must be an object.`);
  }
  for (const field of Object.keys(fields)) {
    if (fieldsOf[name].includes(field) || fields[field] === undefined) continue;
    throw new LioranError("INVALID_OPTION", `${what}.${name}: "${field}" is not supported.`);
  }
  return [name, fields];
}

async function validFields(
  schema: StandardSchema,
  name: string,
  fields: Fields,
  what: string,
): Promise<Fields> {
  if (name === "insertOne") {
    const document = await validateInsert(schema, fields.document, `${what}.document`);
    return { ...fields, document };
  }
  if (name !== "replaceOne") return fields;
  const at = `${what}: replacement`;
  return { ...fields, replacement: await validateReplacement(schema, fields.replacement, at) };
}

function updateModel(fields: Fields, what: string, multi: boolean): BulkModel {
  return defined({
    op: "update",
    filter: checkWriteFilter(what, fields.filter),
    update: checkUpdate(what, fields.update),
    replacement: false,
    multi,
    sort: checkModelSort(what, fields.sort),
    upsert: checkUpsert(what, fields.upsert),
    arrayFilters: checkArrayFilters(what, fields.arrayFilters),
    hint: checkHint(what, fields.hint),
  });
}

function deleteModel(fields: Fields, what: string, multi: boolean): BulkModel {
  const filter = checkWriteFilter(what, fields.filter);
  return defined({ op: "delete", filter, multi, hint: checkHint(what, fields.hint) });
}

function checkModelSort(what: string, sort: unknown): SortSpec | undefined {
  return sort === undefined ? undefined : checkSort(what, sort as Sort);
}

function checkUpsert(what: string, upsert: unknown): boolean {
  if (upsert === undefined || typeof upsert === "boolean") return upsert ?? false;
  throw new LioranError("INVALID_OPTION", `${what}: "upsert" must be true or false.`);
}

/** @throws BAD_VALUE */
export function checkArrayFilters(what: string, filters: unknown): Document[] | undefined {
  if (filters === undefined) return undefined;
  if (!Array.isArray(filters)) {
    throw new LioranError("BAD_VALUE", `${what}: arrayFilters must be an array of objects.`);
  }
  return filters.map((filter: unknown, at) =>
    checkFilterObject(`${what}: arrayFilters.${at}`, filter),
  );
}

/** @throws DOLLAR_PREFIXED_FIELD, BAD_VALUE */
export function checkReplacement(what: string, replacement: unknown): Document {
  const document = checkObject(`${what}: replacement`, replacement);
  return toStorable(document, { what: `${what}: replacement`, replacement: true });
}

function addResult(
  result: BulkWriteResult,
  done: BulkResultData,
  prepared: readonly Prepared[],
  offset: number,
): void {
  result.insertedCount += done.inserted;
  result.matchedCount += done.matched;
  result.modifiedCount += done.modified;
  result.deletedCount += done.deleted;
  result.upsertedCount += done.upserted.length;
  for (const at of done.insertedAt) result.insertedIds[offset + at] = prepared[offset + at].id;
  for (const [at, id] of done.upserted) result.upsertedIds[offset + at] = id;
}

function chunkEnd(prepared: readonly Prepared[], from: number): number {
  let bytes = 0;
  let to = from;
  while (to < prepared.length && to - from < bulkModelsMax) {
    const { model } = prepared[to];
    bytes += model.op === "insert" ? model.document.length : encodeTransient(model).length;
    if (to > from && bytes > insertChunkBytesMax) break;
    to += 1;
  }
  return to;
}
