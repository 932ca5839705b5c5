/** The index methods of a collection: the forms that the official driver takes, made into one. */
import {
  checkIndexSpec,
  defaultIndexName,
  type IndexSpec,
  idIndexName,
  indexKey,
  isIdKey,
} from "../dispatch/index-spec.js";
import { LioranError } from "../errors.js";
import type { CollectionEntry, IndexEntry } from "../storage/catalog.js";
import { isPlainObject } from "../values/document.js";
import { checkFilterObject, kindOf } from "./arguments.js";
import type {
  CreateIndexesOptions,
  IndexDescription,
  IndexInfo,
  IndexSpecification,
} from "./types.js";

/** Options of an index; anything else is refused by name. */
const indexOptions = [
  "name",
  "unique",
  "sparse",
  "expireAfterSeconds",
  "partialFilterExpression",
  "background",
] as const;

/** @throws INVALID_OPTION, CANNOT_CREATE_INDEX, BAD_VALUE */
export function prepareIndex(
  call: string,
  specification: IndexSpecification,
  options: CreateIndexesOptions,
): IndexSpec {
  for (const name of Object.keys(options)) {
    if (options[name as keyof CreateIndexesOptions] === undefined) continue;
    if (indexOptions.includes(name as (typeof indexOptions)[number])) continue;
    throw new LioranError(
      "INVALID_OPTION",
      `${call}: the option "${name}" of an index is not supported. Supported: ${indexOptions.join(", ")}.`,
    );
  }
  const key = indexKey(fieldsOf(call, specification));
  const { name, unique, sparse, partialFilterExpression, expireAfterSeconds } = options;
  for (const [option, value] of Object.entries({
    unique,
    sparse,
    background: options.background,
  })) {
    if (value === undefined || typeof value === "boolean") continue;
    throw new LioranError("INVALID_OPTION", `${call}: "${option}" must be true or false.`);
  }
  if (expireAfterSeconds !== undefined && typeof expireAfterSeconds !== "number") {
    throw new LioranError("INVALID_OPTION", `${call}: "expireAfterSeconds" must be a number.`);
  }
  if (name !== undefined && typeof name !== "string") {
    throw new LioranError("INVALID_OPTION", `${call}: "name" must be a string.`);
  }
  const what = `${call}: partialFilterExpression`;
  return checkIndexSpec({
    name: name ?? (isIdKey(key) ? idIndexName : defaultIndexName(key)),
    key,
    unique: unique ?? false,
    sparse: sparse ?? false,
    ...(partialFilterExpression !== undefined && {
      partialFilter: checkFilterObject(what, partialFilterExpression),
    }),
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
  });
}

/** @throws BAD_VALUE, INVALID_OPTION, CANNOT_CREATE_INDEX */
export function prepareIndexes(
  call: string,
  descriptions: readonly IndexDescription[],
): IndexSpec[] {
  if (!Array.isArray(descriptions) || descriptions.length === 0) {
    throw new LioranError("BAD_VALUE", `${call}: pass an array of indexes that is not empty.`);
  }
  return descriptions.map((description: unknown, at) => {
    if (!isPlainObject(description) || description.key === undefined) {
      throw new LioranError("BAD_VALUE", `${call}: indexes.${at} must be an object with a "key".`);
    }
    const { key, ...options } = description;
    return prepareIndex(`${call}: indexes.${at}`, key as IndexSpecification, options);
  });
}

/** `"a"`, `["a", 1]`, `{ a: 1 }`, a Map, or an array of these. */
function fieldsOf(call: string, specification: unknown): [unknown, unknown][] {
  if (typeof specification === "string") return [[specification, 1]];
  if (specification instanceof Map) return [...specification];
  if (isPlainObject(specification)) return Object.entries(specification);
  if (Array.isArray(specification)) {
    const [path, direction] = specification as unknown[];
    const isPair = specification.length === 2 && typeof path === "string";
    if (isPair && (typeof direction === "number" || isIndexKind(direction))) {
      return [[path, direction]];
    }
    return specification.flatMap((part) => fieldsOf(call, part));
  }
  throw new LioranError(
    "BAD_VALUE",
    `${call}: an index is such as { name: 1 }, not ${kindOf(specification)}.`,
  );
}

function isIndexKind(direction: unknown): boolean {
  return (
    direction === "text" || direction === "hashed" || direction === "2d" || direction === "2dsphere"
  );
}

/** The indexes of a collection as MongoDB lists them: that of `_id` first. */
export function indexInfos({ indexes }: CollectionEntry): IndexInfo[] {
  return [{ v: 2, key: { _id: 1 }, name: idIndexName }, ...indexes.map(infoOf)];
}

function infoOf(index: IndexEntry): IndexInfo {
  const { name, key, unique, sparse, partialFilter, expireAfterSeconds, state } = index;
  return {
    v: 2,
    key: Object.fromEntries(key),
    name,
    ...(unique && { unique }),
    ...(sparse && { sparse }),
    ...(partialFilter && { partialFilterExpression: partialFilter }),
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
    ...(state === "building" && { building: true }),
  };
}

/** What `dropIndex` was given, as it is sent. @throws BAD_VALUE */
export function indexToDrop(wanted: unknown): string | IndexSpec["key"] {
  if (typeof wanted === "string" && wanted !== "") return wanted;
  if (isPlainObject(wanted)) return indexKey(Object.entries(wanted));
  throw new LioranError("BAD_VALUE", "dropIndex: pass the name of the index, or its key.");
}
