/**
 * Values of the user's module as bytes: everything that structured clone can carry. What does it is loaded with the
 * first of them (measured: 1 ms of each start).
 */
import { type ErrorName, LioranError } from "../errors.js";
import { thrownText } from "../values/shown.js";

/** How a value that cannot be cloned is reported. */
export interface ClonedAs {
  error: ErrorName;
  /** What the value is, as the beginning of a sentence. */
  what: string;
  bytesMax: number;
}

/**
 * @returns null for `undefined`
 * @throws LioranError as told, when the value cannot be cloned or is too large
 */
export function cloned(value: unknown, { error, what, bytesMax }: ClonedAs): Uint8Array | null {
  if (value === undefined) return null;
  let bytes: Uint8Array;
  try {
    bytes = process.getBuiltinModule("node:v8").serialize(value);
  } catch (cause) {
    throw new LioranError(error, `${what} cannot be cloned: ${thrownText(cause)}`, { cause });
  }
  if (bytes.length <= bytesMax) return bytes;
  throw new LioranError(
    error,
    `${what} takes ${bytes.length} bytes; at most ${bytesMax} are allowed. Write it to a collection instead.`,
  );
}

export function revived(bytes: Uint8Array | null): unknown {
  return bytes ? process.getBuiltinModule("node:v8").deserialize(bytes) : undefined;
}

/** What was thrown, as the cause of an error. */
export function thrownCause(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(thrownText(thrown));
}
