import assert from "node:assert/strict";
import { z } from "zod";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

const code = 121;
const schema = z.object({ name: z.string(), age: z.coerce.number().default(18) });

export function schemaSuite(subject: Subject): void {
  const withSchema = async () =>
    (await subject.database()).collection(subject.newName(), { schema });

  subject.test("inserts store what the schema gives", async () => {
    const collection = await withSchema();
    const given = { name: "a" };
    const { insertedId } = await collection.insertOne(given);
    assert.equal(typeof insertedId, "string");
    assert.deepEqual(given, { name: "a" }, "the caller's object stays as it is");
    await collection.insertMany([{ _id: "b", name: "b", age: "3" }]);
    await collection.bulkWrite([{ insertOne: { document: { _id: "c", name: "c" } } }]);
    assert.deepEqual(await collection.find().sort({ name: 1 }).toArray(), [
      { _id: insertedId, name: "a", age: 18 },
      { _id: "b", name: "b", age: 3 },
      { _id: "c", name: "c", age: 18 },
    ]);
  });

  subject.test("replacements store what the schema gives", async () => {
    const collection = await withSchema();
    const filter = { _id: "a" };
    await collection.replaceOne(filter, { name: "a" }, { upsert: true });
    await collection.replaceOne(filter, { _id: "a", name: "b", age: "1" });
    assert.deepEqual(await collection.findOne(filter), { _id: "a", name: "b", age: 1 });
    const options = { returnDocument: "after" } as const;
    const replaced = await collection.findOneAndReplace(filter, { name: "c" }, options);
    assert.deepEqual(replaced, { _id: "a", name: "c", age: 18 });
    const replacement = { name: "d", age: "2" };
    await collection.bulkWrite([{ replaceOne: { filter, replacement } }]);
    assert.deepEqual(await collection.findOne(filter), { _id: "a", name: "d", age: 2 });
  });

  subject.test("nothing is sent when the schema refuses a document", async () => {
    const collection = await withSchema();
    const good = { _id: "good", name: "a" };
    const wrong = { name: 3 } as never;
    const refused: [() => Promise<unknown>, string][] = [
      [() => collection.insertOne(wrong), "document"],
      [() => collection.insertMany([good, wrong], { ordered: false }), "documents.1"],
      [() => collection.replaceOne({}, wrong, { upsert: true }), "replaceOne: replacement"],
      [() => collection.findOneAndReplace({}, wrong), "findOneAndReplace: replacement"],
      [
        () =>
          collection.bulkWrite([
            { insertOne: { document: good } },
            { replaceOne: { filter: {}, replacement: wrong } },
          ]),
        "operations.1.replaceOne: replacement",
      ],
      [
        () =>
          collection.bulkWrite([
            { insertOne: { document: good } },
            { insertOne: { document: wrong } },
          ]),
        "operations.1.insertOne.document",
      ],
    ];
    for (const [write, what] of refused) {
      const error = await rejection(write, { code, names: [what, "name: "] });
      const { details } = error.errInfo as { details: { issues: { path: string }[] } };
      assert.equal(details.issues[0]!.path, "name");
    }
    // It is the caller's own check, which bypassDocumentValidation does not turn off.
    await rejection(() => collection.insertOne(wrong, { bypassDocumentValidation: true }), {
      code,
    });
    await rejection(() => collection.insertOne(3 as never), { code });
    assert.equal(await collection.countDocuments(), 0);
  });

  subject.test("updates with operators are not checked by a schema", async () => {
    const collection = await withSchema();
    await collection.insertOne({ _id: "a", name: "a" });
    await collection.updateOne({ _id: "a" }, { $set: { name: 3 as never } });
    assert.equal((await collection.findOne({ _id: "a" }))?.name, 3);
  });

  subject.test("createCollection and rename keep the schema", async () => {
    const database = await subject.database();
    const validator = { age: { $lt: 100 } };
    const collection = await database.createCollection(subject.newName(), { schema, validator });
    await rejection(() => collection.insertOne({ name: 3 as never }), { code });
    await rejection(() => collection.insertOne({ name: "a", age: 100 }), { code });
    const renamed = await collection.rename(subject.newName());
    await rejection(() => renamed.insertOne({ name: 3 as never }), { code });
    await renamed.insertOne({ name: "a" });
    assert.deepEqual(await renamed.options(), { validator });
    await rejection(() => database.createCollection(renamed.collectionName, { schema }), {
      code: 48,
    });
  });
}
