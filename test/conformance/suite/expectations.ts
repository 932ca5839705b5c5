/** What a failing call is expected to tell. */
import assert from "node:assert/strict";
import { type ErrorCode, LioranError } from "@liorandb/core";

export interface ExpectedError {
  code: ErrorCode;
  /** What the message must name. */
  names?: readonly string[];
}

/** The error of a call that must reject with it. */
export async function rejection(
  call: () => unknown,
  { code, names = [] }: ExpectedError,
): Promise<LioranError> {
  const error = await thrownBy(call);
  assert.ok(error instanceof LioranError, `a LioranError instead of ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.equal(error.name, "LioranError");
  for (const name of names) assert.ok(error.message.includes(name), `"${error.message}": ${name}`);
  return error;
}

/** A method may throw at once or reject: a caller who awaits it sees no difference. */
export async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("the call should have failed");
}
