import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { z } from "zod";
import { checkSchema, validateInsert, validateReplacement } from "../../../src/api/schema.js";
import { LioranError } from "../../../src/errors.js";

const user = z.object({ name: z.string().trim(), age: z.coerce.number().default(18) });

test("what the schema gives is what is stored", async () => {
  const valid = await validateInsert(user, { name: " a ", age: "3", more: true }, "document");
  assert.deepEqual(valid, { name: "a", age: 3 });
  const same = v.object({ name: v.pipe(v.string(), v.trim()), age: v.optional(v.number(), 18) });
  assert.deepEqual(await validateInsert(same, { name: " a " }, "document"), { name: "a", age: 18 });
});

test("an _id of the caller stays unless the schema speaks of it", async () => {
  const document = { _id: 7, name: "a" };
  assert.deepEqual(await validateInsert(user, document, "d"), { _id: 7, name: "a", age: 18 });
  const withId = user.extend({ _id: z.coerce.string() });
  assert.deepEqual(await validateInsert(withId, document, "d"), { _id: "7", name: "a", age: 18 });
  const strict = z.strictObject({ name: z.string() });
  await assert.rejects(validateInsert(strict, document, "d"), /_id/);
});

test("an _id that the schema makes up is for inserts only", async () => {
  const made = user.extend({ _id: z.string().default("made") });
  const document = { name: "a", age: 1 };
  assert.deepEqual(await validateInsert(made, document, "d"), { _id: "made", ...document });
  assert.deepEqual(await validateReplacement(made, document, "d"), document);
  const withId = { _id: "x", ...document };
  assert.deepEqual(await validateReplacement(made, withId, "d"), withId);
});

test("asynchronous schemas are awaited", async () => {
  const taken = user.refine(async ({ name }) => name !== "taken", {
    path: ["name"],
    error: "taken",
  });
  assert.deepEqual(await validateInsert(taken, { name: "a" }, "d"), { name: "a", age: 18 });
  await assert.rejects(validateInsert(taken, { name: "taken" }, "d"), /name: taken/);
});

test("every issue is told with its path", async () => {
  const nested = z.object({ a: z.number(), list: z.array(z.object({ b: z.string() })) });
  const wrong = { _id: 5, a: "x", list: [{ b: "y" }, { b: 3 }] };
  const error = await validateInsert(nested, wrong, "documents.4").catch((one: unknown) => one);
  assert.ok(error instanceof LioranError);
  assert.equal(error.code, 121);
  assert.match(error.message, /^documents\.4 .*a: .*; list\.1\.b: /);
  const { failingDocumentId, details } = error.errInfo as {
    failingDocumentId: unknown;
    details: { issues: { path: string; message: string }[] };
  };
  assert.equal(failingDocumentId, 5);
  assert.deepEqual(
    details.issues.map(({ path }) => path),
    ["a", "list.1.b"],
  );
  assert.equal(typeof details.issues[0]!.message, "string");
  await assert.rejects(validateInsert(v.object({ a: v.number() }), { a: "x" }, "d"), /a: /);
});

test("a schema that gives no document is refused", async () => {
  const text = z.any().transform(() => "text");
  await assert.rejects(validateInsert(text, {}, "document"), /must give an object/);
});

test("only a Standard Schema is taken for one", () => {
  assert.equal(checkSchema("collection", undefined), undefined);
  assert.equal(checkSchema("collection", user), user);
  const callable = Object.assign(() => {}, { "~standard": user["~standard"] });
  assert.equal(checkSchema("collection", callable), callable);
  for (const wrong of [null, 3, {}, () => {}, { "~standard": { version: 2, validate() {} } }]) {
    assert.throws(() => checkSchema("collection", wrong), /Standard Schema/);
  }
});
