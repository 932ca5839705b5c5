/** Reads an update document into operations on paths, and refuses what can never be applied. */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../../values/document.js";
import { fieldOf, isPrefix, type Path, parseWritablePath } from "../path.js";
import * as arrays from "./array-operators.js";
import * as fields from "./field-operators.js";
import type { CompileOperation, Operation } from "./operation.js";

/** One operator at one path. */
export interface PathOperation {
  readonly path: Path;
  readonly operation: Operation;
}

const operators: Record<string, CompileOperation> = {
  $set: fields.set,
  $setOnInsert: fields.setOnInsert,
  $unset: fields.unset,
  $inc: fields.inc,
  $mul: fields.mul,
  $min: fields.min,
  $max: fields.max,
  $currentDate: fields.currentDate,
  $bit: fields.bit,
  $push: arrays.push,
  $addToSet: arrays.addToSet,
  $pop: arrays.pop,
  $pull: arrays.pull,
  $pullAll: arrays.pullAll,
};

/** @throws LioranError FAILED_TO_PARSE, BAD_VALUE, DOLLAR_PREFIXED_FIELD, EMPTY_FIELD_NAME */
export function parseUpdate(update: Document): PathOperation[] {
  const names = Object.keys(update);
  if (names.length === 0) {
    throw new LioranError("BAD_VALUE", "An update needs at least one operator, such as $set.");
  }
  const parsed: PathOperation[] = [];
  for (const name of names) {
    const operand = update[name];
    if (name === "$rename") parsed.push(...parseRename(operandOf(name, operand)));
    else {
      const compile = Object.hasOwn(operators, name) ? operators[name] : undefined;
      if (!compile) throw unknownOperator(name);
      for (const [text, value] of Object.entries(operandOf(name, operand))) {
        const path = parseUpdatePath(text);
        parsed.push({ path, operation: compile(value, text) });
      }
    }
  }
  return parsed;
}

function unknownOperator(name: string): LioranError {
  if (!name.startsWith("$")) {
    return new LioranError(
      "FAILED_TO_PARSE",
      `An update takes operators only, but has the field "${name}". Use $set or replaceOne().`,
    );
  }
  return new LioranError(
    "FAILED_TO_PARSE",
    `Unknown modifier: ${name}. Expected one of ${[...Object.keys(operators), "$rename"].join(", ")}.`,
  );
}

function operandOf(name: string, operand: unknown): Document {
  if (isPlainObject(operand)) return operand;
  throw new LioranError(
    "FAILED_TO_PARSE",
    `Modifiers operate on fields: ${name} needs an object such as { field: value }.`,
  );
}

function parseUpdatePath(text: string): Path {
  const path = parseWritablePath(text, "EMPTY_FIELD_NAME");
  path.segments.forEach((segment, at) => {
    if (!segment.startsWith("$")) return;
    const isPositional = segment === "$" || /^\$\[[^\]]*\]$/.test(segment);
    if (!isPositional) {
      throw new LioranError(
        "DOLLAR_PREFIXED_FIELD",
        `The dollar ($) prefixed field "${segment}" in "${text}" is not allowed in an update. ` +
          "Use a pipeline with $setField.",
      );
    }
    if (at === 0 || (segment === "$" && path.segments.indexOf("$") !== at)) {
      throw new LioranError(
        "BAD_VALUE",
        `The positional operator in "${text}" must follow an array's name, and $ occurs once only.`,
      );
    }
  });
  return path;
}

/** Renaming is two operations that conflict with others as such: removing here, setting there. */
function parseRename(operand: Document): PathOperation[] {
  return Object.entries(operand).flatMap(([text, target]) => {
    if (typeof target !== "string") {
      throw new LioranError("BAD_VALUE", `The "to" field of $rename must be a string: "${text}".`);
    }
    const from = parseRenamePath(text);
    const to = parseRenamePath(target);
    if (isPrefix(from.segments, to.segments) || isPrefix(to.segments, from.segments)) {
      throw new LioranError(
        "BAD_VALUE",
        `The source and target field of $rename must differ: "${text}" and "${target}".`,
      );
    }
    return [
      { path: from, operation: () => undefined },
      {
        path: to,
        operation: (before, scope) => {
          const moved = valueWithoutArrays(scope.document, from);
          if (moved !== undefined) refuseArrays(scope.document, to);
          return moved === undefined ? before : moved;
        },
      },
    ];
  });
}

function parseRenamePath(text: string): Path {
  const path = parseUpdatePath(text);
  if (!path.segments.some((segment) => segment.startsWith("$"))) return path;
  throw new LioranError("BAD_VALUE", `$rename cannot use a positional operator: "${text}".`);
}

function valueWithoutArrays(document: Document, path: Path): unknown {
  refuseArrays(document, path);
  let value: unknown = document;
  for (const segment of path.segments) {
    if (!isSubdocument(value)) return undefined;
    value = fieldOf(value, segment);
  }
  return value;
}

function refuseArrays(document: Document, path: Path): void {
  let value: unknown = document;
  for (const segment of path.segments) {
    if (Array.isArray(value)) {
      throw new LioranError(
        "BAD_VALUE",
        `The field "${path.text}" of $rename cannot be an array element.`,
      );
    }
    if (!isSubdocument(value)) return;
    value = fieldOf(value, segment);
  }
}
