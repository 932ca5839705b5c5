/**
 * Checks operations that come from another thread or process: the frame was well-formed, but its
 * content may be anything. What passes is safe to execute; what does not is refused with the field
 * and the reason, and nothing has happened.
 */
import { LioranError } from "../errors.js";
import {
  batchDocumentsMax,
  bulkModelsMax,
  indexesPerCollectionMax,
  insertChunkDocumentsMax,
  jobIdLengthMax,
  jobWritesMax,
  sortPathsMax,
} from "../limits.js";
import { checkCollectionName, checkDatabaseName, checkOperatedCollectionName } from "../names.js";
import { type Document, isPlainObject } from "../values/document.js";
import { type Operation, type OperationKind, operationClass } from "./operation.js";

type Fields = Record<string, unknown>;
type Check = (value: unknown) => string | undefined;
type Shape = Record<string, Check>;

const text: Check = (value) => (typeof value === "string" ? undefined : "must be a string");
const flag: Check = (value) => (typeof value === "boolean" ? undefined : "must be true or false");
const bytes: Check = (value) => (value instanceof Uint8Array ? undefined : "must be bytes");
const object: Check = (value) => (isPlainObject(value) ? undefined : "must be an object");
const natural: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? undefined
    : "must be an integer from 0 to 2^53-1";
const durability = oneOf("flushed", "committed");
const update: Check = (value) =>
  isPlainObject(value) || (Array.isArray(value) && value.every(isPlainObject))
    ? undefined
    : "must be an object or an array of objects";
const objects: Check = (value) =>
  Array.isArray(value) && value.every(isPlainObject) ? undefined : "must be an array of objects";
const sort: Check = (value) =>
  Array.isArray(value) && value.length <= sortPathsMax && value.every(isSortKey)
    ? undefined
    : `must be up to ${sortPathsMax} pairs of a path and 1 or -1`;

const hint: Check = (value) =>
  typeof value === "string" || isPlainObject(value) ? undefined : "must be a name or an object";

const onCollection: Shape = { db: databaseName, collection: operatedCollectionName };
const read: Shape = { ...onCollection, maxTimeMs: optional(natural), hint: optional(hint) };
const write: Shape = { ...onCollection, durability };
const searching: Shape = { ...write, maxTimeMs: optional(natural) };
const validated: Shape = { ...write, bypassValidation: optional(flag) };
const updateStatement: Shape = {
  filter: object,
  update,
  replacement: flag,
  multi: flag,
  sort: optional(sort),
  upsert: flag,
  arrayFilters: optional(objects),
  hint: optional(hint),
};
const deleteStatement: Shape = { filter: object, multi: flag, hint: optional(hint) };

const validationShape: Shape = {
  validator: optional(object),
  validationLevel: optional(oneOf("strict", "moderate", "off")),
  validationAction: optional(oneOf("error", "warn")),
};

const bulkShapes: Record<string, Shape> = {
  insert: { document: bytes },
  update: updateStatement,
  delete: deleteStatement,
};

const shapes: Record<OperationKind, Shape> = {
  find: {
    ...read,
    filter: object,
    idRange: optional(object),
    sort: optional(sort),
    projection: optional(object),
    skip: optional(natural),
    limit: optional(natural),
    batchSize: optional(atMost(batchDocumentsMax)),
  },
  aggregate: {
    db: databaseName,
    collection: optional(collectionName),
    maxTimeMs: optional(natural),
    pipeline: objects,
    let: optional(object),
    hint: optional(hint),
    batchSize: optional(atMost(batchDocumentsMax)),
  },
  count: { ...read, filter: object, skip: optional(natural), limit: optional(natural) },
  distinct: { ...read, key: text, filter: object },
  search: { ...read, filter: object, sort: optional(sort), limit: natural },
  explain: {
    db: databaseName,
    verbosity: oneOf("queryPlanner", "executionStats"),
    explained: explainable,
    maxTimeMs: optional(natural),
  },
  estimatedCount: onCollection,
  listCollections: { db: databaseName },
  listDatabases: {},
  databaseStatistics: { db: databaseName },
  getMore: { cursor: natural, batchSize: optional(atMost(batchDocumentsMax)) },
  killCursors: { cursors: arrayOf(natural, 1_000) },
  insert: {
    ...validated,
    count: atMost(insertChunkDocumentsMax),
    documents: bytes,
    ordered: flag,
    mustExist: optional(flag),
  },
  update: { ...validated, ...searching, ...updateStatement },
  delete: { ...searching, ...deleteStatement },
  findAndModify: {
    ...validated,
    ...searching,
    action: oneOf("update", "replace", "remove"),
    filter: object,
    sort: optional(sort),
    projection: optional(object),
    update: optional(update),
    upsert: flag,
    returnNew: flag,
    arrayFilters: optional(objects),
    hint: optional(hint),
  },
  bulk: { ...validated, models: arrayOf(bulkModel, bulkModelsMax), ordered: flag },
  jobCommit: {
    db: databaseName,
    durability,
    job: (value) =>
      text(value) ??
      ((value as string).length <= jobIdLengthMax
        ? undefined
        : `must have up to ${jobIdLengthMax} characters`),
    run: natural,
    record: bytes,
    writes: arrayOf(jobWrite, jobWritesMax),
  },
  createCollection: { ...write, options: validationOptions },
  modifyCollection: { ...write, options: validationOptions },
  dropCollection: write,
  renameCollection: {
    ...write,
    to: collectionName,
    dropTarget: flag,
    onlyAlike: optional(flag),
  },
  createIndexes: { ...write, indexes: arrayOf(indexSpec, indexesPerCollectionMax + 1) },
  dropIndexes: {
    ...write,
    index: (value) => (typeof value === "string" ? undefined : sort(value)),
  },
  dropDatabase: { db: databaseName, durability },
  ping: {},
  hostStatus: {},
};

/**
 * The operation in a decoded request.
 *
 * @throws PROTOCOL or INVALID_NAMESPACE, naming the field and the reason
 */
export function checkOperation(value: unknown): Operation {
  if (!isPlainObject(value)) throw invalid("operation", "must be an object");
  const { kind } = value;
  if (typeof kind !== "string" || !Object.hasOwn(operationClass, kind)) {
    throw invalid("operation.kind", "is not one that this release knows");
  }
  checkShape(value, shapes[kind as OperationKind], kind);
  return value as unknown as Operation;
}

/** Whether `value` may take the place of that of a member in an operation that has passed. */
export function checkMember({ kind }: Operation, name: string, value: unknown): boolean {
  if (name === "kind") return false;
  const shape = shapes[kind];
  if (!Object.hasOwn(shape, name)) return true;
  try {
    return shape[name](value) === undefined;
  } catch {
    // The check of the whole says why.
    return false;
  }
}

function checkShape(value: Document, shape: Shape, path: string): void {
  for (const name of Object.keys(shape)) {
    const why = shape[name](value[name]);
    if (why) throw invalid(`${path}.${name}`, why);
  }
}

const explainableKinds: readonly string[] = ["find", "count", "distinct", "aggregate"];

function explainable(value: unknown): string | undefined {
  if (!isPlainObject(value) || !explainableKinds.includes(value.kind as string)) {
    return `must be one of the operations ${explainableKinds.join(", ")}`;
  }
  checkShape(value, shapes[value.kind as OperationKind], "explain.explained");
  return undefined;
}

function validationOptions(value: unknown): string | undefined {
  if (!isPlainObject(value)) return "must be an object";
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(validationShape, name))
      return "has an option that this release does not know";
    const why = validationShape[name](value[name]);
    if (why) return `has a ${name} that ${why}`;
  }
  return undefined;
}

function bulkModel(value: unknown): string | undefined {
  const fields = value as Fields;
  if (!isPlainObject(value)) return "must hold objects";
  const { op } = fields;
  const shape = typeof op === "string" && Object.hasOwn(bulkShapes, op) && bulkShapes[op];
  if (!shape) return 'must hold models with op "insert", "update" or "delete"';
  for (const name of Object.keys(shape)) {
    const why = shape[name](fields[name]);
    if (why) return `has a model whose ${name} ${why}`;
  }
  return undefined;
}

const jobModels = arrayOf(bulkModel, bulkModelsMax);

function jobWrite(value: unknown): string | undefined {
  if (!isPlainObject(value)) return "must hold objects";
  collectionName(value.collection);
  const why = optional(flag)(value.bypassValidation);
  if (why) return `has a bypassValidation that ${why}`;
  const models = jobModels(value.models);
  return models && `has models of which the list ${models}`;
}

const indexSpecShape: Shape = {
  name: text,
  key: sort,
  unique: flag,
  sparse: flag,
  partialFilter: optional(object),
  expireAfterSeconds: optional((value) =>
    typeof value === "number" ? undefined : "must be a number",
  ),
};

function indexSpec(value: unknown): string | undefined {
  if (!isPlainObject(value)) return "must hold objects";
  for (const name of Object.keys(indexSpecShape)) {
    const why = indexSpecShape[name](value[name]);
    if (why) return `has an index whose ${name} ${why}`;
  }
  return undefined;
}

function databaseName(value: unknown): undefined {
  checkDatabaseName(value);
}

function collectionName(value: unknown): undefined {
  checkCollectionName(value);
}

function operatedCollectionName(value: unknown): undefined {
  checkOperatedCollectionName(value);
}

function isSortKey(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    (value[1] === 1 || value[1] === -1)
  );
}

function optional(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value));
}

function oneOf(...allowed: string[]): Check {
  return (value) =>
    allowed.includes(value as string) ? undefined : `must be one of ${allowed.join(", ")}`;
}

function atMost(limit: number): Check {
  return (value) =>
    natural(value) ?? ((value as number) <= limit ? undefined : `must be at most ${limit}`);
}

function arrayOf(check: Check, limit: number): Check {
  return (value) => {
    if (!Array.isArray(value)) return "must be an array";
    if (value.length > limit) return `must have at most ${limit} elements`;
    for (const element of value) {
      const why = check(element);
      if (why) return why;
    }
    return undefined;
  };
}

function invalid(path: string, why: string): LioranError {
  return new LioranError("PROTOCOL", `Refused an operation from a peer: ${path} ${why}.`);
}
