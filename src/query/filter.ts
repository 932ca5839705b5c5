/**
 * Filters, compiled once into a function that is called for every document. The operators follow
 * https://www.mongodb.com/docs/manual/reference/operator/query/.
 */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../values/document.js";
import { compileExpression } from "./expression.js";
import { compileJsonSchema } from "./json-schema.js";
import { isTrue } from "./operand.js";
import { type Path, parsePath } from "./path.js";
import { type Clause, compileCondition, passesClause } from "./predicate.js";
import { type MatchDetails, someValue } from "./traverse.js";
import type { Variables } from "./variables.js";

/** A compiled filter. With `details`, it also notes which array elements matched. */
export type Matcher = (document: Document, details?: MatchDetails) => boolean;

/** Operators that MongoDB has and LioranDB refuses, because they run code or need other indexes. */
const unsupported = new Set(["$where", "$function", "$accumulator", "$text", "$sampleRate"]);

/**
 * Compiles a filter.
 *
 * @param variables what `$expr` may name besides the variables of the system
 * @throws LioranError BAD_VALUE or FAILED_TO_PARSE naming the operator and the path;
 *   COMMAND_NOT_SUPPORTED for operators that LioranDB never runs
 */
export function compileFilter(filter: Document, variables?: Variables): Matcher {
  if (!isPlainObject(filter)) {
    throw new LioranError("BAD_VALUE", "A filter must be an object such as { name: 1 }.");
  }
  const matchers: Matcher[] = [];
  for (const key of Object.keys(filter)) {
    const matcher = key.startsWith("$")
      ? compileTopLevel(key, filter[key], variables)
      : compileField(parsePath(key), filter[key]);
    if (matcher) matchers.push(matcher);
  }
  return allOf(matchers);
}

function compileTopLevel(
  operator: string,
  operand: unknown,
  variables: Variables | undefined,
): Matcher | undefined {
  switch (operator) {
    case "$and":
      return allOf(compileBranches(operator, operand, variables));
    case "$or":
      return anyOf(compileBranches(operator, operand, variables));
    case "$nor": {
      const any = anyOf(compileBranches(operator, operand, variables));
      return (document) => !any(document);
    }
    case "$expr": {
      const evaluate = compileExpression(operand, variables);
      return (document) => isTrue(evaluate(document));
    }
    case "$jsonSchema": {
      const { matches } = compileJsonSchema(operand);
      return (document) => matches(document);
    }
    case "$comment":
      return undefined;
    default:
      if (unsupported.has(operator)) {
        throw new LioranError("COMMAND_NOT_SUPPORTED", `${operator} is not supported in a filter.`);
      }
      throw new LioranError(
        "BAD_VALUE",
        `unknown top level operator: ${operator}. Put a field name around it, or use $expr.`,
      );
  }
}

function compileBranches(
  operator: string,
  operand: unknown,
  variables: Variables | undefined,
): Matcher[] {
  if (!Array.isArray(operand) || operand.length === 0) {
    throw new LioranError("BAD_VALUE", `${operator} needs a nonempty array of filters.`);
  }
  return operand.map((branch) => {
    if (isPlainObject(branch)) return compileFilter(branch, variables);
    throw new LioranError("BAD_VALUE", `Every entry of ${operator} must be an object.`);
  });
}

function compileField(path: Path, condition: unknown): Matcher {
  return allOf(
    compileCondition(condition, path.text, compileElementFilter).map((clause) =>
      onPath(path, clause),
    ),
  );
}

/** Applies a clause to whatever the path reaches. */
function onPath(path: Path, clause: Clause): Matcher {
  if ("all" in clause) {
    const all = allOf(clause.all.map((part) => onPath(path, part)));
    return clause.negated ? (document) => !all(document) : all;
  }
  const { test, elements } = clause;
  if (clause.negated) return (document) => !someValue(document, path, test, elements);
  return (document, details) => someValue(document, path, test, elements, details);
}

/**
 * Compiles what `$pull` and `$elemMatch` say about one array element: operators are tested on the
 * element, anything else is a filter over its fields.
 */
export function compileElementFilter(condition: Document): (element: unknown) => boolean {
  const first = Object.keys(condition)[0];
  if (first?.startsWith("$") && !["$and", "$or", "$nor", "$expr", "$where"].includes(first)) {
    const clauses = compileCondition(condition, "", compileElementFilter);
    return (element) => clauses.every((clause) => passesClause(clause, element));
  }
  const matches = compileFilter(condition);
  return (element) => {
    if (Array.isArray(element)) return matches({ ...element } as unknown as Document);
    return isSubdocument(element) && matches(element);
  };
}

function allOf(matchers: Matcher[]): Matcher {
  if (matchers.length === 0) return () => true;
  if (matchers.length === 1) return matchers[0]!;
  return (document, details) => {
    for (const matches of matchers) if (!matches(document, details)) return false;
    return true;
  };
}

function anyOf(matchers: Matcher[]): Matcher {
  if (matchers.length === 1) return matchers[0]!;
  return (document, details) => {
    for (const matches of matchers) if (matches(document, details)) return true;
    return false;
  };
}
