import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function refusedWritesSuite(subject: Subject): void {
  subject.test("every method that writes rejects with READ_ONLY and changes nothing", async () => {
    const collection = await subject.numbered(2);
    const database = await subject.database();
    const { collectionName } = collection;
    const set = { $set: { n: 9 } };
    const writes = {
      insertOne: () => collection.insertOne({}),
      insertMany: () => collection.insertMany([{}]),
      insertStream: () => collection.insertMany(new Set([{}])),
      updateOne: () => collection.updateOne({}, set),
      updateMany: () => collection.updateMany({}, set),
      upsert: () => collection.updateOne({ _id: 9 }, set, { upsert: true }),
      replaceOne: () => collection.replaceOne({}, {}),
      deleteOne: () => collection.deleteOne({}),
      deleteMany: () => collection.deleteMany({}),
      findOneAndUpdate: () => collection.findOneAndUpdate({}, set),
      findOneAndReplace: () => collection.findOneAndReplace({}, {}),
      findOneAndDelete: () => collection.findOneAndDelete({}),
      bulkWrite: () => collection.bulkWrite([{ deleteMany: { filter: {} } }]),
      out: () => collection.aggregate([{ $out: "elsewhere" }]).toArray(),
      merge: () => collection.aggregate([{ $merge: "elsewhere" }]).toArray(),
      drop: () => collection.drop(),
      rename: () => collection.rename("elsewhere"),
      createCollection: () => database.createCollection("created"),
      collMod: () => database.command({ collMod: "created", validator: {} }),
      dropCollection: () => database.dropCollection(collectionName),
      renameCollection: () => database.renameCollection(collectionName, "elsewhere"),
      dropOwnDatabase: () => database.dropDatabase(),
      dropDatabase: () => subject.manager.dropDatabase("conformance"),
    };
    for (const [name, write] of Object.entries(writes)) {
      const error = await rejection(write, { code: "READ_ONLY" });
      assert.equal(error.retryable, false, name);
    }
    assert.equal(collection.collectionName, collectionName);
    assert.deepEqual(await collection.find().toArray(), [
      { _id: 0, n: 0 },
      { _id: 1, n: 1 },
    ]);
  });

  subject.test("bad arguments are reported as elsewhere, not hidden by READ_ONLY", async () => {
    const collection = await subject.collection();
    await rejection(() => collection.insertOne({ a: () => 1 }), { code: 2, names: ["a"] });
    await rejection(() => collection.updateOne({}, { a: 1 } as never), { code: 2 });
  });

  subject.test("the manager says that it is readonly", async () => {
    const { manager } = subject;
    assert.deepEqual(
      [manager.isReadOnly(), manager.isPrimary(), manager.isClient(), manager.isReplica()],
      [true, false, false, false],
    );
    const { role, host, primaryPid } = await manager.status();
    assert.deepEqual([role, host, primaryPid], ["readonly", null, null]);
  });
}
