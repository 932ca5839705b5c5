/**
 * `$regexMatch`, `$regexFind` and `$regexFindAll`, which must not run an expression of a user in V8 as
 * mingo does: https://www.mongodb.com/docs/manual/reference/operator/aggregation/regexFind/
 */
import { LioranError } from "../errors.js";
import { regexFindAllLengthMax, regexFindAllMsMax } from "../limits.js";
import { type Document, isPlainObject } from "../values/document.js";
import { evaluate, type Operator } from "./language.js";
import { type BoundedRegex, boundedRegex } from "./regex/bounded-regex.js";
import type { MatchPositions } from "./regex/linear-engine.js";
import { compileRegex } from "./regex.js";
import { typeName } from "./type-names.js";

interface Search {
  readonly input: string;
  readonly regex: BoundedRegex;
}

export const regexOperators: Record<string, Operator> = {
  $regexMatch: (document, operand, options) => {
    const search = searchOf("$regexMatch", document, operand, options);
    return search ? search.regex.test(search.input) : false;
  },
  $regexFind: (document, operand, options) => {
    const search = searchOf("$regexFind", document, operand, options);
    const found = search?.regex.finder(search.input)(0);
    return found
      ? matchOf(search!.input, found, lengthInCodePoints(search!.input, 0, found[0]!))
      : null;
  },
  $regexFindAll: (document, operand, options) => {
    const search = searchOf("$regexFindAll", document, operand, options);
    return search ? allMatches(search) : [];
  },
};

/** @returns undefined when input or regex is null or missing */
function searchOf(
  name: string,
  document: unknown,
  operand: unknown,
  options: unknown,
): Search | undefined {
  if (!isPlainObject(operand)) {
    throw new LioranError("FAILED_TO_PARSE", `${name} expects an object of named arguments.`);
  }
  for (const key of Object.keys(operand)) {
    if (["input", "regex", "options"].includes(key)) continue;
    throw new LioranError("FAILED_TO_PARSE", `${name} found an unknown argument: ${key}.`);
  }
  for (const key of ["input", "regex"]) {
    if (Object.hasOwn(operand, key)) continue;
    throw new LioranError("FAILED_TO_PARSE", `${name} requires "${key}".`);
  }
  const given = evaluate(document, operand, options) as Document;
  const input = given.input ?? null;
  const pattern = given.regex ?? null;
  if (input !== null && typeof input !== "string") throw wrongType(name, "input", input);
  if (pattern !== null && typeof pattern !== "string" && !(pattern instanceof RegExp)) {
    throw wrongType(name, "regex", pattern);
  }
  if (pattern === null) return undefined;
  const regex = boundedRegex(compileRegex(pattern, { $options: given.options ?? undefined }, name));
  return input === null ? undefined : { input, regex };
}

function wrongType(name: string, argument: string, value: unknown): LioranError {
  const wanted = argument === "input" ? "a string" : "a string or a regular expression";
  return new LioranError(
    "TYPE_MISMATCH",
    `${name} needs "${argument}" to be ${wanted}, not ${typeName(value)}.`,
  );
}

function allMatches({ input, regex }: Search): Document[] {
  const find = regex.finder(input);
  const startedAt = performance.now();
  const matches: Document[] = [];
  let [from, length, counted, index] = [0, 0, 0, 0];
  while (from <= input.length) {
    const found = find(from);
    if (!found) break;
    const [start, end] = [found[0]!, found[1]!];
    index += lengthInCodePoints(input, counted, start);
    counted = start;
    matches.push(matchOf(input, found, index));
    length += found.length + end - start;
    if (length > regexFindAllLengthMax) throw tooMuch("finds more than fits into a document");
    if (performance.now() - startedAt > regexFindAllMsMax) {
      throw tooMuch(`takes more than ${regexFindAllMsMax} ms for one text`);
    }
    from = end > start ? end : end + (input.codePointAt(end)! > 0xffff ? 2 : 1);
  }
  return matches;
}

function tooMuch(what: string): LioranError {
  return new LioranError("BAD_VALUE", `$regexFindAll ${what}.`);
}

function matchOf(input: string, positions: MatchPositions, index: number): Document {
  const texts: (string | null)[] = [];
  for (let at = 0; at < positions.length; at += 2) {
    const [start, end] = [positions[at]!, positions[at + 1]!];
    texts.push(start < 0 ? null : input.slice(start, end));
  }
  const [match, ...captures] = texts;
  return { match, idx: index, captures };
}

function lengthInCodePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; count++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return count;
}
