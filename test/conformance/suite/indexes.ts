import assert from "node:assert/strict";
import type {
  Collection,
  Document,
  IndexDescription,
  IndexSpecification,
  LioranError,
} from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

/** What a violated unique index must say. */
async function duplicate(
  call: () => unknown,
  keyPattern: Document,
  keyValue: Document,
): Promise<LioranError> {
  const error = await rejection(call, { code: 11000, names: ["E11000"] });
  assert.deepEqual(error.keyPattern, keyPattern);
  assert.deepEqual(error.keyValue, keyValue);
  return error;
}

const keysOf = async (collection: Collection) =>
  (await collection.indexes()).map(({ name, key }) => [name, key]);

export function indexesSuite(subject: Subject): void {
  creatingIndexes(subject);
  droppingIndexes(subject);
  uniqueIndexes(subject);
  partOfTheDocuments(subject);
}

function creatingIndexes(subject: Subject): void {
  subject.test("every form of an index is understood, and named as MongoDB names it", async () => {
    const collection = await subject.collection();
    const forms: [specification: unknown, name: string, key: Document][] = [
      ["a", "a_1", { a: 1 }],
      [{ b: -1 }, "b_-1", { b: -1 }],
      [["c", -1], "c_-1", { c: -1 }],
      [["d", "e"], "d_1_e_1", { d: 1, e: 1 }],
      [
        [
          ["f", 1],
          ["g", -1],
        ],
        "f_1_g_-1",
        { f: 1, g: -1 },
      ],
      [new Map([["h.i", 1]]), "h.i_1", { "h.i": 1 }],
      [[{ j: 1 }, { k: -1 }], "j_1_k_-1", { j: 1, k: -1 }],
      [{ l: 5, m: -0.5 }, "l_1_m_-1", { l: 1, m: -1 }],
    ];
    for (const [specification, name] of forms) {
      assert.equal(await collection.createIndex(specification as IndexSpecification), name);
    }
    assert.deepEqual(await keysOf(collection), [
      ["_id_", { _id: 1 }],
      ...forms.map(([, name, key]) => [name, key]),
    ]);
    assert.equal(
      await collection.createIndex({ a: -1 }, { name: "mine", background: true }),
      "mine",
    );
    assert.equal(await collection.indexExists("mine"), true);
    assert.equal(await collection.indexExists(["_id_", "a_1", "mine"]), true);
    assert.equal(await collection.indexExists(["mine", "nobody"]), false);
    assert.equal(await collection.createIndex({ _id: 1 }), "_id_");
  });

  subject.test(
    "createIndexes makes several, and an index that is there stays as it is",
    async () => {
      const collection = await subject.collection();
      const wanted: IndexDescription[] = [
        { key: { a: 1 }, unique: true },
        { key: { b: 1 }, name: "second" },
      ];
      assert.deepEqual(await collection.createIndexes(wanted), ["a_1", "second"]);
      assert.deepEqual(await collection.createIndexes(wanted), ["a_1", "second"]);
      assert.deepEqual(await collection.indexes(), [
        { v: 2, key: { _id: 1 }, name: "_id_" },
        { v: 2, key: { a: 1 }, name: "a_1", unique: true },
        { v: 2, key: { b: 1 }, name: "second" },
      ]);
    },
  );

  subject.test("listIndexes shows the options of each", async () => {
    const collection = await subject.collection();
    const partialFilterExpression = { b: { $gt: 5 } };
    await collection.createIndex("a", { sparse: true });
    await collection.createIndex("b", { partialFilterExpression, unique: true });
    await collection.createIndex("at", { expireAfterSeconds: 3600 });
    const cursor = collection.listIndexes();
    assert.deepEqual(await cursor.next(), { v: 2, key: { _id: 1 }, name: "_id_" });
    assert.deepEqual(await cursor.toArray(), [
      { v: 2, key: { a: 1 }, name: "a_1", sparse: true },
      { v: 2, key: { b: 1 }, name: "b_1", unique: true, partialFilterExpression },
      { v: 2, key: { at: 1 }, name: "at_1", expireAfterSeconds: 3600 },
    ]);
  });

  subject.test("what cannot be an index is refused with 67 and named", async () => {
    const collection = await subject.collection();
    const refused: [specification: unknown, options: object, ...names: string[]][] = [
      [{}, {}, "empty"],
      [{ a: 0 }, {}, '"a"'],
      [{ a: "up" }, {}, '"a"'],
      [{ a: "text" }, {}, "text"],
      [{ a: "2dsphere" }, {}, "2dsphere"],
      [{ a: "hashed" }, {}, "hashed"],
      [{ "a..b": 1 }, {}, '"a..b"'],
      [{ "a.$b": 1 }, {}, '"a.$b"'],
      [{ "$**": 1 }, {}, "wildcard"],
      [
        [
          ["a", 1],
          ["a", -1],
        ],
        {},
        '"a"',
      ],
      [Array.from({ length: 33 }, (_, at) => `f${at}`), {}, "32"],
      [{ a: 1, b: 1 }, { expireAfterSeconds: 1 }, "expireAfterSeconds"],
      [{ a: 1 }, { expireAfterSeconds: -1 }, "expireAfterSeconds"],
      [{ a: 1 }, { partialFilterExpression: { b: { $ne: 1 } } }, "$ne"],
      [{ a: 1 }, { partialFilterExpression: { b: { $exists: false } } }, "$exists"],
      [{ a: 1 }, { partialFilterExpression: { b: 1 }, sparse: true }, "sparse"],
    ];
    for (const [specification, options, ...names] of refused) {
      const call = () => collection.createIndex(specification as IndexSpecification, options);
      await rejection(call, { code: 67, names });
    }
    await rejection(() => collection.createIndex({ _id: 1 }, { sparse: true }), { code: 197 });
    await rejection(() => collection.createIndex("a", { weights: {} } as object), {
      code: "INVALID_OPTION",
      names: ['"weights"'],
    });
    await rejection(() => collection.createIndex("a", { name: "" }), { code: 2 });
    await rejection(() => collection.createIndex({ a: 1 }, { name: "_id_" }), { code: 2 });
    await rejection(() => collection.createIndexes([]), { code: 2 });
    await rejection(() => collection.createIndex(3 as never), { code: 2 });
    assert.deepEqual(
      await (await subject.database())
        .listCollections({ name: collection.collectionName })
        .toArray(),
      [],
    );
  });

  subject.test("an index that conflicts with another is refused with 85 or 86", async () => {
    const collection = await subject.collection();
    await collection.createIndex({ a: 1 }, { name: "first" });
    await collection.createIndex({ at: 1 }, { expireAfterSeconds: 60 });
    const conflicts: [code: 85 | 86, specification: IndexSpecification, options: object][] = [
      [85, { a: 1 }, { name: "other" }],
      [85, { a: 1 }, {}],
      [85, { at: 1 }, { expireAfterSeconds: 61 }],
      [86, { b: 1 }, { name: "first" }],
      [86, { a: -1 }, { name: "first" }],
      [86, { a: 1 }, { name: "first", unique: true }],
      [86, { at: 1 }, { sparse: true, expireAfterSeconds: 60 }],
    ];
    for (const [code, specification, options] of conflicts) {
      await rejection(() => collection.createIndex(specification, options), { code });
    }
    // As in MongoDB, indexes with the same key may differ in what they leave out.
    await collection.createIndex({ a: 1 }, { name: "unique", unique: true });
    assert.deepEqual(
      (await keysOf(collection)).map(([name]) => name),
      ["_id_", "first", "at_1", "unique"],
    );
  });

  subject.test("a failing createIndexes leaves none of its indexes", async () => {
    const collection = await subject.seeded([
      { _id: 1, a: 1 },
      { _id: 2, a: 1 },
    ]);
    const call = () =>
      collection.createIndexes([{ key: { b: 1 } }, { key: { a: 1 }, unique: true }]);
    await duplicate(call, { a: 1 }, { a: 1 });
    assert.deepEqual(await keysOf(collection), [["_id_", { _id: 1 }]]);
    await collection.insertOne({ _id: 3, a: 1 });
  });

  subject.test("a violation names the element of an array that is there already", async () => {
    const collection = await subject.seeded([
      { _id: 1, tags: ["a", "b"], list: [{ x: 1 }, { x: 2 }] },
    ]);
    await collection.createIndexes([
      { key: { tags: 1, n: -1 }, unique: true },
      { key: { "list.x": 1 }, unique: true },
    ]);
    const tags = () => collection.insertOne({ _id: 2, tags: ["c", "b"] });
    await duplicate(tags, { tags: 1, n: -1 }, { tags: "b", n: null });
    const list = () => collection.insertOne({ _id: 3, tags: 1, list: [{ x: 3 }, { x: 2 }] });
    await duplicate(list, { "list.x": 1 }, { "list.x": 2 });
  });

  subject.test("a key that two indexes have does not say which to drop: 181", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1 }]);
    await collection.createIndexes([{ key: { a: 1 } }, { key: { a: 1 }, name: "u", unique: true }]);
    await rejection(() => collection.dropIndex({ a: 1 }), { code: 181, names: ["a_1", "u"] });
    await collection.dropIndex("u");
    await collection.dropIndex({ a: 1 });
    assert.deepEqual(await keysOf(collection), [["_id_", { _id: 1 }]]);
  });

  subject.test("options that an index cannot have are named, with the field", async () => {
    const collection = await subject.seeded([{ _id: 1 }]);
    for (const option of ["unique", "sparse"]) {
      const call = () => collection.createIndex({ _id: 1 }, { [option]: true });
      await rejection(call, { code: 197, names: [`'${option}'`] });
    }
    const partial = (partialFilterExpression: Document) => () =>
      collection.createIndex({ a: 1 }, { partialFilterExpression });
    await rejection(partial({ b: { $ne: 1 } }), { code: 67, names: ["$ne", '"b"'] });
    await rejection(partial({ b: { $exists: false } }), { code: 67, names: ["$exists: false"] });
    const expiry = () => collection.createIndex({ at: 1 }, { expireAfterSeconds: -1 });
    await rejection(expiry, { code: 67, names: ["expireAfterSeconds", "at_1", "-1"] });
  });

  subject.test("two arrays cannot be indexed together: 171", async () => {
    const collection = await subject.seeded([{ _id: 1, a: [1], b: 2 }]);
    await collection.createIndex({ a: 1, b: 1 });
    const parallel = { code: 171, names: ["[b]", "[a]"] } as const;
    await rejection(() => collection.insertOne({ _id: 2, a: [1], b: [2] }), parallel);
    await rejection(() => collection.updateOne({ _id: 1 }, { $set: { b: [2] } }), parallel);
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1, a: [1], b: 2 }]);
    await collection.updateOne({ _id: 1 }, { $set: { a: 1, b: [2] } });
    const other = await subject.seeded([{ _id: 1, a: [1], b: [2] }]);
    await rejection(() => other.createIndex({ a: 1, b: -1 }), parallel);
    assert.deepEqual(await keysOf(other), [["_id_", { _id: 1 }]]);
  });

  subject.test("arrays side by side in one object are parallel too", async () => {
    const collection = await subject.collection();
    await collection.createIndex({ "a.b": 1, "a.c": 1 });
    await collection.insertOne({ _id: 1, a: [{ b: 1, c: 2 }, { b: 3 }] });
    await collection.insertOne({ _id: 2, a: { b: [1, 2], c: 3 } });
    await collection.insertOne({ _id: 3, a: [{ b: [1, 2], c: 3 }] });
    const parallel = { code: 171 } as const;
    await rejection(() => collection.insertOne({ a: { b: [1], c: [2] } }), parallel);
    await rejection(() => collection.insertOne({ a: [{ b: [1], c: [2] }] }), parallel);
    assert.equal(await collection.countDocuments({ "a.b": 1 }), 3);
  });
}

function droppingIndexes(subject: Subject): void {
  subject.test("an index is dropped by its name or its key", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1 }]);
    await collection.createIndexes([
      { key: { a: 1 } },
      { key: { b: -1 } },
      { key: { c: 1, d: 1 } },
    ]);
    assert.deepEqual(await collection.dropIndex("a_1"), { nIndexesWas: 4, ok: 1 });
    assert.deepEqual(await collection.dropIndex({ b: -1 }), { nIndexesWas: 3, ok: 1 });
    assert.deepEqual(await keysOf(collection), [
      ["_id_", { _id: 1 }],
      ["c_1_d_1", { c: 1, d: 1 }],
    ]);
    assert.equal(await collection.dropIndexes(), true);
    assert.deepEqual(await keysOf(collection), [["_id_", { _id: 1 }]]);
    assert.deepEqual(await collection.find({ a: 1 }).toArray(), [{ _id: 1, a: 1 }]);
    await rejection(() => collection.find({ a: 1 }).hint("a_1").toArray(), { code: 2 });
  });

  subject.test("dropping what is not there fails with 26, 27 or 72", async () => {
    const missing = await subject.collection();
    await rejection(() => missing.dropIndex("a_1"), { code: 26 });
    await rejection(() => missing.dropIndexes(), { code: 26 });
    await rejection(() => missing.indexes(), { code: 26 });
    assert.equal(await missing.indexExists("_id_"), false);
    const collection = await subject.numbered(1);
    await collection.createIndex({ a: 1, b: 1 });
    await rejection(() => collection.dropIndex("a_1"), { code: 27, names: ["a_1"] });
    await rejection(() => collection.dropIndex({ b: 1, a: 1 }), { code: 27 });
    await rejection(() => collection.dropIndex("_id_"), { code: 72 });
    await rejection(() => collection.dropIndex({ _id: 1 }), { code: 72 });
    await rejection(() => collection.dropIndex("" as string), { code: 2 });
    assert.equal((await collection.indexes()).length, 2);
  });

  subject.test("indexes go with their collection, and follow it to a new name", async () => {
    const collection = await subject.seeded([{ _id: 1, a: 1 }]);
    await collection.createIndex("a", { unique: true });
    const renamed = await collection.rename(subject.newName());
    assert.equal(await renamed.indexExists("a_1"), true);
    await duplicate(() => renamed.insertOne({ _id: 2, a: 1 }), { a: 1 }, { a: 1 });
    assert.deepEqual(await renamed.find({ a: 1 }).hint("a_1").toArray(), [{ _id: 1, a: 1 }]);
    await renamed.drop();
    await rejection(() => renamed.indexes(), { code: 26 });
    await renamed.insertMany([{ a: 1 }, { a: 1 }]);
    assert.deepEqual(await keysOf(renamed), [["_id_", { _id: 1 }]]);
  });
}

function uniqueIndexes(subject: Subject): void {
  subject.test("a unique index refuses every write that would repeat its values", async () => {
    const collection = await subject.seeded([
      { _id: 1, email: "a", n: 1 },
      { _id: 2, email: "b", n: 2 },
    ]);
    await collection.createIndex("email", { unique: true });
    const refused = (call: () => unknown, value: string) =>
      duplicate(call, { email: 1 }, { email: value });
    await refused(() => collection.insertOne({ email: "a" }), "a");
    await refused(() => collection.updateOne({ _id: 2 }, { $set: { email: "a" } }), "a");
    await refused(() => collection.updateMany({}, { $set: { email: "c" } }), "c");
    await refused(() => collection.replaceOne({ _id: 2 }, { email: "a" }), "a");
    const upsert = { upsert: true };
    await refused(() => collection.updateOne({ _id: 3 }, { $set: { email: "b" } }, upsert), "b");
    await refused(() => collection.replaceOne({ _id: 3 }, { email: "b" }, upsert), "b");
    await refused(() => collection.findOneAndUpdate({ _id: 1 }, { $set: { email: "b" } }), "b");
    await refused(() => collection.findOneAndReplace({ _id: 1 }, { email: "b" }), "b");
    assert.deepEqual(await collection.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, email: "a", n: 1 },
      { _id: 2, email: "b", n: 2 },
    ]);
    // A document may keep its own values, and take those that have become free.
    await collection.updateOne({ _id: 1 }, { $set: { n: 5, email: "a" } });
    await collection.deleteOne({ _id: 2 });
    await collection.updateOne({ _id: 1 }, { $set: { email: "b" } });
    await collection.insertOne({ _id: 4, email: "a" });
  });

  subject.test("insertMany and bulkWrite go on after a repeated value, or stop there", async () => {
    const collection = await subject.collection();
    await collection.createIndex({ a: 1, b: -1 }, { unique: true });
    const documents = [
      { a: 1, b: 1 },
      { a: 1, b: 1 },
      { a: 1, b: 2 },
    ];
    const keyPattern = { a: 1, b: -1 };
    const unordered = await duplicate(
      () =>
        collection.insertMany(
          documents.map((one) => ({ ...one })),
          { ordered: false },
        ),
      keyPattern,
      { a: 1, b: 1 },
    );
    assert.deepEqual(
      unordered.writeErrors!.map(({ index, code, keyValue }) => [index, code, keyValue]),
      [[1, 11000, { a: 1, b: 1 }]],
    );
    assert.equal(unordered.result!.insertedCount, 2);
    const models = [
      { insertOne: { document: { a: 2, b: 1 } } },
      { updateOne: { filter: { a: 2 }, update: { $set: { a: 1 } } } },
      { insertOne: { document: { a: 3, b: 1 } } },
    ];
    const ordered = await duplicate(() => collection.bulkWrite(models), keyPattern, { a: 1, b: 1 });
    assert.deepEqual(
      ordered.writeErrors!.map(({ index }) => index),
      [1],
    );
    assert.equal(await collection.countDocuments({ a: 3 }), 0);
    assert.equal(await collection.countDocuments({ a: 2 }), 1);
  });

  subject.test("missing and null are one value of a unique index, 1 and 1n too", async () => {
    const collection = await subject.collection();
    await collection.createIndex("a", { unique: true });
    await collection.insertOne({ _id: 1 });
    await duplicate(() => collection.insertOne({ _id: 2 }), { a: 1 }, { a: null });
    await duplicate(() => collection.insertOne({ _id: 2, a: null }), { a: 1 }, { a: null });
    await collection.insertOne({ _id: 2, a: 1 });
    await duplicate(() => collection.insertOne({ _id: 3, a: 1n }), { a: 1 }, { a: 1n });
    await collection.insertOne({ _id: 3, a: "1" });
  });

  subject.test("elements of arrays are unique between documents, not within one", async () => {
    const collection = await subject.collection();
    await collection.createIndex("tags", { unique: true });
    await collection.insertOne({ _id: 1, tags: ["x", "y", "x"] });
    await duplicate(() => collection.insertOne({ tags: "x" }), { tags: 1 }, { tags: "x" });
    const both = { tags: ["z", "y"] };
    await duplicate(() => collection.insertOne({ ...both }), { tags: 1 }, { tags: "y" });
    await collection.insertOne({ _id: 2, tags: ["z"] });
    await duplicate(
      () => collection.updateOne({ _id: 2 }, { $push: { tags: "x" } }),
      { tags: 1 },
      { tags: "x" },
    );
    await collection.updateOne({ _id: 1 }, { $pull: { tags: "x" } });
    await collection.updateOne({ _id: 2 }, { $push: { tags: "x" } });
  });

  subject.test("values too long for a key are unique by all of their characters", async () => {
    const collection = await subject.collection();
    await collection.createIndex({ text: 1 }, { unique: true });
    const text = "x".repeat(5_000);
    await collection.insertMany([
      { _id: 1, text },
      { _id: 2, text: `${text}y` },
      { _id: 3, text: "x" },
    ]);
    await duplicate(() => collection.insertOne({ text }), { text: 1 }, { text });
    const find = async (filter: Document) =>
      (await collection.find(filter).hint("text_1").sort({ _id: 1 })).map(({ _id }) => _id);
    assert.deepEqual(await find({ text }), [1]);
    assert.deepEqual(await find({ text: { $gt: text } }), [2]);
    assert.deepEqual(await find({ text: { $lte: text } }), [1, 3]);
    assert.deepEqual(await find({ text: { $in: ["x", `${text}y`] } }), [2, 3]);
    assert.deepEqual(await find({ text: /^xx/ }), [1, 2]);
    const sorted = await collection.find().sort({ text: -1 }).toArray();
    assert.deepEqual(
      sorted.map(({ _id }) => _id),
      [2, 1, 3],
    );
  });
}

function partOfTheDocuments(subject: Subject): void {
  subject.test("a sparse index leaves out documents without its fields", async () => {
    const collection = await subject.collection();
    await collection.createIndex("a", { sparse: true, unique: true });
    await collection.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, a: null }, { _id: 4, a: 1 }]);
    await duplicate(() => collection.insertOne({ a: null }), { a: 1 }, { a: null });
    const ids = async (filter: Document, options = {}) =>
      (await collection.find(filter, options)).map(({ _id }) => _id).sort();
    assert.deepEqual(await ids({}), [1, 2, 3, 4]);
    assert.deepEqual(await ids({ a: null }), [1, 2, 3]);
    assert.deepEqual(await ids({}, { sort: { a: 1 } }), [1, 2, 3, 4]);
    assert.deepEqual(await ids({}, { hint: "a_1" }), [3, 4]);
    assert.deepEqual(await ids({ a: { $exists: true } }), [3, 4]);
    assert.equal(await collection.countDocuments({ a: { $exists: false } }), 2);
  });

  subject.test(
    "a partial index has, and holds unique, the documents of its filter only",
    async () => {
      const collection = await subject.collection();
      const partialFilterExpression = { active: true };
      await collection.createIndex("name", { unique: true, partialFilterExpression });
      await collection.insertMany([
        { _id: 1, name: "a", active: true },
        { _id: 2, name: "a", active: false },
        { _id: 3, name: "a" },
      ]);
      const repeated = { name: "a", active: true };
      await duplicate(() => collection.insertOne({ ...repeated }), { name: 1 }, { name: "a" });
      await duplicate(
        () => collection.updateOne({ _id: 2 }, { $set: { active: true } }),
        { name: 1 },
        { name: "a" },
      );
      await collection.updateOne({ _id: 1 }, { $set: { active: false } });
      await collection.updateOne({ _id: 2 }, { $set: { active: true } });
      assert.equal(await collection.countDocuments({ name: "a" }), 3);
      assert.equal(await collection.countDocuments(repeated, { hint: "name_1" }), 1);
      await rejection(() => collection.find({ name: "a" }).hint("name_1").toArray(), { code: 2 });
    },
  );

  subject.test(
    "a write that fails takes back the entries of every document it had changed",
    async () => {
      const collection = await subject.seeded(
        Array.from({ length: 20 }, (_, n) => ({ _id: n, n, tags: [n, n + 1] })),
      );
      await collection.createIndex("n", { unique: true });
      await collection.createIndex({ tags: -1, n: 1 });
      await duplicate(() => collection.updateMany({}, { $inc: { n: 1 } }), { n: 1 }, { n: 1 });
      await rejection(() => collection.updateMany({}, { $set: { n: [500] } }), { code: 171 });
      assert.equal(await collection.countDocuments({ n: { $lt: 10 } }, { hint: "n_1" }), 10);
      assert.equal(await collection.countDocuments({ tags: 5 }, { hint: "tags_-1_n_1" }), 2);
      await collection.updateMany({}, { $mul: { n: -1 } });
      assert.equal(await collection.countDocuments({ n: { $lte: 0 } }, { hint: "n_1" }), 20);
    },
  );
}
