/**
 * Checks what users pass in. An option that is not supported is an error that names it: ignoring it
 * would give a wrong answer without a word.
 */
import type { SortSpec } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { jobIdLengthMax, sortPathsMax } from "../limits.js";
import { normalizeSort } from "../query/sort.js";
import { type Document, isPlainObject } from "../values/document.js";
import { checkArgument, checkFilterArgument } from "../values/validate.js";
import type { Sort, SortDirection } from "./types.js";

type OptionCheck = (value: unknown) => string | undefined;

const natural: OptionCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : "an integer of 0 or more";
const flag: OptionCheck = (value) => (typeof value === "boolean" ? undefined : "true or false");
const object: OptionCheck = (value) => (isPlainObject(value) ? undefined : "an object");
const abortSignal: OptionCheck = (value) =>
  value instanceof AbortSignal ? undefined : "an AbortSignal";
const positive: OptionCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 ? undefined : "an integer of 1 or more";
/** Longest time a timer of Node.js can hold. */
const timerMsMax = 2 ** 31 - 1;
const timeout: OptionCheck = (value) =>
  positive(value) || (value as number) > timerMsMax
    ? `an integer from 1 to ${timerMsMax}, in milliseconds`
    : undefined;
const jobIdPattern = new RegExp(`^[A-Za-z0-9._:-]{1,${jobIdLengthMax}}$`);
const anything: OptionCheck = () => undefined;

/** Every option of any call, and what its value must be. */
const optionChecks = {
  // Accepted as it is in MongoDB; a stage that needs too much memory fails with either value.
  allowDiskUse: flag,
  // What can be cloned is found out by cloning it.
  args: anything,
  arrayFilters: (value: unknown) =>
    Array.isArray(value) && value.every(isPlainObject) ? undefined : "an array of objects",
  batchSize: natural,
  batchTimeoutMs: timeout,
  bypassDocumentValidation: flag,
  // Carried along by tools and loggers; has no effect on the result, in MongoDB neither.
  comment: anything,
  concurrency: positive,
  dropTarget: flag,
  // Checked as the filter of a read.
  filter: anything,
  hint: (value: unknown) =>
    typeof value === "string" || isPlainObject(value)
      ? undefined
      : "the name of an index or its key",
  includeResultMetadata: flag,
  isolation: (value: unknown) =>
    value === "process" || value === "thread" ? undefined : '"process" or "thread"',
  jobId: (value: unknown) =>
    typeof value === "string" && jobIdPattern.test(value)
      ? undefined
      : `1 to ${jobIdLengthMax} letters, digits, ".", ":", "_" or "-"`,
  let: object,
  limit: natural,
  maxAttempts: positive,
  maxMemoryMb: positive,
  maxTimeMS: natural,
  onProgress: (value: unknown) => (typeof value === "function" ? undefined : "a function"),
  ordered: flag,
  projection: object,
  // Told from other values by `api/schema.ts`.
  schema: anything,
  returnDocument: (value: unknown) =>
    value === "before" || value === "after" ? undefined : '"before" or "after"',
  signal: abortSignal,
  skip: natural,
  sort: anything,
  startTimeoutMs: timeout,
  upsert: flag,
  validationAction: (value: unknown) =>
    value === "error" || value === "warn" ? undefined : '"error" or "warn"',
  validationLevel: (value: unknown) =>
    value === "strict" || value === "moderate" || value === "off"
      ? undefined
      : '"strict", "moderate" or "off"',
  validator: object,
} satisfies Record<string, OptionCheck>;

/** The name of an option that some call takes. */
export type OptionName = keyof typeof optionChecks;

const noOptions = Object.freeze({});

/**
 * Checks the options of a call.
 *
 * @param allowed the options this call takes
 * @returns what was checked, and nothing else: an object may give another value each time it is asked
 * @throws INVALID_OPTION naming the call and the option
 */
export function checkOptions<T extends object>(
  call: string,
  options: T | undefined,
  allowed: readonly OptionName[],
): T {
  if (options === undefined) return noOptions as T;
  const checked: Document = {};
  for (const [name, value] of Object.entries(optionsObject(call, options))) {
    if (value === undefined) continue;
    if (!allowed.includes(name as OptionName)) {
      throw new LioranError(
        "INVALID_OPTION",
        `${call}: the option "${name}" is not supported. Supported: ${allowed.join(", ")}.`,
      );
    }
    const rule = optionChecks[name as OptionName](value);
    if (rule) throw new LioranError("INVALID_OPTION", `${call}: "${name}" must be ${rule}.`);
    checked[name] = value;
  }
  return checked as T;
}

/** The options of a call, or none. @throws INVALID_OPTION unless they are an object */
export function optionsObject<T extends object>(call: string, options: T | null | undefined): T {
  if (options === undefined || options === null) return {} as T;
  if (isPlainObject(options)) return options;
  throw new LioranError("INVALID_OPTION", `${call}: the options must be an object.`);
}

/** The filter of a read as it is sent; none means all documents. @throws BAD_VALUE naming the path */
export function checkFilter(call: string, filter: unknown): Document {
  if (filter === undefined || filter === null) return {};
  return checkFilterObject(`${call}: filter`, filter);
}

/** The filter of a write: a variable that is not set must not mean "all". @throws BAD_VALUE */
export function checkWriteFilter(call: string, filter: unknown): Document {
  if (filter === undefined || filter === null) {
    throw new LioranError(
      "BAD_VALUE",
      `${call}: the filter is missing; pass {} for all documents.`,
    );
  }
  return checkFilterObject(`${call}: filter`, filter);
}

/** @throws BAD_VALUE naming the path */
export function checkFilterObject(what: string, value: unknown): Document {
  if (!isPlainObject(value)) {
    throw new LioranError("BAD_VALUE", `${what} must be an object, not ${kindOf(value)}.`);
  }
  return checkFilterArgument(value, what);
}

/** An object argument as it is sent. @throws BAD_VALUE naming the path */
export function checkObject(what: string, value: unknown): Document {
  if (!isPlainObject(value)) {
    throw new LioranError("BAD_VALUE", `${what} must be an object, not ${kindOf(value)}.`);
  }
  return checkArgument(value, what) as Document;
}

/** The stages of an aggregation as they are sent. @throws BAD_VALUE naming the path */
export function checkPipeline(call: string, pipeline: unknown): Document[] {
  if (!Array.isArray(pipeline)) {
    throw new LioranError("BAD_VALUE", `${call}: the pipeline must be an array of stages.`);
  }
  return pipeline.map((stage, at) => checkFilterObject(`${call}: pipeline.${at}`, stage));
}

/** A sort as it is sent. @throws BAD_VALUE */
export function checkSort(call: string, sort: Sort, direction?: SortDirection): SortSpec {
  const paths = normalizeSort(sort, direction);
  if (paths.length > sortPathsMax) {
    throw new LioranError("BAD_VALUE", `${call}: a sort has at most ${sortPathsMax} paths.`);
  }
  return paths;
}

/** The operators or the pipeline of an update. @throws BAD_VALUE, FAILED_TO_PARSE */
export function checkUpdate(call: string, update: unknown): Document | Document[] {
  if (Array.isArray(update)) {
    if (update.length === 0) {
      throw new LioranError("BAD_VALUE", `${call}: the update is empty; it needs a stage.`);
    }
    return update.map((stage, at) => checkObject(`${call}: update.${at}`, stage));
  }
  for (const operand of isPlainObject(update) ? Object.values(update) : []) {
    if (!isPlainObject(operand) || !Object.hasOwn(operand, "")) continue;
    throw new LioranError("EMPTY_FIELD_NAME", `${call}: the path of an update cannot be empty.`);
  }
  const checked = checkObject(`${call}: update`, update);
  const [first] = Object.keys(checked);
  if (first !== undefined && !first.startsWith("$")) {
    throw new LioranError(
      "BAD_VALUE",
      `${call}: an update needs operators such as $set, but "${first}" is a field. Use replaceOne to replace a document.`,
    );
  }
  if (first === undefined) {
    throw new LioranError("BAD_VALUE", `${call}: the update is empty; it needs operators.`);
  }
  return checked;
}

/** A hint as it is sent. @throws BAD_VALUE naming the path */
export function checkHint(call: string, hint: unknown): string | Document | undefined {
  if (hint === undefined || typeof hint === "string") return hint;
  return checkObject(`${call}: hint`, hint);
}

/** One name or several. @throws BAD_VALUE */
export function checkNames(call: string, names: unknown): string[] {
  const given: unknown[] = Array.isArray(names) ? names : [names];
  if (given.every((name) => typeof name === "string")) return given;
  throw new LioranError("BAD_VALUE", `${call}: it takes a name, or an array of names.`);
}

/** @throws BAD_VALUE */
export function checkVerbosity(verbosity: unknown): "queryPlanner" | "executionStats" {
  if (verbosity === "queryPlanner") return verbosity;
  if (verbosity === "executionStats" || verbosity === "allPlansExecution" || verbosity === true) {
    return "executionStats";
  }
  throw new LioranError(
    "BAD_VALUE",
    'explain: the verbosity must be "queryPlanner", "executionStats" or "allPlansExecution".',
  );
}

/** The kind of a value for a message, never the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object"
    ? "an object of another kind"
    : `a value of type ${typeof value}`;
}
