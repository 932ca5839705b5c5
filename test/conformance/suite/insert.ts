import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function insertSuite(subject: Subject): void {
  subject.test("insertOne returns the id and stores the document", async () => {
    const collection = await subject.collection();
    const result = await collection.insertOne({ _id: "a", n: 1 });
    assert.deepEqual(result, { acknowledged: true, insertedId: "a" });
    assert.deepEqual(await collection.find().toArray(), [{ _id: "a", n: 1 }]);
  });

  subject.test("a missing _id becomes a UUIDv7 string, also on the object passed in", async () => {
    const collection = await subject.collection();
    const document: Document = { n: 1 };
    const { insertedId } = await collection.insertOne(document);
    assert.match(String(insertedId), uuidV7);
    assert.equal(document._id, insertedId);
    assert.deepEqual(await collection.findOne({ _id: insertedId }), { _id: insertedId, n: 1 });
    const frozen = Object.freeze({ n: 2 });
    const { insertedId: second } = await collection.insertOne(frozen);
    assert.match(String(second), uuidV7);
    assert.ok(String(second) > String(insertedId), "later ids sort behind earlier ones");
  });

  subject.test("_id is stored as the first field", async () => {
    const collection = await subject.collection();
    await collection.insertOne({ b: 1, _id: 1, a: 2 });
    assert.deepEqual(Object.keys((await collection.findOne())!), ["_id", "b", "a"]);
  });

  subject.test("insertMany returns counts and ids by position", async () => {
    const collection = await subject.collection();
    const result = await collection.insertMany([{ _id: 3 }, { _id: 1 }, { _id: "x" }]);
    assert.deepEqual(result, {
      acknowledged: true,
      insertedCount: 3,
      insertedIds: { 0: 3, 1: 1, 2: "x" },
    });
    assert.equal(await collection.countDocuments(), 3);
  });

  subject.test("insertOne of an id that exists is 11000 with pattern and value", async () => {
    const collection = await subject.seeded([{ _id: 7, kept: true }]);
    const error = await rejection(() => collection.insertOne({ _id: 7 }), { code: 11000 });
    assert.deepEqual(error.keyPattern, { _id: 1 });
    assert.deepEqual(error.keyValue, { _id: 7 });
    assert.equal(error.retryable, false);
    assert.equal(error.result, undefined);
    assert.equal(error.writeErrors, undefined);
    assert.ok(error.message.includes(collection.namespace), error.message);
    assert.deepEqual(await collection.findOne({ _id: 7 }), { _id: 7, kept: true });
  });

  subject.test("an ordered insertMany stops at the first failure", async () => {
    const collection = await subject.seeded([{ _id: 2 }]);
    const documents = [{ _id: 1 }, { _id: 2 }, { _id: 3 }];
    const error = await rejection(() => collection.insertMany(documents), { code: 11000 });
    assert.deepEqual(error.result, { acknowledged: true, insertedCount: 1, insertedIds: { 0: 1 } });
    assert.equal(error.writeErrors?.length, 1);
    const [{ errmsg, ...failed }] = error.writeErrors;
    assert.deepEqual(failed, {
      index: 1,
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 2 },
    });
    assert.equal(typeof errmsg, "string");
    assert.deepEqual(error.keyValue, { _id: 2 });
    assert.deepEqual(await collection.distinct("_id"), [1, 2]);
  });

  subject.test("an unordered insertMany goes on and tells of each failure", async () => {
    const collection = await subject.seeded([{ _id: 2 }]);
    const documents = [{ _id: 2 }, { _id: 1 }, { _id: 1 }, { _id: 3 }];
    const error = await rejection(() => collection.insertMany(documents, { ordered: false }), {
      code: 11000,
    });
    assert.deepEqual(error.result, {
      acknowledged: true,
      insertedCount: 2,
      insertedIds: { 1: 1, 3: 3 },
    });
    assert.deepEqual(
      error.writeErrors?.map(({ index, keyValue }) => [index, keyValue]),
      [
        [0, { _id: 2 }],
        [2, { _id: 1 }],
      ],
    );
    assert.deepEqual(await collection.distinct("_id"), [1, 2, 3]);
  });

  subject.test("nothing is inserted when one document of insertMany is unacceptable", async () => {
    const collection = await subject.collection();
    const documents = [{ _id: 1 }, { _id: 2, inner: { run: () => 1 } }];
    await rejection(() => collection.insertMany(documents), {
      code: 2,
      names: ["documents.1", "inner.run"],
    });
    assert.equal(await collection.countDocuments(), 0);
  });

  subject.test("inserts accept names that begin with $ and names with dots", async () => {
    const collection = await subject.collection();
    const document = { _id: 1, $price: 2, "a.b": 3, c: { $d: 4 } };
    await collection.insertOne(document);
    assert.deepEqual(await collection.findOne({ _id: 1 }), document);
  });
}
