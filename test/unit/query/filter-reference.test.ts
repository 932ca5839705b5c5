/**
 * Our predicates against MongoDB's rules written down once more, as plainly as possible and with
 * nothing compiled. Unlike mingo (`filter-mingo.test.ts`) it leaves nothing out. `LIORAN_FUZZ_RUNS`
 * sets the runs; fast-check prints the seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter } from "../../../src/query/filter.js";
import type { Document } from "../../../src/values/document.js";
import { filter, object } from "./arbitrary-filters.js";

/** Where a path ends. An array that was picked by its position in another one is not looked into. */
interface End {
  readonly value: unknown;
  readonly isPicked: boolean;
}

function matches(given: Document, document: Document): boolean {
  return Object.entries(given).every(([name, condition]) => {
    const branches = condition as Document[];
    if (name === "$and") return branches.every((branch) => matches(branch, document));
    if (name === "$or") return branches.some((branch) => matches(branch, document));
    if (name === "$nor") return !branches.some((branch) => matches(branch, document));
    return holds(condition, endsOf(document, name.split(".")));
  });
}

function endsOf(node: unknown, segments: string[], isPicked = false): End[] {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [{ value: node, isPicked }];
  if (Array.isArray(node)) {
    const inDocuments = node.filter(isObject).flatMap((one) => endsOf(one, segments));
    if (!/^\d+$/.test(segment) || Number(segment) >= node.length) return inDocuments;
    const picked: unknown = node[Number(segment)];
    const isScalar = typeof picked !== "object" || picked === null;
    if (isScalar && rest.length > 0) return inDocuments;
    return [...inDocuments, ...endsOf(picked, rest, true)];
  }
  return isObject(node) ? endsOf(node[segment], rest) : [{ value: undefined, isPicked }];
}

function holds(condition: unknown, ends: End[]): boolean {
  if (condition instanceof RegExp) return operatorHolds("$regex", condition, ends);
  if (!isObject(condition) || !Object.keys(condition)[0]?.startsWith("$")) {
    return operatorHolds("$eq", condition, ends);
  }
  return Object.entries(condition).every(([name, operand]) => operatorHolds(name, operand, ends));
}

function operatorHolds(name: string, operand: unknown, ends: End[]): boolean {
  const some = (test: (one: unknown) => boolean) =>
    ends.some(({ value, isPicked }) =>
      (Array.isArray(value) && !isPicked ? [...(value as unknown[]), value] : [value]).some(test),
    );
  const whole = (test: (one: unknown) => boolean) => ends.some(({ value }) => test(value));
  const list = operand as unknown[];
  switch (name) {
    case "$eq":
      return some((one) => order(one, operand) === 0);
    case "$ne":
      return !operatorHolds("$eq", operand, ends);
    case "$gt":
      return some((one) => rank(one) === rank(operand) && order(one, operand) > 0);
    case "$gte":
      return some((one) => rank(one) === rank(operand) && order(one, operand) >= 0);
    case "$lt":
      return some((one) => rank(one) === rank(operand) && order(one, operand) < 0);
    case "$lte":
      return some((one) => rank(one) === rank(operand) && order(one, operand) <= 0);
    case "$in":
      return list.some((one) => holds(one instanceof RegExp ? one : { $eq: one }, ends));
    case "$nin":
      return !operatorHolds("$in", operand, ends);
    case "$all":
      return (
        list.length > 0 &&
        list.every((one) => holds(one instanceof RegExp ? one : { $eq: one }, ends))
      );
    case "$exists":
      return whole((one) => one !== undefined) === operand;
    case "$type":
      return some((one) => [operand].flat().some((type) => typesOf(one).includes(type as string)));
    case "$size":
      return whole((one) => Array.isArray(one) && one.length === operand);
    case "$mod":
      return some(
        (one) => typeof one === "number" && order(Math.trunc(one) % Number(list[0]), list[1]) === 0,
      );
    case "$regex":
      return some((one) => typeof one === "string" && (operand as RegExp).test(one));
    case "$not":
      return !holds(operand, ends);
    case "$elemMatch":
      return whole(
        (one) => Array.isArray(one) && one.some((element) => elementMatches(operand, element)),
      );
    default:
      throw new Error(name);
  }
}

function elementMatches(operand: unknown, element: unknown): boolean {
  const condition = operand as Document;
  const isFilter = !/^\$(?!and$|or$|nor$)/.test(Object.keys(condition)[0]!);
  if (!isFilter) return holds(condition, [{ value: element, isPicked: true }]);
  if (typeof element !== "object" || element === null) return false;
  // An array counts as a document whose names are its positions.
  return matches(condition, { ...element });
}

function typesOf(one: unknown): string[] {
  if (typeof one === "number") return [Number.isInteger(one) ? "int" : "double", "number"];
  if (typeof one === "boolean") return ["bool"];
  return [one === null ? "null" : Array.isArray(one) ? "array" : typeof one];
}

const classes = ["null", "number", "string", "object", "array", "boolean"];

function rank(one: unknown): number {
  const type = (one ?? null) === null ? "null" : Array.isArray(one) ? "array" : typeof one;
  return classes.indexOf(type);
}

/** https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/ */
function order(a: unknown, b: unknown): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (isObject(a) || Array.isArray(a)) return orderOfParts(partsOf(a), partsOf(b as object));
  if ((a ?? b ?? null) === null || a === b) return 0;
  return (a as number) < (b as number) ? -1 : 1;
}

/** Of a document, each field gives the class of its value, its name and its value. */
function partsOf(one: object): unknown[] {
  if (Array.isArray(one)) return one as unknown[];
  return Object.entries(one).flatMap(([name, part]) => [rank(part), name, part]);
}

function orderOfParts(a: unknown[], b: unknown[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const difference = order(a[at], b[at]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function isObject(one: unknown): one is Document {
  return typeof one === "object" && one !== null && !Array.isArray(one) && !(one instanceof RegExp);
}

function shown(given: unknown): string {
  return JSON.stringify(given, (_name, one: unknown) =>
    one instanceof RegExp ? String(one) : one,
  );
}

test("the compiled filter follows MongoDB's rules", () => {
  let matched = 0;
  fc.assert(
    fc.property(filter, fc.array(object, { minLength: 1, maxLength: 5 }), (given, documents) => {
      const compiled = compileFilter(given);
      for (const document of documents) {
        const expected = matches(given, document);
        assert.equal(compiled(document), expected, `${shown(given)} on ${shown(document)}`);
        matched += Number(expected);
      }
    }),
    { numRuns: Number(process.env.LIORAN_FUZZ_RUNS ?? 3_000) },
  );
  assert.ok(matched > 500, `${matched} matched`);
});
