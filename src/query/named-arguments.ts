/** Operators whose arguments have names: a name that is misspelt is an error, never ignored. */
import { LioranError } from "../errors.js";
import { type Document, isPlainObject } from "../values/document.js";

/** @throws LioranError FAILED_TO_PARSE naming the operator and the argument */
export function namedArguments(
  name: string,
  operand: unknown,
  required: readonly string[],
  optional: readonly string[],
): Document {
  if (!isPlainObject(operand)) throw malformed(`${name} needs an object of named arguments.`);
  for (const part of required) {
    if (!Object.hasOwn(operand, part)) throw malformed(`Missing '${part}' parameter to ${name}.`);
  }
  for (const part of Object.keys(operand)) {
    if (required.includes(part) || optional.includes(part)) continue;
    throw malformed(`Unrecognized parameter to ${name}: ${part}.`);
  }
  return operand;
}

function malformed(message: string): LioranError {
  return new LioranError("FAILED_TO_PARSE", message);
}

type Names = readonly [required: readonly string[], optional: readonly string[]];

const trimmed: Names = [["input"], ["chars"]];
const replaced: Names = [["input", "find", "replacement"], []];
const counted: Names = [["input", "n"], []];

/** Operators that do not check it themselves. */
const namesOf: Readonly<Record<string, Names>> = {
  $convert: [
    ["input", "to"],
    ["onError", "onNull"],
  ],
  $dateTrunc: [
    ["date", "unit"],
    ["binSize", "timezone", "startOfWeek"],
  ],
  $firstN: counted,
  $lastN: counted,
  $ltrim: trimmed,
  $maxN: counted,
  $minN: counted,
  $replaceAll: replaced,
  $replaceOne: replaced,
  $rtrim: trimmed,
  $setField: [["field", "input", "value"], []],
  $sortArray: [["input", "sortBy"], []],
  $trim: trimmed,
  $unsetField: [["field", "input"], []],
  $zip: [["inputs"], ["useLongestLength", "defaults"]],
};

/** @throws LioranError FAILED_TO_PARSE */
export function checkNamedArguments(name: string, operand: unknown): void {
  if (!Object.hasOwn(namesOf, name)) return;
  const [required, optional] = namesOf[name]!;
  namedArguments(name, operand, required, optional);
}
