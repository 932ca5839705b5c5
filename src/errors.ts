/**
 * Every error a caller can see: one class, one table of codes. `docs/errors.md` describes each row;
 * a test holds the two against each other.
 *
 * An error means the same, field by field, wherever it was raised: it crosses threads and processes
 * as plain data ({@link encodeError}, {@link decodeError}), because structured clone drops `code`.
 */
import { thrownText } from "./values/shown.js";

/**
 * Code and retryability of each condition, by the name our code uses. Where MongoDB has a number for
 * the condition, `code` is that number (https://www.mongodb.com/docs/manual/reference/error-codes/).
 */
export const ERRORS = {
  // Conditions MongoDB knows, with its numbers.
  BAD_VALUE: { code: 2, retryable: false },
  FAILED_TO_PARSE: { code: 9, retryable: false },
  TYPE_MISMATCH: { code: 14, retryable: false },
  NAMESPACE_NOT_FOUND: { code: 26, retryable: false },
  INDEX_NOT_FOUND: { code: 27, retryable: false },
  PATH_NOT_VIABLE: { code: 28, retryable: false },
  CANNOT_BACKFILL_ARRAY: { code: 34, retryable: false },
  CONFLICTING_UPDATE: { code: 40, retryable: false },
  CURSOR_NOT_FOUND: { code: 43, retryable: true },
  NAMESPACE_EXISTS: { code: 48, retryable: false },
  MAX_TIME_EXPIRED: { code: 50, retryable: false },
  DOLLAR_PREFIXED_FIELD: { code: 52, retryable: false },
  INVALID_ID_FIELD: { code: 53, retryable: false },
  NOT_SINGLE_VALUE_FIELD: { code: 54, retryable: false },
  EMPTY_FIELD_NAME: { code: 56, retryable: false },
  IMMUTABLE_FIELD: { code: 66, retryable: false },
  CANNOT_CREATE_INDEX: { code: 67, retryable: false },
  INVALID_INDEX_OPTIONS: { code: 72, retryable: false },
  INVALID_NAMESPACE: { code: 73, retryable: false },
  INDEX_OPTIONS_CONFLICT: { code: 85, retryable: false },
  INDEX_KEY_SPECS_CONFLICT: { code: 86, retryable: false },
  WRITE_CONFLICT: { code: 112, retryable: true },
  COMMAND_NOT_SUPPORTED: { code: 115, retryable: false },
  DOCUMENT_VALIDATION_FAILED: { code: 121, retryable: false },
  CANNOT_INDEX_PARALLEL_ARRAYS: { code: 171, retryable: false },
  AMBIGUOUS_INDEX_KEY_PATTERN: { code: 181, retryable: false },
  INVALID_INDEX_SPECIFICATION_OPTION: { code: 197, retryable: false },
  SNAPSHOT_TOO_OLD: { code: 239, retryable: true },
  INDEX_BUILD_ABORTED: { code: 276, retryable: true },
  MEMORY_EXCEEDED: { code: 292, retryable: false },
  DOCUMENT_TOO_LARGE: { code: 10334, retryable: false },
  DUPLICATE_KEY: { code: 11000, retryable: false },
  KEY_TOO_LONG: { code: 17280, retryable: false },
  UNDEFINED_VARIABLE: { code: 17276, retryable: false },
  UNKNOWN_STAGE: { code: 40324, retryable: false },
  NO_UNIQUE_INDEX: { code: 51183, retryable: false },
  NO_MATCHING_DOCUMENT: { code: 13113, retryable: false },
  // Conditions of our own.
  ABORTED: { code: "ABORTED", retryable: false },
  CLOSED: { code: "CLOSED", retryable: false },
  CORRUPTED: { code: "CORRUPTED", retryable: false },
  INVALID_OPTION: { code: "INVALID_OPTION", retryable: false },
  IO: { code: "IO", retryable: false },
  JOB_BATCH: { code: "JOB_BATCH", retryable: false },
  JOB_CONFLICT: { code: "JOB_CONFLICT", retryable: false },
  JOB_MODULE: { code: "JOB_MODULE", retryable: false },
  JOB_SUPERSEDED: { code: "JOB_SUPERSEDED", retryable: false },
  LOCK_HELD: { code: "LOCK_HELD", retryable: true },
  NEWER_FORMAT: { code: "NEWER_FORMAT", retryable: false },
  NOT_AVAILABLE: { code: "NOT_AVAILABLE", retryable: false },
  NO_PRIMARY: { code: "NO_PRIMARY", retryable: true },
  OUTCOME_UNKNOWN: { code: "OUTCOME_UNKNOWN", retryable: false },
  PERMISSION: { code: "PERMISSION", retryable: false },
  PROTOCOL: { code: "PROTOCOL", retryable: false },
  PROTOCOL_VERSION: { code: "PROTOCOL_VERSION", retryable: false },
  QUEUE_FULL: { code: "QUEUE_FULL", retryable: true },
  READ_ONLY: { code: "READ_ONLY", retryable: false },
  ROOT_INVALID: { code: "ROOT_INVALID", retryable: false },
  SOURCE_FAILED: { code: "SOURCE_FAILED", retryable: false },
  INTERNAL: { code: "INTERNAL", retryable: false },
} as const satisfies Record<string, { code: number | string; retryable: boolean }>;

/** The name of a condition in {@link ERRORS}. */
export type ErrorName = keyof typeof ERRORS;

/** The stable `code` of a {@link LioranError}: MongoDB's number, or a string of our own. */
export type ErrorCode = (typeof ERRORS)[ErrorName]["code"];

/** One failed write inside an `insertMany` or `bulkWrite`. */
export interface WriteError {
  /** Position of the failed document or operation in the array that was passed in. */
  index: number;
  code: ErrorCode;
  errmsg: string;
  keyPattern?: Record<string, unknown>;
  keyValue?: Record<string, unknown>;
  errInfo?: Record<string, unknown>;
}

/** What an error carries beyond its message. All of it survives the way between processes. */
export interface ErrorDetails {
  /** Duplicate key: the fields of the violated index. */
  keyPattern?: Record<string, unknown>;
  /** Duplicate key: the values that exist already. */
  keyValue?: Record<string, unknown>;
  /** Refused by a validator: `{ failingDocumentId, details }`, as MongoDB's. */
  errInfo?: Record<string, unknown>;
  /** Bulk writes: what did succeed, in the shape of the success result. */
  result?: Record<string, unknown>;
  /** Bulk writes: each failed write. */
  writeErrors?: WriteError[];
}

/**
 * The one error class of LioranDB. Decide by `code` and `retryable`; messages may change.
 */
export class LioranError extends Error {
  /** Bundling must not change it. */
  static override readonly name = "LioranError";
  override readonly name = "LioranError";
  /** Stable across versions: MongoDB's number for the condition, or a string of our own. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;
  declare readonly keyPattern?: Record<string, unknown>;
  declare readonly keyValue?: Record<string, unknown>;
  declare readonly errInfo?: Record<string, unknown>;
  declare readonly result?: Record<string, unknown>;
  declare readonly writeErrors?: WriteError[];

  /**
   * @param condition which row of {@link ERRORS}
   * @param message what happened and what to do about it
   */
  constructor(
    condition: ErrorName,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: plainCause(options.cause) });
    const row = ERRORS[condition];
    this.code = row.code;
    this.retryable = row.retryable;
    if (options.details) Object.assign(this, options.details);
  }

  /** The same error with other details: what a bulk write throws for its first failed statement. */
  with(details: ErrorDetails): LioranError {
    const name = NAME_BY_CODE.get(this.code) ?? "INTERNAL";
    const given = Object.entries(details).filter(([, value]) => value !== undefined);
    return new LioranError(name, this.message, {
      cause: this.cause,
      details: Object.fromEntries(given),
    });
  }
}

/** What an error says about the one write that failed: a bulk write's error has it of the first one. */
export function failureDetails({ keyPattern, keyValue, errInfo }: LioranError): ErrorDetails {
  return { keyPattern, keyValue, errInfo };
}

/** The same on this thread as after a way between processes: an `Error` with the message. */
function plainCause(cause: unknown): Error {
  if (cause instanceof Error && cause.constructor === Error) return cause;
  const plain = new Error(thrownText(cause));
  if (cause instanceof Error && cause.stack) plain.stack = cause.stack;
  return plain;
}

const NAME_BY_CODE = new Map(
  (Object.keys(ERRORS) as ErrorName[]).map((name) => [ERRORS[name].code as ErrorCode, name]),
);

/** An error as plain data, the same on the socket, on the message port and from the pool. */
export interface EncodedError {
  code: ErrorCode;
  message: string;
  details?: ErrorDetails;
  cause?: string;
}

/**
 * Turns anything thrown into plain data. What is not a {@link LioranError} is a bug or a fault of a
 * part below us and becomes `INTERNAL`, with its stack as the cause.
 */
export function encodeError(error: unknown): EncodedError {
  if (!(error instanceof LioranError)) {
    const text = thrownText(error);
    const stack = error instanceof Error ? (error.stack ?? text) : text;
    return { code: "INTERNAL", message: `Unexpected failure: ${text}`, cause: stack };
  }
  const encoded: EncodedError = { code: error.code, message: error.message };
  const details: ErrorDetails = {};
  if (error.keyPattern) details.keyPattern = error.keyPattern;
  if (error.keyValue) details.keyValue = error.keyValue;
  if (error.errInfo) details.errInfo = error.errInfo;
  if (error.result) details.result = error.result;
  if (error.writeErrors) details.writeErrors = error.writeErrors;
  if (Object.keys(details).length > 0) encoded.details = details;
  if (error.cause !== undefined) encoded.cause = thrownText(error.cause);
  return encoded;
}

/** The inverse of {@link encodeError}. An unknown code (a newer peer) becomes `INTERNAL`. */
export function decodeError(encoded: EncodedError): LioranError {
  const name = NAME_BY_CODE.get(encoded.code) ?? "INTERNAL";
  return new LioranError(name, encoded.message, {
    cause: encoded.cause === undefined ? undefined : new Error(encoded.cause),
    details: encoded.details,
  });
}
