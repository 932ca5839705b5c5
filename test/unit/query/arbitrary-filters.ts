/** Documents and filters over the same few names and values, so that they often meet. */
import fc from "fast-check";
import type { Document } from "../../../src/values/document.js";

const scalar = fc.oneof(
  fc.integer({ min: -1, max: 3 }),
  fc.constantFrom(0.5, "", "x", "xy", "Z", null, true, false),
);
const names = fc.constantFrom("a", "b", "c");
export const { value, object } = fc.letrec<{ value: unknown; item: unknown; object: Document }>(
  (tie) => ({
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
  }),
);
const wanted = fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: value });

const path = fc.constantFrom("a", "b", "a.b", "a.c", "a.b.c", "a.0", "a.1.b", "a.b.0");
const types = ["int", "double", "number", "string", "object", "array", "bool", "null"];
const regex = fc.constantFrom(/x/, /^x$/, /^z/i, /^$/, /y$/);
export const { filter } = fc.letrec<{ operators: Document; filter: Document }>((tie) => {
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
