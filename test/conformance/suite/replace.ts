import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function replaceSuite(subject: Subject): void {
  subject.test("replaceOne keeps the _id and nothing else", async () => {
    const collection = await subject.seeded([
      { _id: 1, a: 1, b: { c: 1 } },
      { _id: 2, a: 1 },
    ]);
    assert.deepEqual(await collection.replaceOne({ _id: 1 }, { d: [1] }), {
      acknowledged: true,
      matchedCount: 1,
      modifiedCount: 1,
      upsertedCount: 0,
      upsertedId: null,
    });
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, d: [1] },
      { _id: 2, a: 1 },
    ]);
  });

  subject.test("replacing a document by itself modifies nothing", async () => {
    const collection = await subject.numbered(1);
    const { matchedCount, modifiedCount } = await collection.replaceOne({}, { _id: 0, n: 0 });
    assert.deepEqual([matchedCount, modifiedCount], [1, 0]);
    assert.equal((await collection.replaceOne({ _id: 9 }, {})).matchedCount, 0);
  });

  subject.test("the order of fields is part of a document", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1, b: 2 }]);
    const { modifiedCount } = await collection.replaceOne({ _id: 1 }, { b: 2, a: 1 });
    assert.equal(modifiedCount, 1);
    assert.deepEqual(Object.keys((await collection.findOne())!), ["_id", "b", "a"]);
  });

  subject.test("a replacement may have neither another _id nor operators", async () => {
    const collection = await subject.numbered(1);
    await rejection(() => collection.replaceOne({ _id: 0 }, { _id: 5 }), { code: 66 });
    await rejection(() => collection.replaceOne({ _id: 0 }, { $set: { a: 1 } }), {
      code: 52,
      names: ["$set"],
    });
    await rejection(() => collection.replaceOne({ _id: 0 }, [] as never), {
      code: 2,
      names: ["replacement"],
    });
    await rejection(() => collection.findOneAndReplace({ _id: 0 }, { $a: 1 }), { code: 52 });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, n: 0 }]);
    await collection.replaceOne({ _id: 0 }, { a: { $b: 1 } });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, a: { $b: 1 } }]);
  });
}
