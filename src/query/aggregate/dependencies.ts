/**
 * Which top-level fields of its input a pipeline looks at, so that a scan decodes only those. What is
 * not understood counts as "all of them": too much is slow, too little would be wrong.
 */
import { type Document, isPlainObject } from "../../values/document.js";
import { isInclusion } from "../project.js";
import { addSpecification, newNode } from "../projection-tree.js";

/** Collects the names; `all` once whole documents are needed. */
class Needs {
  readonly fields = new Set<string>();
  all = false;

  path(path: unknown): void {
    if (typeof path === "string") this.fields.add(path.split(".", 1)[0]!);
  }

  paths(document: unknown): void {
    if (isPlainObject(document)) for (const path of Object.keys(document)) this.path(path);
  }

  expression(expression: unknown): void {
    if (typeof expression === "string") this.#text(expression);
    if (Array.isArray(expression)) for (const part of expression) this.expression(part);
    if (!isPlainObject(expression)) return;
    for (const name of Object.keys(expression)) {
      if (name === "$literal") continue;
      if (name === "$getField") this.all = true;
      if (name === "sortBy") this.paths(expression[name]);
      this.expression(expression[name]);
    }
  }

  filter(filter: unknown): void {
    if (!isPlainObject(filter)) return;
    for (const name of Object.keys(filter)) {
      const condition = filter[name];
      if (!name.startsWith("$")) this.path(name);
      else if (name === "$expr") this.expression(condition);
      else if (Array.isArray(condition)) for (const branch of condition) this.filter(branch);
    }
  }

  #text(text: string): void {
    if (!text.startsWith("$")) return;
    const [name, ...path] = text.split(".") as [string, ...string[]];
    if (!name.startsWith("$$")) this.fields.add(name.slice(1));
    // Other variables were given their values by expressions that are seen as well.
    else if (name !== "$$ROOT" && name !== "$$CURRENT") return;
    else if (path.length > 0) this.fields.add(path[0]!);
    else this.all = true;
  }
}

/** Notes what a stage needs. @returns whether later stages see nothing but what this one made */
type Describe = (operand: unknown, needs: Needs) => boolean;

const passesOn: Describe = () => false;

const stages: Readonly<Record<string, Describe>> = {
  $match(operand, needs) {
    needs.filter(operand);
    return false;
  },
  $sort(operand, needs) {
    needs.paths(operand);
    return false;
  },
  $limit: passesOn,
  $skip: passesOn,
  $sample: passesOn,
  $unionWith: passesOn,
  $unset: passesOn,
  $addFields: added,
  $set: added,
  $unwind(operand, needs) {
    const path = isPlainObject(operand) ? operand.path : operand;
    needs.expression(path);
    return false;
  },
  $project(operand, needs) {
    if (!isPlainObject(operand)) return false;
    needs.paths(operand);
    needs.expression(operand);
    needs.fields.add("_id");
    return isIncluding(operand);
  },
  $group: made,
  $bucket: made,
  $bucketAuto: made,
  $sortByCount: made,
  $replaceRoot: made,
  $replaceWith: made,
  $count: () => true,
  $facet(operand, needs) {
    if (!isPlainObject(operand)) return false;
    for (const pipeline of Object.values(operand)) {
      const fields = Array.isArray(pipeline) ? neededFields(pipeline) : undefined;
      if (!fields) needs.all = true;
      else for (const name of fields) needs.fields.add(name);
    }
    return true;
  },
  $lookup(operand, needs) {
    if (!isPlainObject(operand)) return false;
    needs.path(operand.localField);
    needs.path(operand.as);
    needs.expression(operand.let);
    return false;
  },
};

function added(operand: unknown, needs: Needs): boolean {
  needs.paths(operand);
  needs.expression(operand);
  return false;
}

function made(operand: unknown, needs: Needs): boolean {
  needs.expression(operand);
  return true;
}

/** @returns `undefined` when whole documents are needed */
export function neededFields(pipeline: readonly Document[]): ReadonlySet<string> | undefined {
  const needs = new Needs();
  for (const stage of pipeline) {
    const [name] = Object.keys(stage);
    if (name === undefined || !Object.hasOwn(stages, name)) return undefined;
    const isMade = stages[name]!(stage[name], needs);
    if (needs.all) return undefined;
    if (isMade) return needs.fields;
  }
  return undefined;
}

/** A specification that is wrong is found by the compiler, later. */
function isIncluding(specification: Document): boolean {
  try {
    const root = newNode();
    for (const path of Object.keys(specification)) {
      addSpecification(root, path, withoutExpressions(specification[path]));
    }
    return isInclusion(root);
  } catch {
    return false;
  }
}

/** Only whether something is computed matters, not what: it may name variables. */
function withoutExpressions(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return value;
  }
  if (!isPlainObject(value)) return "computed";
  const names = Object.keys(value);
  if (names.length === 0 || names.some((name) => name.startsWith("$"))) return "computed";
  return Object.fromEntries(names.map((name) => [name, withoutExpressions(value[name])]));
}
