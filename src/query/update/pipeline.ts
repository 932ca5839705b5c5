/** Updates by aggregation pipeline: https://www.mongodb.com/docs/manual/tutorial/update-documents-with-aggregation-pipeline/ */
import { LioranError } from "../../errors.js";
import { type Document, isPlainObject, isSubdocument } from "../../values/document.js";
import { compileExpression } from "../expression.js";
import { parseWritablePath } from "../path.js";
import { addComputed, compileProject } from "../project.js";
import { addLeaf, addSpecification, newNode, type ProjectionNode } from "../projection-tree.js";
import type { Variables } from "../variables.js";

/** One step of the pipeline: gives a new document. */
export type DocumentStage = (document: Document, now?: Date) => Document;

/** The stages that change one document at a time, which an aggregation has as well. */
export const documentStages: Readonly<
  Record<string, (operand: unknown, name: string, variables?: Variables) => DocumentStage>
> = {
  $set: addFields,
  $addFields: addFields,
  $unset: unset,
  $project: project,
  $replaceRoot: replaceRoot,
  $replaceWith: replaceWith,
};

/** @throws LioranError BAD_VALUE, FAILED_TO_PARSE naming the stage */
export function compilePipeline(pipeline: readonly Document[]): DocumentStage {
  const compiled = pipeline.map((stage) => {
    const names = isPlainObject(stage) ? Object.keys(stage) : [];
    const [name] = names;
    if (name === undefined || names.length > 1) {
      throw new LioranError("BAD_VALUE", "A pipeline stage must have exactly one field.");
    }
    const compile = Object.hasOwn(documentStages, name) ? documentStages[name] : undefined;
    if (!compile) {
      throw new LioranError(
        "BAD_VALUE",
        `${name} is not allowed to be used within an update. Allowed are ${Object.keys(documentStages).join(", ")}.`,
      );
    }
    return compile(stage[name], name);
  });
  return (document, now) => compiled.reduce((result, stage) => stage(result, now), document);
}

function addFields(operand: unknown, name: string, variables?: Variables): DocumentStage {
  const specification = objectOf(operand, name);
  const root = newNode();
  for (const field of Object.keys(specification)) {
    addComputedField(root, field, specification[field], variables);
  }
  return (document, now) => addComputed(document, root, { root: document, now });
}

/** Here, unlike in `$project`, numbers and booleans are values. */
function addComputedField(
  root: ProjectionNode,
  text: string,
  value: unknown,
  variables: Variables | undefined,
): void {
  const path = parseWritablePath(text);
  for (const segment of path.segments) {
    if (!segment.startsWith("$")) continue;
    throw new LioranError(
      "BAD_VALUE",
      `FieldPath "${text}" may not have a name that begins with "$". Use $setField.`,
    );
  }
  if (isPlainObject(value)) {
    const names = Object.keys(value);
    if (names.length > 0 && !names.some((name) => name.startsWith("$"))) {
      for (const name of names) {
        addComputedField(root, `${text}.${name}`, value[name], variables);
      }
      return;
    }
  }
  addLeaf(root, path, { kind: "compute", expression: compileExpression(value, variables) });
}

function unset(operand: unknown, name: string): DocumentStage {
  const paths: unknown[] = Array.isArray(operand) ? operand : [operand];
  if (paths.length === 0) {
    throw new LioranError("BAD_VALUE", `${name} needs a path or a nonempty array of paths.`);
  }
  const root = newNode();
  for (const path of paths) {
    if (typeof path !== "string" || path === "" || path.startsWith("$")) {
      throw new LioranError("BAD_VALUE", `${name} takes names of fields, without "$" in front.`);
    }
    addLeaf(root, parseWritablePath(path), { kind: "exclude" });
  }
  const run = compileProject(root);
  return (document, now) => run(document, now);
}

function project(operand: unknown, name: string, variables?: Variables): DocumentStage {
  const specification = objectOf(operand, name);
  const root = newNode();
  for (const field of Object.keys(specification)) {
    addSpecification(root, field, specification[field], variables);
  }
  const run = compileProject(root);
  return (document, now) => run(document, now);
}

function replaceRoot(operand: unknown, name: string, variables?: Variables): DocumentStage {
  const { newRoot } = objectOf(operand, name);
  return replaceWith(newRoot, name, variables);
}

function replaceWith(operand: unknown, name: string, variables?: Variables): DocumentStage {
  const expression = compileExpression(operand, variables);
  return (document, now) => {
    const result = expression(document, now);
    if (isSubdocument(result)) return result;
    throw new LioranError(
      "BAD_VALUE",
      `The expression of ${name} must give an object. Guard it with $ifNull or $mergeObjects.`,
    );
  };
}

function objectOf(operand: unknown, name: string): Document {
  if (isPlainObject(operand) && Object.keys(operand).length > 0) return operand;
  throw new LioranError("BAD_VALUE", `${name} needs an object with at least one field.`);
}
