import assert from "node:assert/strict";
import type { Subject } from "../mode.js";

export function deleteSuite(subject: Subject): void {
  const deleted = (deletedCount: number) => ({ acknowledged: true, deletedCount });

  subject.test("deleteOne removes the first that matches, or nothing", async () => {
    const collection = await subject.numbered(5);
    assert.deepEqual(await collection.deleteOne({ _id: 3 }), deleted(1));
    assert.deepEqual(await collection.deleteOne({ _id: 3 }), deleted(0));
    assert.deepEqual(await collection.deleteOne({ n: { $gt: 0 } }), deleted(1));
    assert.deepEqual(await collection.distinct("n"), [0, 2, 4]);
  });

  subject.test("deleteMany removes all that match", async () => {
    const collection = await subject.numbered(10);
    assert.deepEqual(await collection.deleteMany({ n: { $gte: 6 } }), deleted(4));
    assert.deepEqual(await collection.deleteMany({ n: "none" }), deleted(0));
    assert.deepEqual(await collection.deleteMany({ _id: { $in: [0, 1, 99] } }), deleted(2));
    assert.equal(await collection.countDocuments(), 4);
    assert.deepEqual(await collection.deleteMany({}), deleted(4));
    assert.equal(await collection.estimatedDocumentCount(), 0);
  });

  subject.test("a deleted _id can be inserted again", async () => {
    const collection = await subject.numbered(1);
    await collection.deleteOne({ _id: 0 });
    assert.equal(await collection.findOne({ _id: 0 }), null);
    await collection.insertOne({ _id: 0, again: true });
    assert.deepEqual(await collection.findOne({ _id: 0 }), { _id: 0, again: true });
  });

  subject.test(
    "deleting from what does not exist deletes nothing and creates nothing",
    async () => {
      const collection = await subject.collection();
      assert.deepEqual(await collection.deleteMany({}), deleted(0));
      assert.deepEqual(await collection.deleteOne({ a: 1 }), deleted(0));
      const names = (await (await subject.database()).listCollections().toArray()).map(
        ({ name }) => name,
      );
      assert.ok(!names.includes(collection.collectionName));
    },
  );
}
