/**
 * Standard Schema (https://standardschema.dev): the interface that zod, valibot, arktype and others
 * share. A collection that was given such a schema validates what is written through it, in the
 * process that writes, before anything is sent.
 */
import { LioranError } from "../errors.js";
import { schemaViolationsMax } from "../limits.js";
import { type Document, isPlainObject } from "../values/document.js";
import { kindOf } from "./arguments.js";
import type { StandardIssue, StandardSchema } from "./types/schema.js";

/** @throws INVALID_OPTION */
export function checkSchema(call: string, schema: unknown): StandardSchema | undefined {
  if (schema === undefined) return undefined;
  // Some libraries' schemas are functions.
  const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  const standard = isHolder && (schema as Partial<StandardSchema>)["~standard"];
  if (standard && standard.version === 1 && typeof standard.validate === "function") {
    return schema as StandardSchema;
  }
  throw new LioranError(
    "INVALID_OPTION",
    `${call}: "schema" must be a Standard Schema (version 1), such as one of zod, valibot or arktype.`,
  );
}

/**
 * Validates a document to insert. What the schema gives is what is stored; an `_id` that the caller
 * has set stays when the schema does not speak of it.
 *
 * @throws DOCUMENT_VALIDATION_FAILED with all issues, BAD_VALUE when the schema gives no document
 */
export async function validateInsert(
  schema: StandardSchema,
  document: unknown,
  what: string,
): Promise<Document> {
  const output = await validate(schema, document, what);
  if (Object.hasOwn(output, "_id") || !hasId(document)) return output;
  return { _id: document._id, ...output };
}

/** As {@link validateInsert} for a replacement: an `_id` that the schema makes up is left out. */
export async function validateReplacement(
  schema: StandardSchema,
  replacement: unknown,
  what: string,
): Promise<Document> {
  const output = await validateInsert(schema, replacement, what);
  if (hasId(replacement) || !Object.hasOwn(output, "_id")) return output;
  const { _id, ...rest } = output;
  return rest;
}

async function validate(
  schema: StandardSchema,
  document: unknown,
  what: string,
): Promise<Document> {
  const result = await schema["~standard"].validate(document);
  if (result.issues) throw refusal(document, result.issues, what);
  if (isPlainObject(result.value)) return result.value;
  throw new LioranError(
    "BAD_VALUE",
    `${what}: the schema of the collection must give an object, not ${kindOf(result.value)}.`,
  );
}

function refusal(document: unknown, given: readonly StandardIssue[], what: string): LioranError {
  const issues = given
    .slice(0, schemaViolationsMax)
    .map(({ path = [], message }) => ({ path: path.map(stepOf).join("."), message }));
  const listed = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const failing = hasId(document) ? { failingDocumentId: document._id } : {};
  return new LioranError(
    "DOCUMENT_VALIDATION_FAILED",
    `${what} does not match the schema of the collection: ${listed.join("; ")}`,
    { details: { errInfo: { ...failing, details: { issues } } } },
  );
}

function stepOf(step: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof step === "object" ? step.key : step);
}

function hasId(document: unknown): document is Document {
  return isPlainObject(document) && Object.hasOwn(document, "_id");
}
