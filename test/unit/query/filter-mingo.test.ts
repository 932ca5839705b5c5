/**
 * Our predicates against mingo's. `LIORAN_FUZZ_RUNS` sets the runs (default 3,000, each with several
 * documents); fast-check prints the seed.
 *
 * mingo differs from MongoDB where documents have arrays. Each difference stands in `deviations`, with
 * MongoDB's rule, and only those cases are left out of the comparison.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { compileFilter } from "../../../src/query/filter.js";
import type { Document } from "../../../src/values/document.js";

const { Query } = createRequire(import.meta.url)("mingo") as {
  Query: new (filter: Document) => { test(document: Document): boolean };
};
const numRuns = Number(process.env.LIORAN_FUZZ_RUNS ?? 3_000);

const scalar = fc.oneof(
  fc.integer({ min: -1, max: 3 }),
  fc.constantFrom(0.5, "", "x", "xy", "Z", null, true, false),
);
const names = fc.constantFrom("a", "b", "c");
const { value, object } = fc.letrec<{ value: unknown; item: unknown; object: Document }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    { weight: 5, arbitrary: scalar },
    { weight: 2, arbitrary: tie("object") },
    { weight: 2, arbitrary: fc.array(tie("item"), { maxLength: 3 }) },
  ),
  item: fc.oneof(
    { depthSize: "small" },
    { weight: 6, arbitrary: scalar },
    { weight: 5, arbitrary: tie("object") },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  ),
  object: fc.dictionary(names, tie("value"), { maxKeys: 3, noNullPrototype: true }),
}));
const wanted = fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: value });

const path = fc.constantFrom("a", "b", "a.b", "a.c", "a.b.c", "a.0", "a.1.b", "a.b.0");
const types = ["int", "double", "number", "string", "object", "array", "bool", "null"];
const regex = fc.constantFrom(/x/, /^x$/, /^z/i, /^$/, /y$/);
const { filter } = fc.letrec<{ operators: Document; filter: Document }>((tie) => {
  const one = (name: string, operand: fc.Arbitrary<unknown>) =>
    operand.map((given): Document => ({ [name]: given }));
  return {
    operators: fc.oneof(
      { depthSize: "small" },
      ...["$eq", "$ne"].map((name) => one(name, wanted)),
      ...["$gt", "$gte", "$lt", "$lte"].map((name) => one(name, wanted)),
      ...["$in", "$nin"].map((name) =>
        one(name, fc.array(fc.oneof({ weight: 5, arbitrary: wanted }, regex), { maxLength: 3 })),
      ),
      one("$exists", fc.boolean()),
      one("$type", fc.oneof(fc.constantFrom(...types), fc.subarray(types, { minLength: 1 }))),
      one("$size", fc.nat(3)),
      one("$mod", fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -1, max: 2 }))),
      one("$regex", regex),
      one("$all", fc.array(fc.oneof({ weight: 5, arbitrary: wanted }, regex), { maxLength: 3 })),
      one("$elemMatch", fc.oneof(tie("operators"), tie("filter"))),
      one("$not", fc.oneof(tie("operators"), regex)),
    ),
    filter: fc.oneof(
      { depthSize: "small" },
      fc
        .tuple(path, fc.oneof({ weight: 4, arbitrary: tie("operators") }, wanted, regex))
        .map(([name, condition]): Document => ({ [name]: condition })),
      fc
        .tuple(
          fc.constantFrom("$and", "$or", "$nor"),
          fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
        )
        .map(([name, list]): Document => ({ [name]: list })),
    ),
  };
});

/** A condition on a path of a document, as far as it matters for what mingo does differently. */
interface Case {
  readonly segments: readonly string[];
  readonly operator: string;
  readonly operand: unknown;
  readonly document: Document;
}

/** Where mingo differs from MongoDB: MongoDB's rule, and which cases it concerns. */
const deviations: readonly { readonly rule: string; applies(one: Case): boolean }[] = [
  {
    // https://www.mongodb.com/docs/manual/tutorial/query-arrays/
    rule: "An array in an array is a value: no path enters it, and no operator looks into it.",
    applies: ({ document, segments }) => hasNestedArray(document[segments[0]!]),
  },
  {
    // https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/
    rule: "An array on the way stands for each of its documents, not for an array of their values.",
    applies: (one) =>
      hasArrayOnTheWay(one.document, one.segments) &&
      (!comparing.has(one.operator) ||
        reached(one).some(Array.isArray) ||
        wantedBy(one).some((wish) => wish === null || Array.isArray(wish))),
  },
  {
    // https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/
    rule: "A number in a path is a position in an array, and also a field of its documents.",
    applies: ({ document, segments }) => {
      const fields = segments.filter((segment) => !isIndex(segment));
      return fields.length < segments.length && hasArrayOnTheWay(document, [...fields, ""]);
    },
  },
  {
    // https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    rule: "Documents and arrays have an order; null and missing are as large as null.",
    applies: ({ operator, operand }) => ordering.has(operator) && typeof operand === "object",
  },
  {
    // https://www.mongodb.com/docs/manual/reference/operator/query/mod/
    rule: "$mod matches numbers only, and without what follows the point.",
    applies: (one) =>
      one.operator === "$mod" &&
      !reached(one)
        .flat()
        .every((found) => Number.isInteger(found)),
  },
  {
    // https://www.mongodb.com/docs/manual/reference/operator/query/type/
    rule: "$type looks at the elements of an array, too, and a whole number is an int.",
    applies: (one) =>
      one.operator === "$type" &&
      (wantedBy(one).includes("double") || reached(one).some(Array.isArray)),
  },
  {
    // https://www.mongodb.com/docs/manual/reference/operator/query/all/
    rule: "$all is an $and of equalities, also for what is no array.",
    applies: (one) =>
      one.operator === "$all" &&
      (!reached(one).every(Array.isArray) || wantedBy(one).some(Array.isArray)),
  },
  {
    // https://www.mongodb.com/docs/manual/reference/operator/query/in/
    rule: "$in finds the array itself, too.",
    applies: (one) => ["$in", "$nin"].includes(one.operator) && wantedBy(one).some(Array.isArray),
  },
  {
    // https://www.mongodb.com/docs/manual/tutorial/query-embedded-documents/
    rule: "Documents are equal only with their fields in the same order.",
    applies: (one) => wantedBy(one).some((wish) => isObject(wish) && shown(wish).includes(",")),
  },
];
const ordering = new Set(["$gt", "$gte", "$lt", "$lte"]);
const comparing = new Set(["$eq", "$ne", "$in", "$nin", "$regex", ...ordering]);

/** The rule that mingo breaks for this filter and document, somewhere in it. */
function deviation(filter: Document, document: unknown): string | undefined {
  for (const [name, condition] of Object.entries(filter)) {
    const found = name.startsWith("$")
      ? (condition as Document[]).map((branch) => deviation(branch, document)).find(Boolean)
      : conditionDeviation(name.split("."), condition, document as Document);
    if (found) return found;
  }
  return undefined;
}

function conditionDeviation(
  segments: readonly string[],
  condition: unknown,
  document: Document,
): string | undefined {
  for (const [operator, operand] of Object.entries(operatorsOf(condition))) {
    if (operator === "$not") {
      const inside = conditionDeviation(segments, operand, document);
      if (inside) return inside;
      continue;
    }
    if (operator === "$elemMatch") {
      const inside = elemMatchDeviation(segments, operand as Document, document);
      if (inside) return inside;
    }
    const given = operator === "$elemMatch" ? undefined : operand;
    const one = { segments, operator, operand: given, document };
    const found = deviations.find(({ applies }) => applies(one));
    if (found) return found.rule;
  }
  return undefined;
}

/** What stands in `$elemMatch` is a condition on each element, or a filter on its fields. */
function elemMatchDeviation(
  segments: readonly string[],
  operand: Document,
  document: Document,
): string | undefined {
  const isFilter =
    !Object.keys(operand)[0]!.startsWith("$") || /^\$(and|or|nor)$/.test(Object.keys(operand)[0]!);
  for (const element of reached({ segments, document }).filter(Array.isArray).flat()) {
    if (!isFilter) {
      const inside = conditionDeviation(["a"], operand, { a: element });
      if (inside) return inside;
    } else if (isObject(element)) {
      const inside = deviation(operand, element);
      if (inside) return inside;
    } else {
      return "A filter in $elemMatch matches documents only.";
    }
  }
  return undefined;
}

function operatorsOf(condition: unknown): Document {
  if (condition instanceof RegExp) return { $regex: condition };
  const isOperators = isObject(condition) && Object.keys(condition)[0]?.startsWith("$");
  return isOperators ? (condition as Document) : { $eq: condition };
}

/** What is at the end of the path, without looking into arrays there. */
function reached({ document, segments }: Pick<Case, "document" | "segments">): unknown[] {
  let found: unknown[] = [document];
  for (const segment of segments) {
    found = found
      .flatMap((one) => (Array.isArray(one) && !isIndex(segment) ? one : [one]))
      .map((one) => (one as Document | null | undefined)?.[segment]);
  }
  return found;
}

function hasArrayOnTheWay(document: Document, segments: readonly string[]): boolean {
  return segments.some((_, at) =>
    reached({ document, segments: segments.slice(0, at) }).some(Array.isArray),
  );
}

function hasNestedArray(given: unknown, insideArray = false): boolean {
  if (Array.isArray(given)) return insideArray || given.some((one) => hasNestedArray(one, true));
  return isObject(given) && Object.values(given).some((one) => hasNestedArray(one));
}

/** The values that a condition asks for. */
function wantedBy({ operator, operand }: Pick<Case, "operator" | "operand">): unknown[] {
  const isList = ["$in", "$nin", "$all", "$type"].includes(operator) && Array.isArray(operand);
  return isList ? (operand as unknown[]) : [operand];
}

function isIndex(segment: string): boolean {
  return /^\d+$/.test(segment);
}

function isObject(given: unknown): given is Document {
  return (
    typeof given === "object" &&
    given !== null &&
    !Array.isArray(given) &&
    !(given instanceof RegExp)
  );
}

function shown(given: unknown): string {
  return JSON.stringify(given, (_name, one: unknown) =>
    one instanceof RegExp ? String(one) : one,
  );
}

test("the compiled filter agrees with mingo where mingo agrees with MongoDB", () => {
  let compared = 0;
  fc.assert(
    fc.property(filter, fc.array(object, { minLength: 1, maxLength: 5 }), (given, documents) => {
      const matches = compileFilter(given);
      const query = new Query(given);
      for (const document of documents) {
        if (deviation(given, document) !== undefined) continue;
        assert.equal(
          matches(document),
          query.test(document),
          `${shown(given)} on ${shown(document)}`,
        );
        compared++;
      }
    }),
    { numRuns },
  );
  assert.ok(compared > numRuns, `${compared} compared`);
});
