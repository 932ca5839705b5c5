/**
 * MongoDB's dialect of JSON Schema: draft 4 and `bsonType`, without what refers to other schemas
 * (https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/). A schema is checked
 * here and put into the terms of the library that compiles it: `type` is only another way to name
 * types of BSON, and what is said about fields applies to documents, not to dates or binary.
 */
import { LioranError } from "../errors.js";
import { jsonSchemaNodesMax } from "../limits.js";
import { type Document, isPlainObject } from "../values/document.js";
import { compileRegex } from "./regex.js";

/** Where in the schema a keyword stands, and what is left of the schema's size. */
interface Place {
  readonly path: string;
  readonly budget: { nodes: number };
}

/** Checks an operand. @returns it in the terms of the library */
type Translate = (operand: unknown, keyword: string, place: Place, schema: Document) => unknown;

/** JSON Schema's names of types; `integer` is none of MongoDB's. */
const jsonTypes: Readonly<Record<string, string>> = {
  array: "array",
  boolean: "bool",
  null: "null",
  number: "number",
  object: "object",
  string: "string",
};

/** Keywords about the fields of a document. */
const ofDocuments: Readonly<Record<string, Translate>> = {
  additionalProperties: flagOrSchema,
  dependencies,
  maxProperties: count,
  minProperties: count,
  patternProperties: (operand, keyword, place) => {
    const translated = schemas(operand, keyword, place);
    for (const source of Object.keys(translated)) {
      compileRegex(source, {}, joined(place.path, keyword));
    }
    return translated;
  },
  properties: schemas,
  required: names,
};

const ofAnything: Readonly<Record<string, Translate>> = {
  additionalItems: flagOrSchema,
  allOf: schemaList,
  anyOf: schemaList,
  bsonType: (operand, keyword, place) => typeList(operand, keyword, place),
  enum: (operand, keyword, place) => nonEmptyList(operand, keyword, place),
  exclusiveMaximum: (operand, keyword, place, schema) =>
    exclusive(operand, keyword, place, schema, "maximum"),
  exclusiveMinimum: (operand, keyword, place, schema) =>
    exclusive(operand, keyword, place, schema, "minimum"),
  items: (operand, keyword, place) =>
    Array.isArray(operand)
      ? operand.map((entry, at) => schemaAt(entry, `${keyword}.${at}`, place))
      : schemaAt(operand, keyword, place),
  maximum: number,
  maxItems: count,
  maxLength: count,
  minimum: number,
  minItems: count,
  minLength: count,
  multipleOf: (operand, keyword, place) => {
    const divisor = number(operand, keyword, place);
    if (Number(divisor) > 0) return divisor;
    throw malformed(keyword, place, "must be greater than 0");
  },
  not: (operand, keyword, place) => schemaAt(operand, keyword, place),
  oneOf: schemaList,
  pattern: (operand, keyword, place) => {
    const source = text(operand, keyword, place);
    compileRegex(source, {}, joined(place.path, keyword));
    return source;
  },
  uniqueItems: flag,
};

/** Keywords that only describe. */
const descriptions: Readonly<Record<string, Translate>> = { title: text, description: text };

const unsupported = new Set([
  "$ref",
  "$schema",
  "default",
  "definitions",
  "encrypt",
  "encryptMetadata",
  "format",
  "id",
]);

/**
 * Checks a schema and translates it.
 *
 * @throws LioranError FAILED_TO_PARSE, TYPE_MISMATCH or BAD_VALUE naming the keyword and its place
 */
export function translateSchema(schema: unknown): Document {
  if (!isPlainObject(schema)) {
    throw new LioranError("TYPE_MISMATCH", "$jsonSchema must be an object.");
  }
  return translate(schema, { path: "", budget: { nodes: jsonSchemaNodesMax } });
}

function translate(schema: Document, place: Place): Document {
  place.budget.nodes -= 1;
  if (place.budget.nodes < 0) {
    const message = `$jsonSchema has more than ${jsonSchemaNodesMax} schemas inside. Simplify it.`;
    throw new LioranError("BAD_VALUE", message);
  }
  if (Object.hasOwn(schema, "type") && Object.hasOwn(schema, "bsonType")) {
    throw malformed("type", place, 'cannot stand beside "bsonType"');
  }
  const anything: Document = {};
  const documents: Document = {};
  for (const keyword of Object.keys(schema)) {
    const operand = schema[keyword];
    if (keyword === "type") anything.bsonType = typeList(operand, keyword, place, jsonTypes);
    else if (Object.hasOwn(ofAnything, keyword)) {
      anything[keyword] = ofAnything[keyword]!(operand, keyword, place, schema);
    } else if (Object.hasOwn(ofDocuments, keyword)) {
      documents[keyword] = ofDocuments[keyword]!(operand, keyword, place, schema);
    } else if (Object.hasOwn(descriptions, keyword)) {
      descriptions[keyword]!(operand, keyword, place, schema);
    } else throw unknownKeyword(keyword, place);
  }
  if (Object.keys(documents).length === 0) return anything;
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  return { ...anything, if: { bsonType: ["object"] }, then: documents };
}

function unknownKeyword(keyword: string, place: Place): LioranError {
  return unsupported.has(keyword)
    ? malformed(keyword, place, "is not supported")
    : malformed(keyword, place, "is unknown");
}

function schemaAt(operand: unknown, keyword: string, { path, budget }: Place): Document {
  if (!isPlainObject(operand)) throw mistyped(keyword, { path, budget }, "an object");
  return translate(operand, { path: joined(path, keyword), budget });
}

function schemaList(operand: unknown, keyword: string, place: Place): Document[] {
  return nonEmptyList(operand, keyword, place).map((entry, at) =>
    schemaAt(entry, `${keyword}.${at}`, place),
  );
}

function schemas(operand: unknown, keyword: string, place: Place): Document {
  if (!isPlainObject(operand)) throw mistyped(keyword, place, "an object");
  const entries = Object.entries(operand).map(([name, entry]) => [
    name,
    schemaAt(entry, `${keyword}.${name}`, place),
  ]);
  return Object.fromEntries(entries) as Document;
}

function flagOrSchema(operand: unknown, keyword: string, place: Place): unknown {
  if (typeof operand === "boolean") return operand;
  if (isPlainObject(operand)) return schemaAt(operand, keyword, place);
  throw mistyped(keyword, place, "a boolean or an object");
}

function dependencies(operand: unknown, keyword: string, place: Place): Document {
  if (!isPlainObject(operand)) throw mistyped(keyword, place, "an object");
  const entries = Object.entries(operand).map(([name, entry]) => {
    const inner = `${keyword}.${name}`;
    return [
      name,
      Array.isArray(entry) ? names(entry, inner, place) : schemaAt(entry, inner, place),
    ];
  });
  return Object.fromEntries(entries) as Document;
}

function names(operand: unknown, keyword: string, place: Place): unknown[] {
  const list = nonEmptyList(operand, keyword, place);
  if (!list.every((name) => typeof name === "string")) throw mistyped(keyword, place, "strings");
  if (new Set(list).size < list.length) throw malformed(keyword, place, "has a name twice");
  return list;
}

function typeList(
  operand: unknown,
  keyword: string,
  place: Place,
  known?: Readonly<Record<string, string>>,
): unknown[] {
  const list = Array.isArray(operand) ? nonEmptyList(operand, keyword, place) : [operand];
  if (new Set(list).size < list.length) throw malformed(keyword, place, "has a type twice");
  return list.map((type) => {
    if (typeof type !== "string") throw mistyped(keyword, place, "a string or an array of strings");
    if (!known) return type;
    if (Object.hasOwn(known, type)) return known[type]!;
    if (type === "integer") {
      throw malformed(keyword, place, '"integer" is not supported; use bsonType "int" or "long"');
    }
    throw new LioranError("BAD_VALUE", `${at(keyword, place)}: unknown type "${type}".`);
  });
}

function nonEmptyList(operand: unknown, keyword: string, place: Place): unknown[] {
  if (!Array.isArray(operand)) throw mistyped(keyword, place, "an array");
  if (operand.length === 0) throw malformed(keyword, place, "cannot be an empty array");
  return operand;
}

function exclusive(
  operand: unknown,
  keyword: string,
  place: Place,
  schema: Document,
  bound: string,
): unknown {
  if (!Object.hasOwn(schema, bound)) throw malformed(keyword, place, `needs "${bound}" beside it`);
  return flag(operand, keyword, place);
}

function number(operand: unknown, keyword: string, place: Place): number | bigint {
  if (typeof operand === "bigint") return operand;
  if (typeof operand === "number" && !Number.isNaN(operand)) return operand;
  throw mistyped(keyword, place, "a number");
}

function count(operand: unknown, keyword: string, place: Place): number {
  const value = Number(number(operand, keyword, place));
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(keyword, place, "must be an integer of 0 or more");
}

function flag(operand: unknown, keyword: string, place: Place): boolean {
  if (typeof operand === "boolean") return operand;
  throw mistyped(keyword, place, "a boolean");
}

function text(operand: unknown, keyword: string, place: Place): string {
  if (typeof operand === "string") return operand;
  throw mistyped(keyword, place, "a string");
}

function mistyped(keyword: string, place: Place, wanted: string): LioranError {
  return new LioranError("TYPE_MISMATCH", `${at(keyword, place)} must be ${wanted}.`);
}

function malformed(keyword: string, place: Place, why: string): LioranError {
  return new LioranError("FAILED_TO_PARSE", `${at(keyword, place)} ${why}.`);
}

function at(keyword: string, { path }: Place): string {
  return `$jsonSchema keyword "${joined(path, keyword)}"`;
}

function joined(path: string, keyword: string): string {
  return path === "" ? keyword : `${path}.${keyword}`;
}
