import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function findAndModifySuite(subject: Subject): void {
  subject.test("findOneAndUpdate returns the document before, or after", async () => {
    const collection = await subject.numbered(2);
    const update = { $inc: { n: 10 } };
    assert.deepEqual(await collection.findOneAndUpdate({ _id: 1 }, update), { _id: 1, n: 1 });
    const after = { returnDocument: "after" } as const;
    assert.deepEqual(await collection.findOneAndUpdate({ _id: 1 }, update, after), {
      _id: 1,
      n: 21,
    });
    assert.equal(await collection.findOneAndUpdate({ _id: 9 }, update), null);
    assert.equal(await collection.findOneAndUpdate({ _id: 9 }, update, after), null);
  });

  subject.test("the sort chooses the document, the projection its fields", async () => {
    const collection = await subject.numbered(5);
    const options = { sort: { n: -1 }, projection: { n: 1, _id: 0 } } as const;
    assert.deepEqual(await collection.findOneAndDelete({}, options), { n: 4 });
    const replaced = await collection.findOneAndReplace({}, { r: 1 }, options);
    assert.deepEqual(replaced, { n: 3 });
    assert.deepEqual(await collection.findOne({ _id: 3 }), { _id: 3, r: 1 });
    const updated = await collection.findOneAndUpdate({}, { $set: { n: 9 } }, options);
    assert.deepEqual(updated, { n: 2 });
  });

  subject.test("findOneAndDelete returns what it removed, or null", async () => {
    const collection = await subject.numbered(1);
    assert.deepEqual(await collection.findOneAndDelete({ n: 0 }), { _id: 0, n: 0 });
    assert.equal(await collection.findOneAndDelete({ n: 0 }), null);
    assert.equal(await collection.countDocuments(), 0);
  });

  subject.test("includeResultMetadata gives value, lastErrorObject and ok", async () => {
    const collection = await subject.numbered(2);
    const metadata = { includeResultMetadata: true } as const;
    assert.deepEqual(await collection.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, metadata), {
      value: { _id: 1, n: 1 },
      lastErrorObject: { n: 1, updatedExisting: true },
      ok: 1,
    });
    assert.deepEqual(await collection.findOneAndReplace({ _id: 9 }, { a: 1 }, metadata), {
      value: null,
      lastErrorObject: { n: 0, updatedExisting: false },
      ok: 1,
    });
    assert.deepEqual(await collection.findOneAndDelete({ _id: 0 }, metadata), {
      value: { _id: 0, n: 0 },
      lastErrorObject: { n: 1 },
      ok: 1,
    });
    const upserting = { ...metadata, upsert: true } as const;
    assert.deepEqual(await collection.findOneAndUpdate({ _id: 7 }, { $set: { n: 7 } }, upserting), {
      value: null,
      lastErrorObject: { n: 1, updatedExisting: false, upserted: 7 },
      ok: 1,
    });
  });

  subject.test("findOneAndX upserts and returns null before, the document after", async () => {
    const collection = await subject.collection();
    const update = { $set: { n: 1 } };
    assert.equal(await collection.findOneAndUpdate({ _id: 1 }, update, { upsert: true }), null);
    const options = { upsert: true, returnDocument: "after" } as const;
    assert.deepEqual(await collection.findOneAndUpdate({ _id: 2 }, update, options), {
      _id: 2,
      n: 1,
    });
    assert.deepEqual(await collection.findOneAndReplace({ _id: 3 }, { r: 1 }, options), {
      _id: 3,
      r: 1,
    });
    assert.equal(await collection.countDocuments(), 3);
  });

  subject.test("findOneAndUpdate takes pipelines", async () => {
    const collection = await subject.numbered(2);
    const found = await collection.findOneAndUpdate(
      { _id: 1 },
      [{ $set: { m: { $concat: ["n=", { $toString: "$n" }] } } }],
      { returnDocument: "after" },
    );
    assert.deepEqual(found, { _id: 1, n: 1, m: "n=1" });
  });

  subject.test("failures are those of updateOne and replaceOne", async () => {
    const collection = await subject.numbered(1);
    await rejection(() => collection.findOneAndUpdate({}, { a: 1 } as never), { code: 2 });
    await rejection(() => collection.findOneAndUpdate({}, { $x: { a: 1 } }), { code: 9 });
    await rejection(() => collection.findOneAndUpdate({}, { $set: { _id: 5 } }), { code: 66 });
    await rejection(() => collection.findOneAndReplace({}, { _id: 5 }), { code: 66 });
    await rejection(() => collection.findOneAndDelete({}, { sort: { n: 2 } } as never), {
      code: 2,
      names: ['"n"'],
    });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, n: 0 }]);
  });
}
