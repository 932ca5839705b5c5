/**
 * Aggregation expressions: `$expr`, computed fields of a projection, updates by pipeline. Checked
 * once when compiled, then evaluated for every document
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/).
 */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../values/document.js";
import { ownOperators } from "./expression-operators.js";
import { evaluate, evaluationOptions, loadOperator, type Operator } from "./language.js";
import { checkSegment } from "./path.js";

/** A compiled expression. `undefined` means that it gave nothing: the field is missing. */
export type Expression = (document: Document, now?: Date) => unknown;

const unsupported = new Set(["$function", "$accumulator", "$where", "$jsonSchema", "$meta"]);
/** mingo reads the clock for `$$NOW`; all documents of one operation must see the same time. */
const nowVariable = "OPERATION_TIME";

/**
 * Compiles an expression.
 *
 * @throws LioranError FAILED_TO_PARSE for an unknown operator or a malformed expression;
 *   COMMAND_NOT_SUPPORTED for operators that run user code
 */
export function compileExpression(expression: unknown): Expression {
  if (typeof expression === "string" && isPlainField(expression))
    return fieldExpression(expression);
  const operators: Record<string, Operator> = Object.create(null) as Record<string, Operator>;
  const checked = check(expression, operators);
  if (!checked.computed) return () => expression;
  return (document, now = new Date()) => {
    try {
      const options = evaluationOptions(operators, { [nowVariable]: now });
      return withoutMissing(evaluate(document, checked.expression, options));
    } catch (error) {
      if (error instanceof LioranError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The expression cannot be evaluated: ${reason}.`;
      throw new LioranError("BAD_VALUE", message, { cause: error });
    }
  };
}

interface Checked {
  readonly expression: unknown;
  /** Whether anything in it depends on the document, the time or an operator. */
  readonly computed: boolean;
}

/** `$name`, the most common expression by far, needs no library. */
function isPlainField(expression: string): boolean {
  return /^\$[^$.]+$/.test(expression);
}

function fieldExpression(expression: string): Expression {
  const name = expression.slice(1);
  checkSegment(name, name);
  return (document) => (Object.hasOwn(document, name) ? document[name] : undefined);
}

function check(expression: unknown, operators: Record<string, Operator>): Checked {
  if (typeof expression === "string") return checkString(expression);
  if (Array.isArray(expression)) {
    const parts = expression.map((part) => check(part, operators));
    const computed = parts.some((part) => part.computed);
    return { expression: computed ? parts.map((part) => part.expression) : expression, computed };
  }
  if (!isPlainObject(expression)) return { expression, computed: false };
  const names = Object.keys(expression);
  const operator = names.find((name) => name.startsWith("$"));
  if (operator !== undefined) return checkOperator(operator, expression, names, operators);
  const entries = names.map((name) => [name, check(expression[name], operators)] as const);
  const computed = entries.some(([, part]) => part.computed);
  const copy = Object.fromEntries(entries.map(([name, part]) => [name, part.expression]));
  return { expression: computed ? copy : expression, computed };
}

function checkString(expression: string): Checked {
  if (!expression.startsWith("$")) return { expression, computed: false };
  for (const segment of expression.split(".")) checkSegment(segment, expression);
  if (expression === "$" || expression === "$$") {
    throw new LioranError("FAILED_TO_PARSE", `"${expression}" is not a valid field path.`);
  }
  const isNow = expression === "$$NOW" || expression.startsWith("$$NOW.");
  return { expression: isNow ? `$$${nowVariable}` : expression, computed: true };
}

function checkOperator(
  name: string,
  expression: Document,
  names: string[],
  operators: Record<string, Operator>,
): Checked {
  if (names.length !== 1) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      `An expression must have exactly one operator, but there are ${names.join(", ")}.`,
    );
  }
  if (unsupported.has(name)) {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `${name} is not supported in an expression.`);
  }
  const operator = Object.hasOwn(ownOperators, name) ? ownOperators[name] : loadOperator(name);
  if (!operator) {
    throw new LioranError("FAILED_TO_PARSE", `Unrecognized expression "${name}".`);
  }
  operators[name] = operator;
  if (name === "$literal") return { expression, computed: true };
  const operand = check(expression[name], operators).expression;
  return { expression: { [name]: operand }, computed: true };
}

/** What an expression left missing inside its result is no field, and null in an array. */
function withoutMissing(value: unknown): unknown {
  if (Array.isArray(value)) {
    const parts = value.map((part) => (part === undefined ? null : withoutMissing(part)));
    return parts.every((part, at) => part === value[at]) ? value : parts;
  }
  if (!isSubdocument(value)) return value;
  let copy: Document | undefined;
  for (const name of Object.keys(value)) {
    const before = value[name];
    const after = withoutMissing(before);
    if (after === before && after !== undefined) continue;
    copy ??= { ...value };
    if (after === undefined) delete copy[name];
    else copy[name] = after;
  }
  return copy ?? value;
}
