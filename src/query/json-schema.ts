/**
 * `$jsonSchema`. The only importer of `ajv`, which loads with the first schema. What JSON does not
 * know (dates, binary, bigints, the types of BSON) is decided by keywords of our own, with the same
 * comparisons as everywhere else.
 */
import type { Ajv, ErrorObject, Options, ValidateFunction } from "ajv";
import { encodeTransient } from "../cbor/codec.js";
import { lateRequire } from "../late-loading.js";
import { compiledSchemasMax, explainedDocumentBytesMax, schemaViolationsMax } from "../limits.js";
import { compareValues, equalValues } from "../values/compare.js";
import type { Document } from "../values/document.js";
import { translateSchema } from "./json-schema-dialect.js";
import { compileRegex, regexTest } from "./regex.js";
import { typeName, typeTest } from "./type-names.js";

/** A compiled schema. */
export interface JsonSchema {
  matches(document: Document): boolean;
  /** What a document that does not match violates: all of it up to a limit, at least the first. */
  violations(document: Document): SchemaViolation[];
}

/** One rule of a schema that a document violates. */
export interface SchemaViolation extends Document {
  /** The keyword. */
  operatorName: string;
  /** Path of the value; empty for the document itself. */
  path: string;
  /** What the schema says. */
  specifiedAs: Document;
  consideredType: string;
  /** `required` and `dependencies`: the field that is missing. */
  missingProperty?: string;
  /** `additionalProperties`: the field that may not be there. */
  additionalProperty?: string;
}

type Test = (value: unknown) => boolean;

/** Keywords whose meaning for our values is not that of JSON, compiled to a test. */
const ownKeywords: Readonly<Record<string, (operand: never, schema: Document) => Test>> = {
  bsonType: (types: string[]) => typeTest(types, "bsonType"),
  enum: (values: unknown[]) => (value) => values.some((one) => equalValues(one, value)),
  minimum: (bound: number | bigint, { exclusiveMinimum }) =>
    onNumbers((value) => compareValues(value, bound) >= (exclusiveMinimum === true ? 1 : 0)),
  maximum: (bound: number | bigint, { exclusiveMaximum }) =>
    onNumbers((value) => compareValues(bound, value) >= (exclusiveMaximum === true ? 1 : 0)),
  multipleOf: (divisor: number | bigint) => onNumbers((value) => isMultiple(value, divisor)),
  pattern: (source: string) => {
    const test = regexTest(compileRegex(source, {}, "pattern"));
    return (value) => typeof value !== "string" || test(value);
  },
  uniqueItems: (wanted: boolean) => (value) => !wanted || !Array.isArray(value) || isUnique(value),
};

const load = lateRequire(import.meta.url);
/** Stops at the first violation. */
let deciding: Ajv | undefined;
/** Finds all of them. */
let explaining: Ajv | undefined;

/** Compiled schemas by content, the one that was used last at the end. */
const compiled = new Map<string, JsonSchema>();

/**
 * Compiles a schema, or gives it as compiled before.
 *
 * @throws LioranError FAILED_TO_PARSE, TYPE_MISMATCH or BAD_VALUE naming the keyword and its place
 */
export function compileJsonSchema(schema: unknown): JsonSchema {
  const content = encodeTransient(schema).toString("latin1");
  const found = compiled.get(content) ?? compile(schema);
  compiled.delete(content);
  compiled.set(content, found);
  if (compiled.size > compiledSchemasMax) compiled.delete(compiled.keys().next().value!);
  return found;
}

function compile(schema: unknown): JsonSchema {
  const translated = translateSchema(schema);
  deciding ??= library(false);
  const decide = compileWith(deciding, translated);
  let explain: ValidateFunction | undefined;
  return {
    matches: (document) => decide(document),
    violations(document) {
      let validate = decide;
      // Every element of a large array may violate a rule: of those the first one has to do.
      if (encodeTransient(document).length <= explainedDocumentBytesMax) {
        explaining ??= library(true);
        explain ??= compileWith(explaining, translated);
        validate = explain;
      }
      if (validate(document)) return [];
      const errors = validate.errors!.filter(({ keyword }) => keyword !== "if");
      return errors.slice(0, schemaViolationsMax).map(violationOf);
    },
  };
}

function compileWith(ajv: Ajv, schema: Document): ValidateFunction {
  const validate = ajv.compile(schema);
  // Ajv would keep every schema it has ever seen.
  ajv.removeSchema(schema);
  return validate;
}

function library(allErrors: boolean): Ajv {
  const { Ajv } = load("ajv") as { Ajv: new (options: Options) => Ajv };
  const ajv = new Ajv({
    allErrors,
    verbose: true,
    strict: false,
    messages: false,
    logger: false,
    validateSchema: false,
    addUsedSchema: false,
    // Otherwise every document would have a field "constructor".
    ownProperties: true,
    // Optimizing takes longer than it saves.
    code: { optimize: false, regExp: Object.assign(patternOf, { code: "patternOf" }) },
  });
  for (const [keyword, compileTest] of Object.entries(ownKeywords)) {
    ajv.removeKeyword(keyword);
    ajv.addKeyword({
      keyword,
      compile: compileTest as (operand: unknown, schema: Document) => Test,
    });
  }
  // They are read together with the bound that they make exclusive.
  for (const keyword of ["exclusiveMinimum", "exclusiveMaximum"]) ajv.removeKeyword(keyword);
  return ajv;
}

/** A name of `patternProperties`. Ajv tells expressions apart by their text. */
function patternOf(source: string): { test(name: string): boolean; toString(): string } {
  const test = regexTest(compileRegex(source, {}, "patternProperties"));
  return { test: (name) => test(name), toString: () => source };
}

function violationOf({
  keyword,
  instancePath,
  schema,
  params,
  data,
}: ErrorObject): SchemaViolation {
  const violation: SchemaViolation = {
    operatorName: keyword,
    path: dotted(instancePath),
    specifiedAs: { [keyword]: schema },
    consideredType: typeName(data),
  };
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
  if (missingProperty !== undefined) violation.missingProperty = missingProperty;
  if (additionalProperty !== undefined) violation.additionalProperty = additionalProperty;
  return violation;
}

/** A JSON pointer as a path: "/items/0/a~1b" is items.0.a/b. */
function dotted(pointer: string): string {
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")).join(".");
}

function onNumbers(test: Test): Test {
  return (value) => {
    if (typeof value === "number") return !Number.isNaN(value) && test(value);
    return typeof value !== "bigint" || test(value);
  };
}

function isMultiple(value: unknown, divisor: number | bigint): boolean {
  const [exactValue, exactDivisor] = [exact(value), exact(divisor)];
  if (exactValue !== undefined && exactDivisor) return exactValue % exactDivisor === 0n;
  // Fifteen digits, as MongoDB: 0.3 is three times 0.1.
  return Number.isInteger(Number((Number(value) / Number(divisor)).toPrecision(15)));
}

function exact(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return Number.isInteger(value) ? BigInt(value as number) : undefined;
}

function isUnique(values: readonly unknown[]): boolean {
  const sorted = [...values].sort(compareValues);
  return sorted.every((value, at) => at === 0 || compareValues(sorted[at - 1], value) !== 0);
}
