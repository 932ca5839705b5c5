/**
 * What a stage of an aggregation is: a function from a stream of documents to a stream of documents.
 * Stages never change a document in place, because documents share their parts.
 */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import type { Control } from "../control.js";
import type { Query } from "../execute.js";
import { compileExpression, type Expression } from "../expression.js";
import type { Variables } from "../variables.js";

/** A compiled stage, or several of them. It may be run again and again. */
export type Stage = (input: Iterable<Document>) => Iterable<Document>;

/** How the engine reads collections of the same database, in the snapshot of the aggregation. */
export interface CollectionReader {
  find(collection: string, query: Query): Iterable<Document>;
}

/** What stages are compiled with. */
export interface StageContext {
  readonly variables: Variables;
  readonly reader: CollectionReader;
  /** Asked by stages that make documents without reading any. */
  readonly control: Control;
  /** Compiles a pipeline that is part of a stage. */
  compile(pipeline: readonly Document[], variables: Variables): Stage;
  /**
   * Compiles a pipeline over another collection, which reads it with the values that the variables
   * have when it is opened, and with another filter in front if one is given. Without a collection,
   * the pipeline begins with `$documents`.
   */
  open(
    collection: string | undefined,
    pipeline: readonly Document[],
    variables: Variables,
  ): (filter?: Document) => Iterable<Document>;
}

export type CompileStage = (operand: unknown, context: StageContext, name: string) => Stage;

/** A stage that gives one document for each, and holds none. */
export function mapping(change: (document: Document) => Document): Stage {
  return function* (input) {
    for (const document of input) yield change(document);
  };
}

export function expressionOf(operand: unknown, { variables }: StageContext): Expression {
  return compileExpression(operand, variables);
}

/** The parts of an operand. @throws LioranError FAILED_TO_PARSE for one that is missing or unknown */
export function partsOf(
  name: string,
  operand: unknown,
  required: readonly string[],
  optional: readonly string[] = [],
): Document {
  if (!isPlainObject(operand)) throw malformed(`${name} needs an object.`);
  for (const part of required) {
    if (operand[part] === undefined) throw malformed(`${name} requires '${part}' to be specified.`);
  }
  for (const part of Object.keys(operand)) {
    if (required.includes(part) || optional.includes(part)) continue;
    throw malformed(`Unrecognized option to ${name}: ${part}.`);
  }
  return operand;
}

/** A path that is written as an expression, such as `"$items"`, without its `$`. */
export function fieldPathOf(name: string, value: unknown): string {
  if (typeof value === "string" && value.length > 1 && /^\$[^$]/.test(value)) return value.slice(1);
  throw malformed(`${name} needs a field path that begins with "$".`);
}

/** A path or the name of a field, without `$`. */
export function fieldNameOf(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && !value.startsWith("$")) return value;
  throw malformed(`${name} must be the name of a field, without "$" in front.`);
}

export function textOf(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`${name} must be a nonempty string.`);
}

/** @throws LioranError FAILED_TO_PARSE for anything but an array of objects */
export function pipelineOf(name: string, value: unknown): Document[] {
  if (Array.isArray(value) && value.every(isPlainObject)) return value;
  throw malformed(`${name} must be an array of stages.`);
}

/** An integer, from `least` on. */
export function integerOf(name: string, value: unknown, least: number): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= least) return number;
  const kind = least === 0 ? "a non-negative integer" : "a positive integer";
  throw new LioranError("BAD_VALUE", `${name} must be ${kind}.`);
}

export function malformed(message: string): LioranError {
  return new LioranError("FAILED_TO_PARSE", message);
}
