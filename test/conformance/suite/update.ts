import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

const operators: [update: Document, before: Document, after: Document][] = [
  [{ $set: { a: 2, "b.c": [1n] } }, { a: 1 }, { a: 2, b: { c: [1n] } }],
  [{ $unset: { a: "", "b.c": 1 } }, { a: 1, b: { c: 1, d: 2 } }, { b: { d: 2 } }],
  [{ $inc: { a: 2, "b.c": -0.5 } }, { a: 1 }, { a: 3, b: { c: -0.5 } }],
  [{ $inc: { a: 1n } }, { a: 2n ** 62n }, { a: 2n ** 62n + 1n }],
  [{ $mul: { a: 3, b: 5 } }, { a: 2 }, { a: 6, b: 0 }],
  [{ $min: { a: 1, b: 9 } }, { a: 2, b: 3 }, { a: 1, b: 3 }],
  [{ $max: { a: 1, b: "x" } }, { a: 2, b: 3 }, { a: 2, b: "x" }],
  [{ $rename: { a: "b.c" } }, { a: 1 }, { b: { c: 1 } }],
  [{ $push: { a: 3 } }, { a: [1] }, { a: [1, 3] }],
  [{ $push: { a: { $each: [3, 0], $sort: -1, $slice: 2 } } }, { a: [1] }, { a: [3, 1] }],
  [{ $push: { a: { $each: [9], $position: 0 } } }, { a: [1] }, { a: [9, 1] }],
  [{ $addToSet: { a: { $each: [1, 2, 2n] } } }, { a: [1] }, { a: [1, 2] }],
  [{ $pop: { a: -1 } }, { a: [1, 2] }, { a: [2] }],
  [{ $pull: { a: { $gt: 1 } } }, { a: [1, 2, 3] }, { a: [1] }],
  [{ $pullAll: { a: [1, 3] } }, { a: [1, 2, 3, 1] }, { a: [2] }],
  [{ $bit: { a: { or: 4 } } }, { a: 1 }, { a: 5 }],
];

export function updateSuite(subject: Subject): void {
  for (const [update, before, after] of operators) {
    const [name] = Object.keys(update);
    subject.test(`${name} changes ${show(before)} to ${show(after)}`, async () => {
      const collection = await subject.seeded([
        { _id: 1, ...before },
        { _id: 2, ...before },
      ]);
      assert.deepEqual(await collection.updateOne({ _id: 1 }, update), changed(1));
      assert.deepEqual(await collection.findOne({ _id: 1 }), { _id: 1, ...after });
      assert.deepEqual(await collection.findOne({ _id: 2 }), { _id: 2, ...before });
    });
  }

  subject.test("$currentDate sets the time of the update", async () => {
    const collection = await subject.numbered(1);
    const before = Date.now();
    await collection.updateOne({}, { $currentDate: { at: true } });
    const { at } = (await collection.findOne())!;
    assert.ok(at instanceof Date && at.getTime() >= before && at.getTime() <= Date.now());
  });

  subject.test("updateOne changes one document, updateMany all that match", async () => {
    const collection = await subject.numbered(5);
    const update = { $set: { seen: true } };
    assert.deepEqual(await collection.updateOne({ n: { $gt: 2 } }, update), changed(1));
    assert.deepEqual(await collection.updateMany({ n: { $gt: 1 } }, update), {
      ...changed(3),
      modifiedCount: 2,
    });
    assert.equal(await collection.countDocuments({ seen: true }), 3);
  });

  subject.test("a document that stays as it is counts as matched only", async () => {
    const collection = await subject.numbered(1);
    const result = await collection.updateOne({ _id: 0 }, { $set: { n: 0 } });
    assert.deepEqual(result, { ...changed(1), modifiedCount: 0 });
    assert.deepEqual(await collection.updateOne({ _id: 9 }, { $set: { n: 1 } }), {
      ...changed(0),
      upsertedId: null,
    });
  });

  subject.test("a pipeline computes from the document", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 2, b: 3 }]);
    const pipeline = [
      { $set: { sum: { $add: ["$a", "$b"] } } },
      { $unset: ["a"] },
      { $set: { twice: { $multiply: ["$sum", 2] } } },
    ];
    assert.deepEqual(await collection.updateOne({ _id: 1 }, pipeline), changed(1));
    assert.deepEqual(await collection.findOne(), { _id: 1, b: 3, sum: 5, twice: 10 });
    await collection.updateMany({}, [{ $replaceWith: { only: "$sum" } }]);
    assert.deepEqual(await collection.findOne(), { _id: 1, only: 5 });
    await collection.updateOne({}, [{ $project: { is: "$only" } }]);
    assert.deepEqual(await collection.findOne(), { _id: 1, is: 5 });
  });

  subject.test("a pipeline stage that updates do not have is refused and named", async () => {
    const collection = await subject.numbered(1);
    await rejection(() => collection.updateOne({}, [{ $match: {} }]), {
      code: 2,
      names: ["$match"],
    });
  });

  subject.test("the _id cannot change", async () => {
    const collection = await subject.numbered(2);
    const expected = { code: 66, names: ["_id"] } as const;
    await rejection(() => collection.updateOne({ _id: 0 }, { $set: { _id: 5 } }), expected);
    await rejection(() => collection.updateOne({ _id: 0 }, { $unset: { _id: 1 } }), expected);
    await rejection(() => collection.updateOne({ _id: 0 }, [{ $set: { _id: 5 } }]), expected);
    const same = await collection.updateOne({ _id: 0 }, { $set: { _id: 0, n: 1 } });
    assert.equal(same.modifiedCount, 1);
    assert.deepEqual(await collection.distinct("_id"), [0, 1]);
  });

  subject.test("operators that contradict each other are 40", async () => {
    const collection = await subject.numbered(1);
    const expected = { code: 40 } as const;
    await rejection(() => collection.updateOne({}, { $set: { a: 1 }, $inc: { a: 1 } }), expected);
    await rejection(() => collection.updateOne({}, { $set: { a: 1, "a.b": 1 } }), expected);
  });

  subject.test("an unknown operator is 9, a replacement in its place is 2", async () => {
    const collection = await subject.numbered(1);
    await rejection(() => collection.updateOne({}, { $sett: { a: 1 } }), {
      code: 9,
      names: ["$sett"],
    });
    await rejection(() => collection.updateOne({}, { a: 1 } as never), { code: 2, names: ['"a"'] });
    await rejection(() => collection.updateOne({}, {}), { code: 2 });
    await rejection(() => collection.updateOne({}, { $set: 3 } as never), { code: 9 });
    await rejection(() => collection.updateOne({}, null as never), { code: 2, names: ["update"] });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, n: 0 }]);
  });

  subject.test("an operator on a value of the wrong type fails and changes nothing", async () => {
    const collection = await subject.seeded([
      { _id: 1, a: 1 },
      { _id: 2, a: "text" },
    ]);
    await rejection(() => collection.updateOne({ _id: 2 }, { $inc: { a: 1 } }), { code: 14 });
    await rejection(() => collection.updateOne({ _id: 2 }, { $push: { a: 1 } }), { code: 2 });
    await rejection(() => collection.updateOne({ _id: 1 }, { $set: { "a.b": 1 } }), { code: 28 });
    await rejection(() => collection.updateMany({}, { $inc: { a: 1 } }), { code: 14 });
    const documents = await collection.find().sort({ _id: 1 }).toArray();
    assert.deepEqual(
      documents.map(({ a }) => a),
      [1, "text"],
      "updateMany takes effect as a whole",
    );
  });
}

function changed(count: number): object {
  return {
    acknowledged: true,
    matchedCount: count,
    modifiedCount: count,
    upsertedCount: 0,
    upsertedId: null,
  };
}

function show(document: Document): string {
  return JSON.stringify(document, (_, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  ).replaceAll('"', "");
}
