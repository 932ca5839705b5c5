/**
 * Random documents, indexes, queries and writes over a handful of paths and values, so that they meet: every
 * type, arrays in arrays, documents in arrays, what is missing, and values longer than a key may be.
 */
import fc from "fast-check";
import type { Document } from "../../src/values/document.js";

const long = "x".repeat(2_100);

export const scalar: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    false,
    0,
    1,
    2,
    3,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -Infinity,
    2 ** 60,
  ],
  ...[1n, 2n, 2n ** 60n, 2n ** 60n + 1n, -(2n ** 60n)],
  ...["", "a", "ab", "abc", "a\0", "b", "é", "😀", long, `${long}a`, `${long}b`],
  ...[new Date(0), new Date(1), new Date(-1), Buffer.of(), Buffer.of(0), Buffer.of(1, 2)],
);
const small: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(0, 1, 2, 3, null, "a", "ab") },
  { weight: 1, arbitrary: scalar },
);

const value = fc.letrec<{ any: unknown; inner: Document }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 6, arbitrary: small },
    { weight: 2, arbitrary: fc.array(tie("any"), { maxLength: 3 }) },
    { weight: 2, arbitrary: tie("inner") },
    { weight: 2, arbitrary: fc.array(tie("inner"), { maxLength: 3 }) },
  ),
  inner: fc.record(
    { b: tie("any"), c: tie("any"), "0": small },
    { requiredKeys: [], noNullPrototype: true },
  ),
}));
export const anyFieldValue: fc.Arbitrary<unknown> = value.any;

const id = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      ...["a", "y".repeat(300), `${"y".repeat(300)}z`, 7n, 2n ** 60n + 1n, 1.5, new Date(3)],
      ...[null, true, { a: 1 }, { a: [1] }, Buffer.of(9)],
    ),
  },
);
export const anyDocument: fc.Arbitrary<Document> = fc.record(
  { _id: id, a: anyFieldValue, b: anyFieldValue, c: small },
  { requiredKeys: ["_id"], noNullPrototype: true },
);

export const anyPath = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "b", "c", "a.b", "a.c") },
  { weight: 1, arbitrary: fc.constantFrom("b.b", "a.b.c", "a.0", "a.0.b", "a.b.0", "_id") },
);
const direction = fc.constantFrom<1 | -1>(1, -1);

const regex = fc.constantFrom(/^a/, /^ab?/, /^ab/i, /b$/, /^xx/, /^(a|b)/, /^$/);
const comparison = fc
  .tuple(fc.constantFrom("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), anyFieldValue)
  .map(([name, operand]): Document => ({ [name]: operand }));
const range = fc
  .tuple(fc.constantFrom("$gt", "$gte"), small, fc.constantFrom("$lt", "$lte"), small)
  .map(([above, low, below, high]): Document => ({ [above]: low, [below]: high }));
const list = fc
  .tuple(
    fc.constantFrom("$in", "$nin"),
    fc.array(fc.oneof(anyFieldValue, small, regex), { maxLength: 4 }),
  )
  .map(([name, operand]): Document => ({ [name]: operand }));
const special: fc.Arbitrary<Document> = fc.oneof(
  fc.boolean().map((wanted) => ({ $exists: wanted })),
  fc.constantFrom("number", "string", "array", "object", "null", "date", "bool").map((type) => ({
    $type: type,
  })),
  fc.nat(3).map((size) => ({ $size: size })),
  fc.array(small, { maxLength: 2 }).map((all) => ({ $all: all })),
  fc.constant({ $mod: [2, 1] }),
  regex.map((expression) => ({ $regex: expression })),
  fc.constantFrom("^a", "^ab", "b").map((text) => ({ $regex: text })),
);

const condition = fc.letrec<{ any: unknown; operators: Document }>((tie) => ({
  operators: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    { weight: 3, arbitrary: comparison },
    { weight: 3, arbitrary: range },
    { weight: 2, arbitrary: list },
    { weight: 2, arbitrary: special },
    { weight: 1, arbitrary: tie("operators").map((operand): Document => ({ $not: operand })) },
    {
      weight: 2,
      arbitrary: fc
        .oneof(
          tie("operators"),
          fc
            .tuple(fc.constantFrom("b", "c", "0"), tie("any"))
            .map(([name, one]): Document => ({ [name]: one })),
          fc.tuple(tie("any"), tie("any")).map(([b, c]): Document => ({ b, c })),
        )
        .map((operand): Document => ({ $elemMatch: operand })),
    },
  ),
  any: fc.oneof(
    { weight: 3, arbitrary: anyFieldValue },
    { weight: 1, arbitrary: regex },
    { weight: 5, arbitrary: tie("operators") },
  ),
}));
const field = fc.tuple(anyPath, condition.any).map(([path, one]): Document => ({ [path]: one }));

const tree = fc.letrec<{ filter: Document }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    { weight: 4, arbitrary: field },
    {
      weight: 3,
      arbitrary: fc
        .array(field, { minLength: 2, maxLength: 3 })
        .map((all): Document => Object.assign({}, ...all)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.constantFrom("$and", "$or", "$or", "$nor"),
          fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
          fc.option(field, { nil: {} }),
        )
        .map(([name, branches, beside]): Document => ({ [name]: branches, ...beside })),
    },
  ),
}));
export const anyFilter: fc.Arbitrary<Document> = fc.oneof(
  { weight: 8, arbitrary: tree.filter },
  { weight: 1, arbitrary: fc.constant({}) },
);

export interface RandomIndex {
  key: Record<string, 1 | -1>;
  options: Document;
}

const partialFilter = fc.constantFrom<Document>(
  { b: { $exists: true } },
  { a: { $gt: 0 } },
  { c: { $in: [1, 2] } },
  { "a.b": 1 },
  { c: { $type: "number" }, a: { $exists: true } },
  { $or: [{ c: 1 }, { c: "a" }] },
);
const indexOptions: fc.Arbitrary<Document> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant({ sparse: true }) },
  { weight: 1, arbitrary: fc.constant({ unique: true }) },
  { weight: 1, arbitrary: fc.constant({ unique: true, sparse: true }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(partialFilter, fc.boolean())
      .map(([partialFilterExpression, unique]) => ({ partialFilterExpression, unique })),
  },
);
export const anyIndex: fc.Arbitrary<RandomIndex> = fc.record({
  key: fc
    .uniqueArray(fc.tuple(anyPath, direction), {
      selector: ([path]) => path,
      minLength: 1,
      maxLength: 3,
    })
    .map((fields) => Object.fromEntries(fields)),
  options: indexOptions,
});

export interface RandomQuery {
  filter: Document;
  sort: [string, 1 | -1][];
  skip: number;
  limit: number;
  projection: Document;
}

export const anyQuery: fc.Arbitrary<RandomQuery> = fc.record({
  filter: anyFilter,
  sort: fc.oneof(
    fc.constant<[string, 1 | -1][]>([]),
    fc.uniqueArray(fc.tuple(anyPath, direction), {
      selector: ([path]) => path,
      minLength: 1,
      maxLength: 2,
    }),
  ),
  skip: fc.oneof(fc.constant(0), fc.nat(3)),
  limit: fc.oneof(fc.constant(0), fc.nat(4)),
  projection: fc.constantFrom<Document>(
    ...[{ a: 1 }, { a: 1, _id: 0 }, { a: 1, c: 1, _id: 0 }, { c: 1, b: true }, { "a.b": 1 }],
    ...[{ "a.b": 1, "a.c": 1, _id: 0 }, { _id: 1 }, { b: 0 }, { "a.b": 0, _id: 0 }, {}],
  ),
});

/** A write: a method of a collection and its arguments. */
export type RandomWrite = [method: string, ...args: unknown[]];

const update: fc.Arbitrary<Document> = fc.oneof(
  fc
    .tuple(fc.constantFrom("a", "b", "c", "a.b", "b.c", "a.0"), anyFieldValue)
    .map(([path, one]) => ({ $set: { [path]: one } })),
  fc.constantFrom("a", "b", "c", "a.b").map((path) => ({ $unset: { [path]: "" } })),
  fc.constantFrom("a", "c").map((path) => ({ $inc: { [path]: 1 } })),
  fc.tuple(fc.constantFrom("a", "b"), anyFieldValue).map(([path, one]) => ({
    $push: { [path]: one },
  })),
  fc.tuple(fc.constantFrom("a", "b"), small).map(([path, one]) => ({ $pull: { [path]: one } })),
  fc.constantFrom("a", "b").map((path) => ({ $rename: { [path]: "c" } })),
);
const options = fc.constantFrom<Document>({}, {}, { upsert: true });
const model: fc.Arbitrary<Document> = fc.oneof(
  anyDocument.map((document) => ({ insertOne: { document } })),
  fc.record({ filter: anyFilter, update, upsert: fc.boolean() }).map((one) => ({ updateOne: one })),
  fc.record({ filter: anyFilter, update }).map((one) => ({ updateMany: one })),
  fc.record({ filter: anyFilter }).map((one) => ({ deleteOne: one })),
);
const replacement = anyDocument.map(({ _id, ...rest }) => rest);

export const anyWrite: fc.Arbitrary<RandomWrite> = fc.oneof(
  anyDocument.map((document): RandomWrite => ["insertOne", document]),
  fc
    .tuple(fc.array(anyDocument, { minLength: 1, maxLength: 6 }), fc.boolean())
    .map(([documents, ordered]): RandomWrite => ["insertMany", documents, { ordered }]),
  fc
    .tuple(
      fc.constantFrom("updateOne", "updateMany", "updateMany", "findOneAndUpdate"),
      anyFilter,
      update,
      options,
    )
    .map((write): RandomWrite => write),
  fc
    .tuple(fc.constantFrom("replaceOne", "findOneAndReplace"), anyFilter, replacement, options)
    .map((write): RandomWrite => write),
  fc
    .tuple(fc.constantFrom("deleteOne", "deleteOne", "deleteMany", "findOneAndDelete"), anyFilter)
    .map((write): RandomWrite => write),
  fc
    .tuple(fc.array(model, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([models, ordered]): RandomWrite => ["bulkWrite", models, { ordered }]),
);
