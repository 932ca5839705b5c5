import assert from "node:assert/strict";
import type { Subject } from "../mode.js";

export function countingSuite(subject: Subject): void {
  subject.test("countDocuments counts with filter, skip and limit", async () => {
    const collection = await subject.numbered(50);
    assert.equal(await collection.countDocuments(), 50);
    assert.equal(await collection.countDocuments({ n: { $lt: 10 } }), 10);
    assert.equal(await collection.countDocuments({}, { skip: 45 }), 5);
    assert.equal(await collection.countDocuments({}, { skip: 60 }), 0);
    assert.equal(await collection.countDocuments({}, { limit: 7 }), 7);
    assert.equal(await collection.countDocuments({}, { limit: 0 }), 50);
    assert.equal(await collection.countDocuments({ n: { $lt: 10 } }, { skip: 4, limit: 3 }), 3);
    assert.equal(await collection.countDocuments({ n: { $lt: 10 } }, { skip: 8, limit: 3 }), 2);
  });

  subject.test("a cursor counts with its filter, skip and limit", async () => {
    const collection = await subject.numbered(50);
    assert.equal(await collection.find({ n: { $gte: 40 } }).count(), 10);
    assert.equal(await collection.find().skip(10).limit(25).count(), 25);
  });

  subject.test("estimatedDocumentCount follows inserts and deletes", async () => {
    const collection = await subject.numbered(20);
    const writable = await subject.writable(collection);
    assert.equal(await collection.estimatedDocumentCount(), 20);
    await writable.deleteMany({ n: { $lt: 5 } });
    assert.equal(await collection.estimatedDocumentCount(), 15);
    await writable.insertOne({});
    assert.equal(await collection.estimatedDocumentCount(), 16);
  });

  subject.test("distinct takes arrays apart and counts equal values once", async () => {
    const collection = await subject.seeded([
      { _id: 1, tags: ["a", "b"], deep: [{ x: 1 }, { x: 2 }] },
      { _id: 2, tags: "b", deep: { x: 2n } },
      { _id: 3, tags: null },
      { _id: 4 },
    ]);
    assert.deepEqual(await collection.distinct("tags"), ["a", "b", null]);
    assert.deepEqual(await collection.distinct("deep.x"), [1, 2]);
    assert.deepEqual(await collection.distinct("tags", { _id: { $lt: 2 } }), ["a", "b"]);
    assert.deepEqual(await collection.distinct("missing"), []);
  });
}
