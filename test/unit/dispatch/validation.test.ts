import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValidationOptions } from "../../../src/dispatch/operation.js";
import { checkOperation } from "../../../src/dispatch/validate.js";
import { validatorOf } from "../../../src/dispatch/validation.js";
import { LioranError } from "../../../src/errors.js";
import type { CollectionEntry } from "../../../src/storage/catalog.js";

const entryWith = (options: ValidationOptions): CollectionEntry => ({
  id: 1,
  name: "c",
  createdAtMs: 0,
  indexes: [],
  options: { ...options },
});

const refusalOf = (check: () => void): LioranError => {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof LioranError);
    return error;
  }
  assert.fail("the document should have been refused");
};

test("a collection without a validator in force has none to ask", () => {
  for (const options of [
    {},
    { validator: {} },
    { validationLevel: "strict" as const },
    { validator: { n: 1 }, validationLevel: "off" as const },
  ]) {
    assert.equal(validatorOf(entryWith(options)), undefined);
  }
});

test("a validator is compiled once for an entry", () => {
  const entry = entryWith({ validator: { n: 1 } });
  assert.equal(validatorOf(entry), validatorOf(entry));
  assert.notEqual(validatorOf(entry), validatorOf({ ...entry }));
});

test("details are left out when they are too large for a reply", () => {
  const many = Array.from({ length: 10_000 }, (_, at) => `value ${at}`);
  const validator = validatorOf(entryWith({ validator: { n: { $in: many } } }))!;
  const error = refusalOf(() => validator.checkInsert("db.c", { _id: 1, n: "other" }));
  assert.deepEqual(error.errInfo, { failingDocumentId: 1, details: { operatorName: "$in" } });
});

test("warnings are few, and say how many writes they stand for", async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error) => warnings.push(warning);
  process.on("warning", listener);
  const validator = validatorOf(entryWith({ validator: { n: 1 }, validationAction: "warn" }))!;
  for (let n = 0; n < 10; n += 1) validator.checkInsert("db.c", { _id: n, n: 2 });
  validator.checkUpdate("db.c", { _id: 1, n: 2 }, { _id: 1, n: 3 });
  // The entry of a collection is another one after each change to its indexes.
  const again = validatorOf(entryWith({ validator: { n: 1 }, validationAction: "warn" }))!;
  again.checkInsert("db.c", { _id: 1, n: 2 });
  again.checkInsert("db.other", { _id: 1, n: 2 });
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listener);
  const messages = warnings.map(({ message }) => message);
  assert.equal(messages.length, 2, messages.join());
  assert.match(messages[0]!, /db\.c failed validation/);
  assert.match(messages[1]!, /db\.other failed validation/);
});

test("options from a peer are checked", () => {
  const operation = (kind: string, options: unknown) => ({
    kind,
    db: "d",
    collection: "c",
    durability: "flushed",
    options,
  });
  for (const kind of ["createCollection", "modifyCollection"]) {
    checkOperation(operation(kind, {}));
    checkOperation(operation(kind, { validator: { a: 1 }, validationLevel: "moderate" }));
    for (const wrong of [
      null,
      { capped: true },
      { validator: 1 },
      { validationLevel: "some" },
      { validationAction: 1 },
    ]) {
      assert.throws(() => checkOperation(operation(kind, wrong)), { code: "PROTOCOL" });
    }
  }
  const insert = { ...operation("insert", undefined), count: 0, documents: new Uint8Array(0) };
  checkOperation({ ...insert, ordered: true, bypassValidation: true });
  assert.throws(() => checkOperation({ ...insert, ordered: true, bypassValidation: 1 }), {
    code: "PROTOCOL",
  });
});
