/** `$regex` and regular expressions as values: https://www.mongodb.com/docs/manual/reference/operator/query/regex/ */
import { LioranError } from "../errors.js";
import type { Document } from "../values/document.js";
import { boundedRegex } from "./regex/bounded-regex.js";
import type { ValueTest } from "./traverse.js";

/** @throws LioranError BAD_VALUE for a bad pattern or option; COMMAND_NOT_SUPPORTED for option `x` */
export function compileRegex(operand: unknown, siblings: Document, path: string): RegExp {
  const given = siblings.$options;
  if (given !== undefined && typeof given !== "string") {
    throw new LioranError("BAD_VALUE", `$options has to be a string at path "${path}".`);
  }
  if (operand instanceof RegExp) {
    if (given && operand.flags.replace(/[gyd]/g, "") !== "") {
      throw new LioranError("BAD_VALUE", `options set in both $regex and $options at "${path}".`);
    }
    return given === undefined ? operand : withOptions(operand.source, given, path);
  }
  if (typeof operand !== "string") {
    throw new LioranError("BAD_VALUE", `$regex has to be a string or a RegExp at path "${path}".`);
  }
  return withOptions(operand, given ?? "", path);
}

function withOptions(source: string, options: string, path: string): RegExp {
  if (options.includes("x")) {
    const message = `$options "x" (extended) is not supported at path "${path}".`;
    throw new LioranError("COMMAND_NOT_SUPPORTED", message);
  }
  if (/[^imsu]/.test(options)) {
    throw new LioranError(
      "BAD_VALUE",
      `invalid flag in $options "${options}" at path "${path}". Allowed are i, m, s and u.`,
    );
  }
  try {
    return new RegExp(source, [...new Set(options)].join(""));
  } catch (cause) {
    const message = `Regular expression is invalid at path "${path}": ${(cause as Error).message}`;
    throw new LioranError("BAD_VALUE", message, { cause });
  }
}

/**
 * A string that contains a match, or a stored regular expression that is the same one.
 *
 * @throws LioranError BAD_VALUE when no engine can run it in bounded time
 */
export function regexTest(regex: RegExp): ValueTest {
  const bounded = boundedRegex(regex);
  return (value) => {
    if (typeof value === "string") return bounded.test(value);
    return value instanceof RegExp && value.source === regex.source && value.flags === regex.flags;
  };
}
