/**
 * Puts the values of variables into filters and pipelines in place of their names, so that these can be
 * run where nobody knows the variables: by the planner, or in the owner's process.
 */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject } from "../../values/document.js";
import { compileExpression, valueAt } from "../expression.js";
import { equalities } from "../expression-equalities.js";
import { Variables } from "../variables.js";
import { neededFields } from "./dependencies.js";

/**
 * The variables that an aggregation was given: expressions that read no document. Each may name those before it.
 *
 * @throws LioranError BAD_VALUE for an expression that reads a field; what compiling and evaluating it throws
 */
export function letVariables(given: Document, outer: Variables): Variables {
  let variables = outer;
  for (const name of Object.keys(given)) {
    const expression = given[name];
    if (neededFields([{ $replaceWith: expression }])?.size !== 0) {
      throw new LioranError(
        "BAD_VALUE",
        `The variable "${name}" of let must be a constant expression: it cannot read a document.`,
      );
    }
    const value = compileExpression(expression, variables)({});
    variables = new Variables(variables, [name]);
    variables.set(name, value);
  }
  return variables;
}

/**
 * Binds the `$expr` of a filter. Where one compares a field with a value for equality, the filter also
 * says so in a form that an index can answer.
 */
export function bindFilter(filter: Document, variables: Variables): Document {
  const bound: Document = {};
  const hints: Document[] = [];
  for (const name of Object.keys(filter)) {
    const condition = filter[name];
    if (name === "$expr") {
      bound.$expr = bindExpression(condition, variables);
      hints.push(...equalities(bound.$expr));
    } else if (isBranches(name, condition)) {
      bound[name] = condition.map((branch) =>
        isPlainObject(branch) ? bindFilter(branch, variables) : branch,
      );
    } else bound[name] = condition;
  }
  return hints.length === 0 ? bound : { $and: [...hints, bound] };
}

function isBranches(name: string, condition: unknown): condition is unknown[] {
  return ["$and", "$or", "$nor"].includes(name) && Array.isArray(condition);
}

/** @param hidden names that an operator around the expression gives another meaning */
export function bindExpression(
  expression: unknown,
  variables: Variables,
  hidden: ReadonlySet<string> = new Set(),
): unknown {
  if (typeof expression === "string") return bindName(expression, variables, hidden);
  if (Array.isArray(expression)) {
    return expression.map((part) => bindExpression(part, variables, hidden));
  }
  if (!isPlainObject(expression) || "$literal" in expression) return expression;
  const bound: Document = {};
  for (const name of Object.keys(expression)) {
    const operand = expression[name];
    const inner = namesOf(name, operand);
    bound[name] =
      inner && isPlainObject(operand)
        ? bindScope(operand, variables, hidden, inner)
        : bindExpression(operand, variables, hidden);
  }
  return bound;
}

function bindName(name: string, variables: Variables, hidden: ReadonlySet<string>): unknown {
  if (!name.startsWith("$$")) return name;
  const [variable, ...path] = name.slice(2).split(".") as [string, ...string[]];
  if (hidden.has(variable) || !variables.has(variable)) return name;
  const value = valueAt(variables.get(variable), path, 0);
  return value === undefined ? "$$REMOVE" : { $literal: value };
}

/** The variables that an operator defines for its `in` or `cond`. */
function namesOf(operator: string, operand: unknown): string[] | undefined {
  if (!isPlainObject(operand)) return undefined;
  if (operator === "$let") return isPlainObject(operand.vars) ? Object.keys(operand.vars) : [];
  if (operator === "$reduce") return ["this", "value"];
  if (operator !== "$map" && operator !== "$filter") return undefined;
  return [typeof operand.as === "string" ? operand.as : "this"];
}

function bindScope(
  operand: Document,
  variables: Variables,
  hidden: ReadonlySet<string>,
  names: string[],
): Document {
  const within = new Set([...hidden, ...names]);
  return Object.fromEntries(
    Object.entries(operand).map(([part, value]) => {
      const isInside = part === "in" || part === "cond";
      return [part, bindExpression(value, variables, isInside ? within : hidden)];
    }),
  );
}
