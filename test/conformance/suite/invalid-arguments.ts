import assert from "node:assert/strict";
import type { Collection } from "@liorandb/core";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

type Call = (collection: Collection, options: never) => unknown;

const calls: Record<string, Call> = {
  insertOne: (collection, options) => collection.insertOne({}, options),
  insertMany: (collection, options) => collection.insertMany([{}], options),
  find: (collection, options) => collection.find({}, options).toArray(),
  findOne: (collection, options) => collection.findOne({}, options),
  updateOne: (collection, options) => collection.updateOne({}, { $set: { a: 1 } }, options),
  updateMany: (collection, options) => collection.updateMany({}, { $set: { a: 1 } }, options),
  replaceOne: (collection, options) => collection.replaceOne({}, {}, options),
  deleteOne: (collection, options) => collection.deleteOne({}, options),
  deleteMany: (collection, options) => collection.deleteMany({}, options),
  countDocuments: (collection, options) => collection.countDocuments({}, options),
  estimatedDocumentCount: (collection, options) => collection.estimatedDocumentCount(options),
  distinct: (collection, options) => collection.distinct("a", {}, options),
  findOneAndUpdate: (collection, options) =>
    collection.findOneAndUpdate({}, { $set: { a: 1 } }, options),
  findOneAndReplace: (collection, options) => collection.findOneAndReplace({}, {}, options),
  findOneAndDelete: (collection, options) => collection.findOneAndDelete({}, options),
  bulkWrite: (collection, options) =>
    collection.bulkWrite([{ deleteOne: { filter: {} } }], options),
  drop: (collection, options) => collection.drop(options),
  rename: (collection, options) => collection.rename("renamed", options),
};

const wrongValues: [call: string, option: string, value: unknown][] = [
  ["find", "limit", -1],
  ["find", "skip", "1"],
  ["find", "batchSize", 0.5],
  ["find", "maxTimeMS", -1],
  ["find", "projection", "name"],
  ["find", "signal", {}],
  ["updateOne", "upsert", 1],
  ["updateOne", "arrayFilters", {}],
  ["insertMany", "ordered", "no"],
  ["bulkWrite", "ordered", null],
  ["findOneAndUpdate", "returnDocument", "new"],
  ["findOneAndUpdate", "includeResultMetadata", 1],
  ["rename", "dropTarget", 1],
];

export function invalidArgumentsSuite(subject: Subject): void {
  subject.test("an unsupported option is refused by every method, which names it", async () => {
    const collection = await subject.numbered(1);
    for (const [name, call] of Object.entries(calls)) {
      const expected = { code: "INVALID_OPTION", names: [name, '"hintt"'] } as const;
      await rejection(() => call(collection, { hintt: 1 } as never), expected);
      await rejection(() => call(collection, "x" as never), {
        code: "INVALID_OPTION",
        names: [name],
      });
    }
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, n: 0 }]);
  });

  subject.test("an option of another method is refused too", async () => {
    const collection = await subject.numbered(1);
    const expected = { code: "INVALID_OPTION", names: ['"upsert"'] } as const;
    for (const name of ["insertOne", "find", "deleteMany", "findOneAndDelete", "distinct"]) {
      await rejection(() => calls[name](collection, { upsert: true } as never), expected);
    }
  });

  subject.test("an option with a wrong value is refused and named", async () => {
    const collection = await subject.numbered(1);
    for (const [name, option, value] of wrongValues) {
      await rejection(() => calls[name](collection, { [option]: value } as never), {
        code: "INVALID_OPTION",
        names: [name, `"${option}"`],
      });
    }
  });

  subject.test("options that are undefined or null count as not given", async () => {
    const collection = await subject.numbered(2);
    assert.equal((await collection.find({}, undefined)).length, 2);
    assert.equal(await collection.countDocuments({}, null as never), 2);
    assert.equal((await collection.find({}, { limit: undefined, comment: "why" })).length, 2);
  });

  subject.test("arguments of the wrong kind are refused and named", async () => {
    const collection = await subject.numbered(1);
    await rejection(() => collection.find("x" as never).toArray(), { code: 2, names: ["filter"] });
    await rejection(() => collection.countDocuments([] as never), { code: 2, names: ["filter"] });
    await rejection(() => collection.distinct("" as never), { code: 2, names: ["distinct"] });
    await rejection(() => collection.distinct(3 as never), { code: 2, names: ["distinct"] });
    await rejection(() => collection.find({ n: { $gt: 1, m: 2 } } as never).toArray(), { code: 2 });
    await rejection(() => collection.find({ $where: "true" }).toArray(), {
      code: 115,
      names: ["$where"],
    });
    await rejection(() => collection.find({ n: { $in: 1 } }).toArray(), {
      code: 2,
      names: ["$in"],
    });
    await rejection(() => collection.find({}, { projection: { a: 1, b: 0 } }).toArray(), {
      code: 2,
      names: ["projection"],
    });
  });

  subject.test("names of collections that are not allowed are refused at once", async () => {
    const database = await subject.database();
    for (const name of ["", "a$b", "system.x", ".a", "a.", "a..b", "a\0b", "x".repeat(256), 3]) {
      await rejection(() => database.collection(name as string), { code: 73 });
    }
    for (const name of ["a", "a.b.c", "mit Leerzeichen", "日本", "-_/\\", "a".repeat(255)]) {
      assert.equal(database.collection(name).collectionName, name);
    }
  });

  subject.test("names of databases that are not allowed are refused at once", async () => {
    const wrong = ["", "../x", "a.b", "a/b", "a\\b", "ä", "x".repeat(64), "con", "NUL", 3, null];
    for (const name of wrong as string[]) {
      await rejection(() => subject.manager.db(name), { code: 73 });
      await rejection(() => subject.manager.dropDatabase(name), { code: 73 });
    }
  });

  subject.test("a command that is not supported is refused and named", async () => {
    const database = await subject.database();
    await rejection(() => database.command({ serverStatus: 1 }), {
      code: 115,
      names: ["serverStatus"],
    });
    await rejection(() => database.command("ping" as never), { code: 2, names: ["command"] });
  });
}
