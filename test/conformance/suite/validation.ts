import assert from "node:assert/strict";
import type { Collection, Document, LioranError, ValidationOptions } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

const code = 121;
const $jsonSchema = {
  bsonType: "object",
  required: ["name"],
  properties: { name: { bsonType: "string" }, age: { bsonType: "int", minimum: 0 } },
};

export function validationSuite(subject: Subject): void {
  const created = async (options: ValidationOptions, documents: Document[] = []) => {
    const collection = await (await subject.database()).createCollection(
      subject.newName(),
      options,
    );
    if (documents.length > 0) {
      await collection.insertMany(documents, { bypassDocumentValidation: true });
    }
    return collection;
  };
  const infoOf = ({ errInfo }: LioranError) =>
    errInfo as { failingDocumentId: unknown; details: Document };

  subject.test("a validator is asked by every write that stores a document", async () => {
    const collection = await created({ validator: { $jsonSchema } }, [{ _id: 1, name: "a" }]);
    await collection.insertOne({ _id: 2, name: "b", age: 3 });
    const wrong = { name: 5 };
    const refused: (() => Promise<unknown>)[] = [
      () => collection.insertOne({ _id: 9, ...wrong }),
      () => collection.insertMany([{ _id: 9, ...wrong }]),
      () => collection.updateOne({ _id: 1 }, { $set: wrong }),
      () => collection.updateMany({}, { $set: wrong }),
      () => collection.updateOne({ _id: 1 }, [{ $set: wrong }]),
      () => collection.updateOne({ _id: 9 }, { $set: wrong }, { upsert: true }),
      () => collection.replaceOne({ _id: 1 }, wrong),
      () => collection.replaceOne({ _id: 9 }, wrong, { upsert: true }),
      () => collection.findOneAndUpdate({ _id: 1 }, { $set: wrong }),
      () => collection.findOneAndUpdate({ _id: 9 }, { $set: wrong }, { upsert: true }),
      () => collection.findOneAndReplace({ _id: 1 }, wrong),
      () => collection.bulkWrite([{ insertOne: { document: { _id: 9, ...wrong } } }]),
      () => collection.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $set: wrong } } }]),
      () => collection.bulkWrite([{ replaceOne: { filter: { _id: 1 }, replacement: wrong } }]),
    ];
    for (const write of refused) {
      const error = await rejection(write, { code, names: ["failed validation"] });
      assert.equal(error.retryable, false);
      const { failingDocumentId, details } = infoOf(error);
      assert.ok(failingDocumentId === 1 || failingDocumentId === 9, String(write));
      assert.deepEqual(details, {
        operatorName: "$jsonSchema",
        schemaRulesNotSatisfied: [
          {
            operatorName: "bsonType",
            path: "name",
            specifiedAs: { bsonType: ["string"] },
            consideredType: "int",
          },
        ],
      });
    }
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, name: "a" },
      { _id: 2, name: "b", age: 3 },
    ]);
  });

  subject.test("bypassDocumentValidation stores what a validator would refuse", async () => {
    const collection = await created({ validator: { n: { $gt: 0 } } });
    const bypassDocumentValidation = true;
    const options = { bypassDocumentValidation };
    await collection.insertOne({ _id: 1, n: 0 }, options);
    await collection.insertMany([{ _id: 2, n: 0 }], options);
    await collection.updateOne({ _id: 1 }, { $inc: { n: -1 } }, options);
    await collection.updateMany({}, { $inc: { n: -1 } }, options);
    await collection.replaceOne({ _id: 2 }, { n: -5 }, options);
    await collection.findOneAndUpdate({ _id: 1 }, { $inc: { n: -1 } }, options);
    await collection.findOneAndReplace({ _id: 3 }, { n: -1 }, { ...options, upsert: true });
    await collection.bulkWrite([{ insertOne: { document: { _id: 4, n: 0 } } }], options);
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, n: -3 },
      { _id: 2, n: -5 },
      { _id: 3, n: -1 },
      { _id: 4, n: 0 },
    ]);
    await rejection(
      () => collection.insertOne({ n: 0 }, { bypassDocumentValidation: 1 as never }),
      { code: "INVALID_OPTION", names: ['"bypassDocumentValidation"'] },
    );
  });

  subject.test("a validator may be any filter, and tells which part is not met", async () => {
    const validator = { n: { $gt: 0 }, $expr: { $lt: ["$n", "$max"] }, kind: "a" };
    const collection = await created({ validator });
    await collection.insertOne({ n: 1, max: 2, kind: "a" });
    const one = await rejection(() => collection.insertOne({ _id: 7, n: 1, max: 2, kind: "b" }), {
      code,
    });
    assert.deepEqual(infoOf(one), {
      failingDocumentId: 7,
      details: { operatorName: "$eq", specifiedAs: { kind: "a" } },
    });
    const two = await rejection(() => collection.insertOne({ _id: 8, n: 0, max: 0, kind: "a" }), {
      code,
    });
    assert.deepEqual(infoOf(two).details, {
      operatorName: "$and",
      clausesNotSatisfied: [
        { operatorName: "$gt", specifiedAs: { n: { $gt: 0 } } },
        { operatorName: "$expr", specifiedAs: { $expr: { $lt: ["$n", "$max"] } } },
      ],
    });
  });

  subject.test("bulk writes tell of each refused document", async () => {
    const collection = await created({ validator: { n: { $type: "int" } } });
    const documents = [
      { _id: 1, n: 1 },
      { _id: 2, n: "a" },
      { _id: 3, n: 3 },
      { _id: 4, n: null },
    ];
    const error = await rejection(() => collection.insertMany(documents, { ordered: false }), {
      code,
    });
    assert.deepEqual(error.result, {
      acknowledged: true,
      insertedCount: 2,
      insertedIds: { 0: 1, 2: 3 },
    });
    assert.deepEqual(
      error.writeErrors?.map(({ index, code: one, errInfo }) => [
        index,
        one,
        errInfo?.failingDocumentId,
      ]),
      [
        [1, 121, 2],
        [3, 121, 4],
      ],
    );
    assert.equal(infoOf(error).failingDocumentId, 2, "the first one's details are the error's");
    const ordered = await rejection(
      () => collection.bulkWrite(documents.map((document) => ({ insertOne: { document } }))),
      { code: 11000 },
    );
    assert.equal(ordered.errInfo, undefined);
  });

  subject.test("a bulk write that fails thousands of times still says so", async () => {
    const collection = await created({ validator: { $jsonSchema } });
    const documents = Array.from({ length: 1_100 }, (_, n) => ({ _id: n }));
    const error = await rejection(() => collection.insertMany(documents, { ordered: false }), {
      code,
    });
    assert.equal(error.writeErrors?.length, 1_100);
    assert.equal(error.writeErrors.filter(({ errInfo }) => errInfo).length, 1_000);
  });

  subject.test("an updateMany takes effect as a whole or not at all", async () => {
    const collection = await created({ validator: { n: { $lt: 5 } } }, [
      { _id: 1, n: 1 },
      { _id: 2, n: 4 },
    ]);
    await rejection(() => collection.updateMany({}, { $inc: { n: 1 } }), { code });
    assert.deepEqual(await collection.distinct("n"), [1, 4]);
  });

  subject.test("moderate leaves documents alone that violate already", async () => {
    const validator = { n: { $gt: 0 } };
    const documents = [
      { _id: 1, n: 1 },
      { _id: 2, n: -1 },
    ];
    const strict = await created({ validator, validationLevel: "strict" }, documents);
    const moderate = await created({ validator, validationLevel: "moderate" }, documents);
    const off = await created({ validator, validationLevel: "off" }, documents);
    const bump = (collection: Collection, _id: number) =>
      collection.updateOne({ _id }, { $inc: { n: -5 } });
    await rejection(() => bump(strict, 2), { code });
    await bump(moderate, 2);
    await rejection(() => bump(moderate, 1), { code });
    await rejection(() => moderate.insertOne({ n: -1 }), { code });
    await rejection(() => moderate.updateOne({ _id: 3 }, { $set: { n: -1 } }, { upsert: true }), {
      code,
    });
    await bump(off, 1);
    await off.insertOne({ n: -1 });
    // An update that changes nothing is no write.
    assert.equal((await strict.updateOne({ _id: 2 }, { $set: { n: -1 } })).matchedCount, 1);
    await strict.deleteOne({ _id: 2 });
  });

  subject.test("warn lets writes through", async () => {
    const collection = await created({ validator: { n: 1 }, validationAction: "warn" });
    await collection.insertOne({ _id: 1, n: 2 });
    await collection.updateOne({ _id: 1 }, { $set: { n: 3 } });
    assert.deepEqual(await collection.findOne({ _id: 1 }), { _id: 1, n: 3 });
  });

  subject.test("collMod changes what a collection demands", async () => {
    const database = await subject.database();
    const collection = await created({ validator: { n: 1 } });
    const collMod = collection.collectionName;
    await rejection(() => collection.insertOne({ n: 2 }), { code });
    assert.deepEqual(await database.command({ collMod, validator: { n: 2 } }), { ok: 1 });
    await collection.insertOne({ n: 2 });
    await rejection(() => collection.insertOne({ n: 1 }), { code });
    await database.command({ collMod, validationLevel: "off" });
    await collection.insertOne({ n: 1 });
    const stored = { validator: { n: 2 }, validationLevel: "off" };
    assert.deepEqual(await collection.options(), stored);
    const [listed] = await database.listCollections({ name: collMod }).toArray();
    assert.deepEqual(listed!.options, stored);
    await database.command({ collMod, validator: {}, validationLevel: "strict" });
    await collection.insertOne({ anything: true });
    // A validator moves along with its collection.
    await database.command({ collMod, validator: { n: 3 }, validationAction: "error" });
    const renamed = await collection.rename(subject.newName());
    await rejection(() => renamed.insertOne({ n: 2 }), { code });
  });

  subject.test("validators that cannot be used are refused", async () => {
    const database = await subject.database();
    const refused: [Document, number | string, string][] = [
      [{ validator: { n: { $foo: 1 } } }, 2, "$foo"],
      [{ validator: { $where: "1" } }, 115, "$where"],
      [{ validator: { $jsonSchema: { $ref: "#" } } }, 9, "$ref"],
      [{ validator: { $jsonSchema: { required: "a" } } }, 14, "required"],
      [{ validator: { $jsonSchema: 3 } }, 14, "$jsonSchema"],
      [{ validator: 3 }, "INVALID_OPTION", "validator"],
      [{ validationLevel: "some" }, "INVALID_OPTION", '"strict"'],
      [{ validationAction: "log" }, "INVALID_OPTION", '"warn"'],
      [{ capped: true }, "INVALID_OPTION", "capped"],
      [{ schema: {} }, "INVALID_OPTION", "Standard Schema"],
    ];
    for (const [options, expected, name] of refused) {
      await rejection(() => database.createCollection(subject.newName(), options), {
        code: expected as never,
        names: [name],
      });
      if ("schema" in options) continue;
      const collMod = (await created({})).collectionName;
      await rejection(() => database.command({ collMod, ...options }), {
        code: expected as never,
        names: [name],
      });
    }
    await rejection(() => database.command({ collMod: subject.newName(), validator: {} }), {
      code: 26,
    });
    await rejection(() => database.command({ collMod: "a$" }), { code: 73 });
    await rejection(() => database.command({ collMod: "a", index: {} }), {
      code: "INVALID_OPTION",
      names: ["index"],
    });
    await rejection(() => database.command({ collStats: "a" }), {
      code: 115,
      names: ["collStats"],
    });
  });

  subject.test("$jsonSchema finds the documents that match", async () => {
    const collection = await subject.seeded([
      { _id: 1, name: "a", age: 3 },
      { _id: 2, name: 2 },
      { _id: 3, name: "c", age: -1, born: new Date() },
    ]);
    const ids = async (filter: Document) => (await collection.find(filter)).map(({ _id }) => _id);
    assert.deepEqual(await ids({ $jsonSchema }), [1]);
    assert.deepEqual(await ids({ $nor: [{ $jsonSchema }] }), [2, 3]);
    assert.deepEqual(
      await ids({ $jsonSchema: { properties: { born: { bsonType: "date" } } } }),
      [1, 2, 3],
    );
    assert.equal(await collection.countDocuments({ $jsonSchema, _id: { $gt: 1 } }), 0);
    await rejection(() => collection.find({ $jsonSchema: { type: "integer" } }).toArray(), {
      code: 9,
    });
  });
}
