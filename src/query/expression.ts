/**
 * Aggregation expressions: `$expr`, computed fields of a projection, updates by pipeline, and the
 * stages of an aggregation. Checked once when compiled, then evaluated for every document
 * (https://www.mongodb.com/docs/manual/reference/operator/aggregation/).
 *
 * Field paths, literals and the most common operators become closures. Any other operator is called
 * through mingo, with its operands compiled: mingo never sees a path, a variable or a nested operator.
 */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../values/document.js";
import type { Evaluate } from "./compiled-operator.js";
import { InlineBudgetExceeded } from "./control.js";
import { directOperators } from "./direct-operators.js";
import { ownOperators } from "./expression-operators.js";
import { evaluate, evaluationOptions, loadOperator, type Operator } from "./language.js";
import { checkNamedArguments } from "./named-arguments.js";
import { checkSegment } from "./path.js";
import { nowVariable, Variables } from "./variables.js";

/** A compiled expression. `undefined` means that it gave nothing: the field is missing. */
export type Expression = (document: Document, now?: Date) => unknown;

const unsupported = new Set(["$function", "$accumulator", "$where", "$jsonSchema", "$meta"]);

/**
 * Compiles an expression.
 *
 * @param variables what it may name besides the variables of the system; whoever gives them also
 *   sets `NOW`, and the expression then takes no time of its own
 * @throws LioranError FAILED_TO_PARSE for an unknown operator or a malformed expression;
 *   UNDEFINED_VARIABLE; COMMAND_NOT_SUPPORTED for operators that run user code
 */
export function compileExpression(expression: unknown, variables?: Variables): Expression {
  if (variables) return compile(expression, variables).evaluate;
  const clock = new Variables(undefined, [nowVariable]);
  const compiled = compile(expression, clock);
  if (!compiled.computed) return compiled.evaluate;
  return (document, now) => {
    clock.set(nowVariable, now);
    return compiled.evaluate(document);
  };
}

interface Compiled {
  readonly evaluate: Evaluate;
  /** Whether anything in it depends on the document, a variable or an operator. */
  readonly computed: boolean;
}

function compile(expression: unknown, variables: Variables): Compiled {
  if (typeof expression === "string") return compileString(expression, variables);
  if (Array.isArray(expression)) return compileArray(expression, variables);
  if (!isPlainObject(expression)) return constant(expression);
  const names = Object.keys(expression);
  const operator = names.find((name) => name.startsWith("$"));
  if (operator === undefined) return compileObject(expression, names, variables);
  return { evaluate: compileOperator(operator, expression, names, variables), computed: true };
}

function constant(value: unknown): Compiled {
  return { evaluate: () => value, computed: false };
}

function compileArray(expression: unknown[], variables: Variables): Compiled {
  const parts = expression.map((part) => compile(part, variables));
  if (!parts.some((part) => part.computed)) return constant(expression);
  // What is missing inside an array is null.
  const evaluate = (document: Document) => parts.map((part) => part.evaluate(document) ?? null);
  return { evaluate, computed: true };
}

function compileObject(expression: Document, names: string[], variables: Variables): Compiled {
  for (const name of names) checkSegment(name, name);
  const parts = names.map((name) => ({ name, ...compile(expression[name], variables) }));
  if (!parts.some((part) => part.computed)) return constant(expression);
  const evaluateObject = (document: Document) => {
    const result: Document = {};
    for (const part of parts) {
      const value = part.evaluate(document);
      if (value !== undefined) result[part.name] = value;
    }
    return result;
  };
  return { evaluate: evaluateObject, computed: true };
}

function compileString(expression: string, variables: Variables): Compiled {
  if (!expression.startsWith("$")) return constant(expression);
  const isVariable = expression.startsWith("$$");
  const segments = expression.slice(isVariable ? 2 : 1).split(".");
  for (const segment of segments) {
    checkSegment(segment, expression);
    if (segment !== "") continue;
    throw new LioranError("FAILED_TO_PARSE", `"${expression}" is not a valid field path.`);
  }
  if (!isVariable) return { evaluate: pathOf(segments), computed: true };
  const [name, ...path] = segments as [string, ...string[]];
  return { evaluate: compileVariable(name, path, variables), computed: true };
}

function compileVariable(name: string, path: string[], variables: Variables): Evaluate {
  if (!variables.has(name)) {
    if (name === "ROOT" || name === "CURRENT") {
      return path.length === 0 ? (document) => document : pathOf(path);
    }
    if (name === "REMOVE") return () => undefined;
    throw new LioranError("UNDEFINED_VARIABLE", `Use of undefined variable: ${name}.`);
  }
  const read = name === nowVariable ? timeOf(variables) : () => variables.get(name);
  return path.length === 0 ? read : () => valueAt(read(), path, 0);
}

/** Outside of a pipeline, what is evaluated without a time of its own takes the present one. */
function timeOf(variables: Variables): () => unknown {
  return () => variables.get(nowVariable) ?? new Date();
}

/** A field path: unlike in a filter, a number is the name of a field here, never a position. */
function pathOf(segments: string[]): Evaluate {
  if (segments.length > 1) return (document) => valueAt(document, segments, 0);
  const name = segments[0]!;
  return (document) => (Object.hasOwn(document, name) ? document[name] : undefined);
}

export function valueAt(value: unknown, segments: readonly string[], at: number): unknown {
  if (at === segments.length) return value;
  if (Array.isArray(value)) {
    const values: unknown[] = [];
    for (const element of value) {
      if (Array.isArray(element)) continue;
      const found = valueAt(element, segments, at);
      if (found !== undefined) values.push(found);
    }
    return values;
  }
  const name = segments[at]!;
  if (!isSubdocument(value) || !Object.hasOwn(value, name)) return undefined;
  return valueAt(value[name], segments, at + 1);
}

function compileOperator(
  name: string,
  expression: Document,
  names: string[],
  variables: Variables,
): Evaluate {
  if (names.length !== 1) {
    throw new LioranError(
      "FAILED_TO_PARSE",
      `An expression must have exactly one operator, but there are ${names.join(", ")}.`,
    );
  }
  if (unsupported.has(name)) {
    throw new LioranError("COMMAND_NOT_SUPPORTED", `${name} is not supported in an expression.`);
  }
  const operand = expression[name];
  if (Object.hasOwn(directOperators, name)) {
    return directOperators[name]!(operand, {
      variables,
      compile: (part, inner = variables) => compile(part, inner).evaluate,
    });
  }
  const operator = Object.hasOwn(ownOperators, name) ? ownOperators[name] : loadOperator(name);
  if (!operator) throw new LioranError("FAILED_TO_PARSE", `Unrecognized expression "${name}".`);
  checkNamedArguments(name, operand);
  return interpreted(name, operator, withCompiledParts(operand, variables));
}

/** Stands for a compiled operand in what mingo gets. */
const $compiled: Operator = (document, operand) => (operand as Evaluate)(document as Document);

function interpreted(name: string, operator: Operator, operand: unknown): Evaluate {
  const options = evaluationOptions({ [name]: operator, $compiled });
  const expression = { [name]: operand };
  return (document) => {
    try {
      return withoutMissing(evaluate(document, expression, options));
    } catch (error) {
      // An operand may have been stopped in a loop.
      if (error instanceof LioranError || error instanceof InlineBudgetExceeded) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The expression cannot be evaluated: ${reason}.`;
      throw new LioranError("BAD_VALUE", message, { cause: error });
    }
  };
}

/** Operators read the form of their operand, so that is kept, and what can be evaluated is replaced. */
function withCompiledParts(operand: unknown, variables: Variables): unknown {
  if (Array.isArray(operand)) return operand.map((part) => withCompiledParts(part, variables));
  const isOperator =
    isPlainObject(operand) && Object.keys(operand).some((name) => name.startsWith("$"));
  if (isPlainObject(operand) && !isOperator) {
    for (const name of Object.keys(operand)) checkSegment(name, name);
    const parts = Object.entries(operand);
    return Object.fromEntries(
      parts.map(([name, part]) => [name, withCompiledParts(part, variables)]),
    );
  }
  const { evaluate, computed } = compile(operand, variables);
  return computed ? { $compiled: evaluate } : operand;
}

/** What an operator left missing inside its result is no field, and null in an array. */
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
