import assert from "node:assert/strict";
import type { Document } from "@liorandb/core";
import type { Subject } from "../mode.js";

const people = [
  { _id: 1, name: "Ada", age: 36, tags: ["math", "code"], address: { city: "London" } },
  { _id: 2, name: "Bob", age: 20, tags: [], address: { city: "Paris" } },
  { _id: 3, name: "Cid", age: null, tags: ["code"] },
  { _id: 4, name: "dan", tags: ["art", "math"], address: { city: "London" } },
];

export function findSuite(subject: Subject): void {
  const ids = (documents: { _id: unknown }[]) => documents.map(({ _id }) => _id);

  subject.test("filters select by MongoDB's operators", async () => {
    const collection = await subject.seeded(people);
    const select = async (filter: Document) => ids(await collection.find(filter).sort({ _id: 1 }));
    assert.deepEqual(await select({}), [1, 2, 3, 4]);
    assert.deepEqual(await select({ name: "Ada" }), [1]);
    assert.deepEqual(await select({ age: { $gt: 20 } }), [1]);
    assert.deepEqual(await select({ age: null }), [3, 4]);
    assert.deepEqual(await select({ age: { $exists: false } }), [4]);
    assert.deepEqual(await select({ "address.city": "London" }), [1, 4]);
    assert.deepEqual(await select({ tags: "math" }), [1, 4]);
    assert.deepEqual(await select({ tags: { $all: ["math", "code"] } }), [1]);
    assert.deepEqual(await select({ tags: { $size: 0 } }), [2]);
    assert.deepEqual(await select({ tags: { $elemMatch: { $regex: "^c" } } }), [1, 3]);
    assert.deepEqual(await select({ name: /^d/i }), [4]);
    assert.deepEqual(await select({ name: { $in: ["Bob", /^C/] } }), [2, 3]);
    assert.deepEqual(await select({ age: { $type: "null" } }), [3]);
    assert.deepEqual(await select({ $or: [{ age: 20 }, { tags: "art" }] }), [2, 4]);
    assert.deepEqual(await select({ $nor: [{ age: 20 }, { tags: "math" }] }), [3]);
    assert.deepEqual(await select({ age: { $not: { $gte: 30 } } }), [2, 3, 4]);
    assert.deepEqual(await select({ $expr: { $eq: [{ $size: "$tags" }, 2] } }), [1, 4]);
    assert.deepEqual(await select({ name: "nobody" }), []);
  });

  subject.test("sort, skip, limit and projection work as options and as methods", async () => {
    const collection = await subject.seeded(people);
    const projection = { name: 1, _id: 0 };
    const options = { sort: { name: -1 }, skip: 1, limit: 2, projection } as const;
    const expected = [{ name: "Cid" }, { name: "Bob" }];
    assert.deepEqual(await collection.find({}, options).toArray(), expected);
    const cursor = collection.find().sort({ name: -1 }).skip(1).limit(2).project(projection);
    assert.deepEqual(await cursor.toArray(), expected);
  });

  subject.test("every form of a sort is understood", async () => {
    const collection = await subject.seeded([
      { _id: 1, a: 1, b: 1 },
      { _id: 2, a: 2, b: 1 },
      { _id: 3, a: 1, b: 2 },
    ]);
    const forms = [
      { b: -1, a: "desc" },
      [["b", -1] as [string, -1], ["a", "descending"] as [string, "descending"]],
      new Map([
        ["b", -1 as const],
        ["a", -1 as const],
      ]),
    ] as const;
    for (const sort of forms) {
      assert.deepEqual(ids(await collection.find({}, { sort: sort as never })), [3, 2, 1]);
    }
    assert.deepEqual(ids(await collection.find().sort("a", -1).limit(1)), [2]);
    assert.deepEqual(ids(await collection.find().sort(["b", "a"])), [1, 2, 3]);
    assert.deepEqual(ids(await collection.find().sort(["b", "desc"]).limit(1)), [3]);
  });

  subject.test("a sort puts values of different types in MongoDB's order", async () => {
    const values = [null, -1, 2n, 3.5, "a", { x: 1 }, Buffer.from("b"), false, new Date(0), /r/];
    const collection = await subject.seeded(
      values.map((value, at) => ({ _id: values.length - at, value })),
    );
    const ascending = (await collection.find().sort({ value: 1 })).map(({ _id }) => _id);
    assert.deepEqual(
      ascending,
      values.map((_, at) => values.length - at),
    );
    const descending = (await collection.find().sort({ value: -1 })).map(({ _id }) => _id);
    assert.deepEqual(descending, [...ascending].reverse());
  });

  subject.test("projections include, exclude, compute and cut arrays", async () => {
    const collection = await subject.seeded(people);
    const one = (projection: Document) => collection.findOne({ _id: 1 }, { projection });
    assert.deepEqual(await one({ name: 1 }), { _id: 1, name: "Ada" });
    assert.deepEqual(await one({ tags: 0, address: 0, age: 0 }), { _id: 1, name: "Ada" });
    assert.deepEqual(await one({ _id: 0, "address.city": 1 }), { address: { city: "London" } });
    assert.deepEqual(await one({ _id: 0, tags: { $slice: 1 }, name: 1 }), {
      name: "Ada",
      tags: ["math"],
    });
    assert.deepEqual(await one({ _id: 0, older: { $add: ["$age", 1] } }), { older: 37 });
  });

  subject.test("findOne returns the first by the sort, or null", async () => {
    const collection = await subject.seeded(people);
    assert.equal((await collection.findOne({}, { sort: { name: -1 } }))!._id, 4);
    assert.equal((await collection.findOne({}, { sort: { _id: 1 }, skip: 2 }))!._id, 3);
    assert.equal(await collection.findOne({ name: "nobody" }), null);
    assert.equal(await collection.findOne({ _id: 99 }), null);
    assert.equal((await collection.findOne(null, { sort: { _id: 1 } }))!._id, 1);
  });

  subject.test("a collection and a database that do not exist are empty", async () => {
    const collection = await subject.collection();
    const elsewhere = (await subject.manager.db("nowhere")).collection("things");
    for (const empty of [collection, elsewhere]) {
      assert.deepEqual(await empty.find().toArray(), []);
      assert.equal(await empty.findOne(), null);
      assert.equal(await empty.findOne({ _id: 1 }), null);
      assert.equal(await empty.countDocuments(), 0);
      assert.equal(await empty.countDocuments({ a: 1 }), 0);
      assert.equal(await empty.estimatedDocumentCount(), 0);
      assert.deepEqual(await empty.distinct("a"), []);
    }
    const { databases } = await subject.manager.listDatabases();
    assert.ok(!databases.some(({ name }) => name === "nowhere"));
  });

  subject.test("a filter may use names that mean something to JavaScript", async () => {
    const collection = await subject.seeded([{ _id: 1, constructor: 1, toString: "x" }]);
    assert.equal(await collection.countDocuments({ constructor: 1 }), 1);
    assert.equal(await collection.countDocuments({ hasOwnProperty: { $exists: true } }), 0);
    assert.deepEqual(await collection.distinct("toString"), ["x"]);
  });
}
