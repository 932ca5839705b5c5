import assert from "node:assert/strict";
import { test } from "node:test";
import { LioranError } from "../../../src/errors.js";
import { compiledSchemasMax, jsonSchemaNodesMax } from "../../../src/limits.js";
import { compileFilter } from "../../../src/query/filter.js";
import { compileJsonSchema } from "../../../src/query/json-schema.js";
import type { Document } from "../../../src/values/document.js";

/** Whether a value of the field `v` passes a schema. */
const passes = (schema: Document, value: unknown) =>
  compileJsonSchema({ properties: { v: schema } }).matches({ _id: 1, v: value });

const values = {
  text: "a",
  int: 3,
  double: 1.5,
  long: 2n ** 60n,
  flag: true,
  nothing: null,
  list: [1],
  document: { a: 1 },
  date: new Date(0),
  bytes: new Uint8Array([1, 2]),
  regex: /a/,
};

const matching = (schema: Document) =>
  Object.entries(values)
    .filter(([, value]) => passes(schema, value))
    .map(([name]) => name);

test("types are those of BSON: a date, binary or an expression is no object", () => {
  const expected: [string, string[]][] = [
    ["string", ["text"]],
    ["int", ["int"]],
    ["double", ["double"]],
    ["long", ["long"]],
    ["number", ["int", "double", "long"]],
    ["bool", ["flag"]],
    ["null", ["nothing"]],
    ["array", ["list"]],
    ["object", ["document"]],
    ["date", ["date"]],
    ["binData", ["bytes"]],
    ["regex", ["regex"]],
    ["objectId", []],
  ];
  for (const [bsonType, names] of expected)
    assert.deepEqual(matching({ bsonType }), names, bsonType);
  assert.deepEqual(matching({ type: "number" }), ["int", "double", "long"]);
  assert.deepEqual(matching({ type: "boolean" }), ["flag"]);
  assert.deepEqual(matching({ type: ["object", "null"] }), ["nothing", "document"]);
  assert.deepEqual(matching({ bsonType: ["date", "binData"] }), ["date", "bytes"]);
});

test("what is said about fields applies to documents only", () => {
  const withoutDocument = Object.keys(values).filter((name) => name !== "document");
  for (const schema of [
    { required: ["b"] },
    { maxProperties: 0 },
    { minProperties: 2 },
    { additionalProperties: false },
    { properties: { a: { bsonType: "string" } } },
    { patternProperties: { "^a": { bsonType: "string" } } },
    { dependencies: { a: ["b"] } },
  ]) {
    assert.deepEqual(matching(schema), withoutDocument, JSON.stringify(schema));
  }
});

test("numbers are compared as numbers, whatever they are stored as", () => {
  assert.ok(passes({ minimum: 3 }, 3));
  assert.ok(passes({ minimum: 3 }, 4n));
  assert.ok(passes({ minimum: 2n ** 60n }, 2n ** 60n));
  assert.ok(!passes({ minimum: 2n ** 60n + 1n }, 2n ** 60n), "exact beyond 2^53");
  assert.ok(!passes({ minimum: 3, exclusiveMinimum: true }, 3n));
  assert.ok(!passes({ maximum: 3, exclusiveMaximum: true }, 3));
  assert.ok(passes({ maximum: 3, exclusiveMaximum: false }, 3));
  assert.ok(!passes({ maximum: 3 }, 3.5));
  assert.ok(!passes({ minimum: 0 }, Number.NaN));
  assert.ok(passes({ minimum: 3 }, "a"), "only numbers have a minimum");
  assert.ok(passes({ minimum: 3 }, new Date(0)));
  assert.ok(passes({ multipleOf: 0.1 }, 0.3));
  assert.ok(passes({ multipleOf: 4 }, 2n ** 60n));
  assert.ok(!passes({ multipleOf: 2 }, 3));
});

test("values are equal as in filters", () => {
  assert.ok(passes({ enum: [new Date(5), { a: 1 }] }, new Date(5)));
  assert.ok(passes({ enum: [{ a: 1 }] }, { a: 1n }));
  assert.ok(!passes({ enum: [new Date(5)] }, new Date(6)));
  assert.ok(passes({ enum: [null] }, null));
  assert.ok(!passes({ uniqueItems: true }, [1, "1", 1n]));
  assert.ok(!passes({ uniqueItems: true }, [new Date(1), new Date(1)]));
  assert.ok(passes({ uniqueItems: true }, [new Date(1), new Date(2), 1, "1", { a: 1 }]));
  assert.ok(passes({ uniqueItems: false }, [1, 1]));
});

test("strings and arrays", () => {
  assert.ok(passes({ minLength: 2, maxLength: 2 }, "😀a"), "lengths count characters");
  assert.ok(passes({ pattern: "b+" }, "abbc"));
  assert.ok(!passes({ pattern: "^b" }, "ab"));
  assert.ok(passes({ pattern: "^b" }, 3));
  assert.ok(passes({ items: { bsonType: "int" } }, [1, 2]));
  assert.ok(!passes({ items: { bsonType: "int" } }, [1, "a"]));
  assert.ok(passes({ items: [{ bsonType: "int" }, { bsonType: "string" }] }, [1, "a", true]));
  assert.ok(!passes({ items: [{ bsonType: "int" }], additionalItems: false }, [1, 2]));
  assert.ok(!passes({ minItems: 2 }, [1]));
  assert.ok(!passes({ maxItems: 1 }, [1, 2]));
  assert.ok(passes({ minItems: 2 }, new Uint8Array(1)), "binary is no array");
});

test("patterns run in bounded time, whatever the text", () => {
  const text = `${"a".repeat(50_000)}!`;
  assert.ok(!passes({ pattern: "^(a+)+$" }, text));
  assert.ok(!passes({ patternProperties: { "^(a+)+!$": { type: "string" } } }, { [text]: 1 }));
});

test("fields", () => {
  const several = { patternProperties: { "^s": { type: "string" }, "^n": { type: "number" } } };
  assert.ok(passes(several, { s: "a", n: 1 }));
  assert.ok(!passes(several, { n: "a" }), "every pattern is its own");
  assert.ok(!passes({ required: ["constructor"] }, {}), "inherited members are no fields");
  assert.ok(passes({ properties: { constructor: { type: "string" } } }, {}));
  assert.ok(passes({ required: ["a"] }, { a: null }));
  assert.ok(!passes({ properties: { a: {} }, additionalProperties: false }, { a: 1, b: 2 }));
  assert.ok(passes({ additionalProperties: { type: "string" } }, { b: "x" }));
  assert.ok(!passes({ dependencies: { a: { required: ["b"] } } }, { a: 1 }));
});

test("schemas are combined", () => {
  assert.ok(passes({ anyOf: [{ type: "string" }, { minimum: 5 }] }, 7));
  assert.ok(!passes({ oneOf: [{ minimum: 1 }, { minimum: 5 }] }, 7));
  assert.ok(!passes({ allOf: [{ minimum: 1 }, { maximum: 5 }] }, 7));
  assert.ok(!passes({ not: { bsonType: "date" } }, new Date()));
  assert.ok(passes({ title: "a", description: "b" }, 1));
});

test("a filter may hold a schema anywhere a filter may stand", () => {
  const $jsonSchema = { required: ["a"] };
  const matches = (filter: Document, document: Document) => compileFilter(filter)(document);
  assert.ok(matches({ $jsonSchema }, { a: 1 }));
  assert.ok(matches({ $nor: [{ $jsonSchema }] }, { b: 1 }));
  assert.ok(!matches({ $jsonSchema, a: 2 }, { a: 1 }));
  assert.ok(matches({ $or: [{ $jsonSchema }, { b: 1 }] }, { b: 1 }));
});

test("a violation tells its path and keyword", () => {
  const { violations } = compileJsonSchema({
    required: ["name"],
    additionalProperties: false,
    properties: {
      _id: {},
      name: {},
      items: { items: { properties: { qty: { bsonType: "int", minimum: 1 } } } },
    },
  });
  const document = { _id: 1, items: [{ qty: 1 }, { qty: "a" }, { qty: 0 }], more: new Date() };
  assert.deepEqual(violations(document), [
    {
      operatorName: "required",
      path: "",
      specifiedAs: { required: ["name"] },
      consideredType: "object",
      missingProperty: "name",
    },
    {
      operatorName: "additionalProperties",
      path: "",
      specifiedAs: { additionalProperties: false },
      consideredType: "object",
      additionalProperty: "more",
    },
    {
      operatorName: "bsonType",
      path: "items.1.qty",
      specifiedAs: { bsonType: ["int"] },
      consideredType: "string",
    },
    {
      operatorName: "minimum",
      path: "items.2.qty",
      specifiedAs: { minimum: 1 },
      consideredType: "int",
    },
  ]);
  assert.deepEqual(violations({ _id: 1, name: "a" }), []);
});

test("a large document is told the first violation, not thousands", () => {
  const { violations } = compileJsonSchema({ properties: { v: { items: { type: "string" } } } });
  assert.equal(violations({ v: Array.from({ length: 100_000 }, () => 1) }).length, 1);
  assert.equal(violations({ v: Array.from({ length: 100 }, () => 1) }).length, 20);
});

test("a schema that cannot be used is refused by keyword and place", () => {
  const refused: [unknown, number, RegExp][] = [
    [3, 14, /must be an object/],
    [{ properties: { a: { $ref: "#" } } }, 9, /"properties\.a\.\$ref" is not supported/],
    [{ $schema: "x" }, 9, /not supported/],
    [{ default: 1 }, 9, /not supported/],
    [{ definitions: {} }, 9, /not supported/],
    [{ format: "email" }, 9, /not supported/],
    [{ id: "x" }, 9, /not supported/],
    [{ const: 1 }, 9, /"const" is unknown/],
    [{ constructor: 1 }, 9, /"constructor" is unknown/],
    [{ type: "integer" }, 9, /integer/],
    [{ type: "date" }, 2, /unknown type "date"/],
    [{ bsonType: "text" }, 2, /text/],
    [{ bsonType: 3 }, 14, /string/],
    [{ bsonType: [] }, 9, /empty/],
    [{ bsonType: ["int", "int"] }, 9, /twice/],
    [{ type: "string", bsonType: "string" }, 9, /cannot stand beside/],
    [{ required: [] }, 9, /empty/],
    [{ required: ["a", "a"] }, 9, /twice/],
    [{ required: "a" }, 14, /array/],
    [{ minimum: "1" }, 14, /number/],
    [{ exclusiveMinimum: true }, 9, /needs "minimum"/],
    [{ minimum: 1, exclusiveMinimum: 1 }, 14, /boolean/],
    [{ multipleOf: 0 }, 9, /greater than 0/],
    [{ minLength: -1 }, 9, /0 or more/],
    [{ maxItems: 1.5 }, 9, /integer/],
    [{ pattern: "(" }, 2, /pattern/],
    [{ patternProperties: { "(": {} } }, 2, /patternProperties/],
    [{ properties: { a: 1 } }, 14, /"properties\.a" must be an object/],
    [{ items: 1 }, 14, /object/],
    [{ allOf: [] }, 9, /empty/],
    [{ anyOf: [1] }, 14, /"anyOf\.0"/],
    [{ dependencies: { a: [] } }, 9, /"dependencies\.a"/],
    [{ additionalProperties: 1 }, 14, /boolean or an object/],
    [{ uniqueItems: 1 }, 14, /boolean/],
    [{ enum: [] }, 9, /empty/],
    [{ title: 1 }, 14, /string/],
  ];
  for (const [schema, code, message] of refused) {
    const isExpected = (error: unknown) =>
      error instanceof LioranError && error.code === code && message.test(error.message);
    assert.throws(() => compileJsonSchema(schema), isExpected, JSON.stringify(schema));
  }
  const wide = { anyOf: Array.from({ length: jsonSchemaNodesMax }, () => ({})) };
  assert.throws(() => compileJsonSchema(wide), /Simplify/);
});

test("compiled schemas are kept by content, and not without end", () => {
  const first = compileJsonSchema({ minProperties: 1 });
  assert.equal(compileJsonSchema({ minProperties: 1 }), first);
  for (let n = 0; n < compiledSchemasMax; n += 1) compileJsonSchema({ minProperties: n + 10 });
  assert.notEqual(compileJsonSchema({ minProperties: 1 }), first);
});
