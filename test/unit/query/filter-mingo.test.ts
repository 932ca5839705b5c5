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
import { filter, object } from "./arbitrary-filters.js";

const { Query } = createRequire(import.meta.url)("mingo") as {
  Query: new (filter: Document) => { test(document: Document): boolean };
};
const numRuns = Number(process.env.LIORAN_FUZZ_RUNS ?? 3_000);

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
    // https://www.mongodb.com/docs/manual/tutorial/query-array-of-documents/
    rule: "An empty array on the way hides nothing of what is found beside it.",
    applies: (one) => ["$in", "$nin"].includes(one.operator) && hasEmptyArrayOnTheWay(one),
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

function hasEmptyArrayOnTheWay({ document, segments }: Case): boolean {
  return segments.some((_, at) =>
    reached({ document, segments: segments.slice(0, at) }).some(
      (found) => Array.isArray(found) && found.length === 0,
    ),
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
