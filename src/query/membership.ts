/**
 * `$in` and `$nin`: whether a value is in a list, in constant time for the values lists are made of.
 */
import { LioranError } from "../errors.js";
import { equalValues } from "../values/compare.js";
import { isOperatorDocument } from "./operator-document.js";
import { regexTest } from "./regex.js";
import type { ValueTest } from "./traverse.js";

/** @throws LioranError BAD_VALUE for an operator inside the list */
export function membershipTest(list: readonly unknown[], path: string): ValueTest {
  const scalars = new Set<unknown>();
  const others: unknown[] = [];
  const regexes: ValueTest[] = [];
  for (const entry of list) {
    if (isOperatorDocument(entry)) {
      throw new LioranError("BAD_VALUE", `cannot nest $ under $in at path "${path}".`);
    }
    const scalar = scalarKey(entry);
    if (scalar !== undefined) scalars.add(scalar);
    else if (entry instanceof RegExp) regexes.push(regexTest(entry));
    else others.push(entry);
  }
  return (value) => {
    const scalar = scalarKey(value);
    if (scalar !== undefined && scalars.has(scalar)) return true;
    if (regexes.some((matches) => matches(value))) return true;
    return scalar === undefined && others.some((other) => equalValues(other, value));
  };
}

/**
 * One key for equal scalars: 1n and 1 are equal. Numbers that a double cannot tell apart from
 * their neighbours are compared one by one, so they have no key.
 */
function scalarKey(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Math.abs(value) > Number.MAX_SAFE_INTEGER ? undefined : value;
    case "bigint": {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : undefined;
    }
    default:
      return value === null || value === undefined ? null : undefined;
  }
}
