/**
 * What `createIndex` may be asked for (https://www.mongodb.com/docs/manual/reference/command/createIndexes/),
 * checked where it is written and again where it comes from a peer.
 */
import { LioranError } from "../errors.js";
import { indexFieldsMax } from "../limits.js";
import { identicalValues } from "../query/identical.js";
import { isOperatorDocument } from "../query/operator-document.js";
import { parsePath } from "../query/path.js";
import type { IndexEntry } from "../storage/catalog.js";
import { type Document, isPlainObject } from "../values/document.js";

/** An index as it is asked for. */
export interface IndexSpec {
  name: string;
  key: [path: string, direction: 1 | -1][];
  unique: boolean;
  sparse: boolean;
  partialFilter?: Document;
  expireAfterSeconds?: number;
}

/** The name of the index of `_id`, which every collection has. */
export const idIndexName = "_id_";
const nameBytesMax = 255;
const expireAfterSecondsMax = 2 ** 31 - 1;
/** Kinds of indexes that MongoDB has besides. */
const otherKinds = new Set(["text", "hashed", "2d", "2dsphere", "geoHaystack", "wildcard"]);

/** The name MongoDB gives: `a_1_b_-1`. */
export function defaultIndexName(key: IndexSpec["key"]): string {
  return key.map(([path, direction]) => `${path}_${direction}`).join("_");
}

/** @throws CANNOT_CREATE_INDEX naming the field */
export function indexKey(fields: readonly (readonly [unknown, unknown])[]): IndexSpec["key"] {
  if (fields.length === 0) throw cannotCreate("index keys cannot be empty");
  if (fields.length > indexFieldsMax) {
    throw cannotCreate(`an index has at most ${indexFieldsMax} fields`);
  }
  const seen = new Set<unknown>();
  return fields.map(([path, direction]) => {
    checkPath(path);
    if (seen.has(path)) throw cannotCreate(`the field "${path}" is named twice`);
    seen.add(path);
    return [path, directionOf(path, direction)];
  });
}

function checkPath(path: unknown): asserts path is string {
  if (typeof path !== "string" || path === "") throw cannotCreate("a field needs a name");
  const segments = path.split(".");
  if (segments.some((segment) => segment === "")) {
    throw cannotCreate(`the path "${path}" has an empty part`);
  }
  const dollar = segments.find((segment) => segment.startsWith("$"));
  if (dollar !== undefined) {
    const isWildcard = dollar === "$**";
    throw cannotCreate(
      isWildcard
        ? `wildcard indexes ("${path}") are not supported`
        : `the path "${path}" has a part that begins with "$"`,
    );
  }
  parsePath(path);
}

/** Any number says by its sign; texts ask for other kinds of indexes. */
function directionOf(path: string, direction: unknown): 1 | -1 {
  const number = typeof direction === "bigint" ? Number(direction) : direction;
  if (typeof number === "number" && number !== 0 && !Number.isNaN(number)) {
    return number > 0 ? 1 : -1;
  }
  if (typeof direction === "string" && otherKinds.has(direction)) {
    throw cannotCreate(`${direction} indexes ("${path}") are not supported`);
  }
  throw cannotCreate(`the direction of "${path}" must be 1 or -1`);
}

/**
 * Checks all but what the operators of a partial filter are given, which takes the query language to tell.
 *
 * @throws CANNOT_CREATE_INDEX, INVALID_INDEX_SPECIFICATION_OPTION, BAD_VALUE
 */
export function checkIndexSpec(spec: IndexSpec): IndexSpec {
  const { name, key, partialFilter, expireAfterSeconds } = spec;
  indexKey(key);
  if (typeof name !== "string" || name === "" || name === "*" || name.includes("\0")) {
    throw new LioranError("BAD_VALUE", `The index name ${JSON.stringify(name)} is not valid.`);
  }
  if (Buffer.byteLength(name) > nameBytesMax) {
    throw cannotCreate(`the name of an index has at most ${nameBytesMax} bytes`);
  }
  const isIdIndex = isIdKey(key);
  if (isIdIndex !== (name === idIndexName)) {
    throw new LioranError(
      "BAD_VALUE",
      isIdIndex
        ? `The index { _id: 1 } exists in every collection and is named "${idIndexName}", not "${name}".`
        : `The index name "${idIndexName}" is reserved for the index { _id: 1 }.`,
    );
  }
  if (isIdIndex) checkNoOptions(spec);
  if (partialFilter) checkPartialFilter(partialFilter);
  if (partialFilter && spec.sparse) {
    throw cannotCreate(`"${name}" cannot mix "partialFilterExpression" and "sparse"`);
  }
  if (expireAfterSeconds !== undefined) checkExpiry(spec, expireAfterSeconds);
  return spec;
}

export function isIdKey(key: IndexSpec["key"]): boolean {
  return key.length === 1 && key[0]![0] === "_id" && key[0]![1] === 1;
}

function checkNoOptions({ unique, sparse, partialFilter, expireAfterSeconds }: IndexSpec): void {
  const options = { unique, sparse, partialFilterExpression: partialFilter, expireAfterSeconds };
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === false) continue;
    throw new LioranError(
      "INVALID_INDEX_SPECIFICATION_OPTION",
      `The field '${option}' is not valid for an _id index specification: it is unique, and has every document.`,
    );
  }
}

function checkExpiry({ name, key }: IndexSpec, seconds: number): void {
  if (key.length > 1) {
    throw cannotCreate(
      `TTL indexes (expireAfterSeconds) have a single field, and "${name}" has more`,
    );
  }
  if (key[0]![0] === "_id") throw cannotCreate("the field of a TTL index cannot be _id");
  if (!(seconds >= 0 && seconds <= expireAfterSecondsMax)) {
    throw cannotCreate(
      `expireAfterSeconds of "${name}" must be between 0 and ${expireAfterSecondsMax}, not ${seconds}`,
    );
  }
}

const partialOperators = new Set(["$eq", "$in", "$exists", "$gt", "$gte", "$lt", "$lte", "$type"]);

/** https://www.mongodb.com/docs/manual/core/index-partial/#create-a-partial-index */
function checkPartialFilter(filter: Document): void {
  for (const name of Object.keys(filter)) {
    const condition = filter[name];
    if (name === "$and" || name === "$or") {
      if (!Array.isArray(condition) || !condition.every(isPlainObject)) break;
      for (const branch of condition) checkPartialFilter(branch as Document);
      continue;
    }
    if (name.startsWith("$")) throw unsupportedPartial(name);
    if (condition instanceof RegExp) throw unsupportedPartial("$regex", name);
    if (!isOperatorDocument(condition)) continue;
    for (const operator of Object.keys(condition)) {
      if (operator === "$exists" && !condition.$exists) {
        throw unsupportedPartial("$exists: false", name);
      }
      if (!partialOperators.has(operator)) throw unsupportedPartial(operator, name);
    }
  }
}

function unsupportedPartial(operator: string, path?: string): LioranError {
  const place = path === undefined ? "" : ` at "${path}"`;
  const allowed = [...partialOperators].join(", ").replace("$exists", "$exists: true");
  return cannotCreate(
    `unsupported expression in partial index: ${operator}${place}. Allowed are equality, ${allowed}, $and and $or`,
  );
}

/**
 * Whether the index is there already.
 *
 * @returns the one that is the same
 * @throws INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT
 */
export function existingIndex(
  indexes: readonly IndexEntry[],
  spec: IndexSpec,
): IndexEntry | undefined {
  const named = indexes.find(({ name }) => name === spec.name);
  if (named) {
    if (!isSameIndex(named, spec)) {
      throw new LioranError(
        "INDEX_KEY_SPECS_CONFLICT",
        `An existing index has the same name as the requested index "${spec.name}" but another key or other options. ` +
          "Drop it first, or give the new one another name.",
      );
    }
    if (named.expireAfterSeconds === spec.expireAfterSeconds) return named;
    throw new LioranError(
      "INDEX_OPTIONS_CONFLICT",
      `The index "${spec.name}" exists with another expireAfterSeconds (${named.expireAfterSeconds}).`,
    );
  }
  const same = indexes.find((index) => isSameIndex(index, spec));
  if (!same) return undefined;
  throw new LioranError(
    "INDEX_OPTIONS_CONFLICT",
    `Index already exists with a different name: ${same.name}.`,
  );
}

function isSameIndex(index: IndexEntry, spec: IndexSpec): boolean {
  return (
    identicalValues(index.key, spec.key) &&
    index.unique === spec.unique &&
    index.sparse === spec.sparse &&
    identicalValues(index.partialFilter ?? null, spec.partialFilter ?? null)
  );
}

function cannotCreate(why: string): LioranError {
  return new LioranError("CANNOT_CREATE_INDEX", `Cannot create the index: ${why}.`);
}
