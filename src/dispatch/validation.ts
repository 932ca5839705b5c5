/**
 * The validator of a collection: what `createCollection` and `collMod` said its documents must match
 * (https://www.mongodb.com/docs/manual/core/schema-validation/). Every write of every process passes
 * here, inside the transaction that applies it.
 *
 * Owning thread: the Host.
 */
import { encode } from "../cbor/codec.js";
import { LioranError } from "../errors.js";
import {
  validationDetailsBytesMax,
  validationWarningIntervalMs,
  validationWarningsMax,
} from "../limits.js";
import { compileFilter, type Matcher } from "../query/filter.js";
import { compileJsonSchema } from "../query/json-schema.js";
import { withTimeLimit } from "../query/loop-control.js";
import { filterHasLoop } from "../query/loops.js";
import { isOperatorDocument } from "../query/operator-document.js";
import type { CollectionEntry } from "../storage/catalog.js";
import type { Document } from "../values/document.js";
import type { ValidationOptions } from "./operation.js";

/** A validator that is in force. */
export interface Validator {
  /** @throws DOCUMENT_VALIDATION_FAILED */
  checkInsert(namespace: string, document: Document): void;
  /** @throws DOCUMENT_VALIDATION_FAILED */
  checkUpdate(namespace: string, before: Document, after: Document): void;
}

/** An entry is the same object until something about its collection changes. */
const validators = new WeakMap<CollectionEntry, Validator>();

/** The validator of a collection, or undefined when it takes any document. */
export function validatorOf(entry: CollectionEntry): Validator | undefined {
  const options = entry.options as ValidationOptions;
  if (!options.validator || options.validationLevel === "off") return undefined;
  if (Object.keys(options.validator).length === 0) return undefined;
  let validator = validators.get(entry);
  if (!validator) {
    validator = compileValidator(options.validator, options);
    validators.set(entry, validator);
  }
  return validator;
}

function compileValidator(filter: Document, options: ValidationOptions): Validator {
  const matches = withTimeLimit(filterHasLoop(filter), compileFilter(filter));
  const clauses = Object.keys(filter).map((name) => compileClause(name, filter[name]));
  const check = (namespace: string, document: Document) => {
    if (matches(document)) return;
    if (options.validationAction === "warn") warn(namespace);
    else throw refusal(document, clauses);
  };
  return {
    checkInsert: check,
    checkUpdate(namespace, before, after) {
      // A document that was there before the validator may stay as it is.
      if (options.validationLevel === "moderate" && !matches(before)) return;
      check(namespace, after);
    },
  };
}

/** One name of the filter: whether it holds, and what to tell when it does not. */
interface Clause {
  matches: Matcher;
  details(document: Document): Document;
}

function compileClause(name: string, condition: unknown): Clause {
  const matches = compileFilter({ [name]: condition });
  if (name === "$jsonSchema") {
    const { violations } = compileJsonSchema(condition);
    const details = (document: Document) => ({
      operatorName: name,
      schemaRulesNotSatisfied: violations(document),
    });
    return { matches, details };
  }
  const [first = name] = isOperatorDocument(condition) ? Object.keys(condition) : ["$eq"];
  const operatorName = name.startsWith("$") ? name : first;
  return { matches, details: () => ({ operatorName, specifiedAs: { [name]: condition } }) };
}

function refusal(document: Document, clauses: readonly Clause[]): LioranError {
  const failed = clauses.filter(({ matches }) => !matches(document));
  const [first] = failed;
  const details =
    failed.length === 1
      ? bounded(first!.details(document))
      : bounded({
          operatorName: "$and",
          clausesNotSatisfied: failed.map((clause) => clause.details(document)),
        });
  return new LioranError(
    "DOCUMENT_VALIDATION_FAILED",
    "Document failed validation. See errInfo for the rules that it violates.",
    { details: { errInfo: { failingDocumentId: document._id, details } } },
  );
}

/** A validator may hold long lists; thousands of refusals must fit into one reply. */
function bounded(details: Document): Document {
  if (encode(details).length <= validationDetailsBytesMax) return details;
  return { operatorName: details.operatorName };
}

/** When a collection last warned, and how many writes there were since; the newest at the end. */
const warnings = new Map<string, { atMs: number; writes: number }>();

/** Reports writes that went through all the same: once in a while, and how many there were. */
function warn(namespace: string): void {
  const nowMs = performance.now();
  const last = warnings.get(namespace);
  if (last && nowMs - last.atMs < validationWarningIntervalMs) {
    last.writes += 1;
    return;
  }
  const writes = (last?.writes ?? 0) + 1;
  warnings.delete(namespace);
  warnings.set(namespace, { atMs: nowMs, writes: 0 });
  if (warnings.size > validationWarningsMax) warnings.delete(warnings.keys().next().value!);
  const documents = writes === 1 ? "A document" : `${writes} documents`;
  process.emitWarning(
    `${documents} of ${namespace} failed validation and went through (validationAction "warn").`,
    { type: "LioranWarning", code: "DOCUMENT_VALIDATION_FAILED" },
  );
}
