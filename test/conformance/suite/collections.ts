import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function collectionsSuite(subject: Subject): void {
  const names = async () => {
    const listed = await (await subject.database()).listCollections().toArray();
    return listed.map(({ name }) => name);
  };

  subject.test("createCollection creates once", async () => {
    const database = await subject.database();
    const name = subject.newName();
    const collection = await database.createCollection(name);
    assert.equal(collection.collectionName, name);
    assert.ok((await names()).includes(name));
    await rejection(() => database.createCollection(name), { code: 48, names: [name] });
    await rejection(() => database.createCollection("x$"), { code: 73 });
  });

  subject.test("a collection comes into being with its first document", async () => {
    const collection = await subject.collection();
    await collection.updateOne({}, { $set: { a: 1 } });
    assert.ok(!(await names()).includes(collection.collectionName));
    await collection.insertOne({});
    assert.ok((await names()).includes(collection.collectionName));
  });

  subject.test("drop removes the collection and says whether there was one", async () => {
    const database = await subject.database();
    const collection = await subject.numbered(3);
    const { collectionName } = collection;
    assert.equal(await collection.drop(), true);
    assert.equal(await collection.drop(), false);
    assert.equal(await collection.countDocuments(), 0);
    assert.equal(await collection.findOne({ _id: 0 }), null);
    assert.ok(!(await names()).includes(collectionName));
    await collection.insertOne({ _id: 0, fresh: true });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 0, fresh: true }]);
    assert.equal(await database.dropCollection(collectionName), true);
    assert.equal(await database.dropCollection(collectionName), false);
  });

  subject.test("rename moves the documents", async () => {
    const database = await subject.database();
    const collection = await subject.numbered(3);
    const [from, to] = [collection.collectionName, subject.newName()];
    const renamed = await collection.rename(to);
    assert.equal(renamed.collectionName, to);
    assert.equal(collection.collectionName, from, "the old handle keeps its name");
    assert.equal(await renamed.countDocuments(), 3);
    assert.deepEqual(await renamed.findOne({ _id: 1 }), { _id: 1, n: 1 });
    assert.equal(await database.collection(from).countDocuments(), 0);
    assert.equal(await database.collection(from).findOne({ _id: 1 }), null);
    const back = await database.renameCollection(to, from);
    assert.equal(await back.countDocuments(), 3);
  });

  subject.test("rename needs a source and a free target", async () => {
    const database = await subject.database();
    const [first, second] = [await subject.numbered(1), await subject.numbered(2)];
    const target = second.collectionName;
    await rejection(() => database.renameCollection(subject.newName(), subject.newName()), {
      code: 26,
    });
    await rejection(() => first.rename(target), { code: 48, names: [target] });
    await rejection(() => first.rename("$"), { code: 73 });
    assert.equal(await first.countDocuments(), 1);
    await first.rename(target, { dropTarget: true });
    assert.equal(await database.collection(target).countDocuments(), 1);
  });

  subject.test("renaming a collection to its own name loses nothing", async () => {
    const collection = await subject.numbered(3);
    const { collectionName } = collection;
    await rejection(() => collection.rename(collectionName), { code: 48 });
    await rejection(() => collection.rename(collectionName, { dropTarget: true }), { code: 48 });
    // Documents of a dropped collection would go with later commits.
    for (let n = 10; n < 13; n += 1) await collection.insertOne({ _id: n });
    assert.deepEqual(await collection.distinct("_id"), [0, 1, 2, 10, 11, 12]);
  });

  subject.test("dropDatabase removes every collection and says whether there was one", async () => {
    const database = await subject.manager.db("dropped");
    await database.collection("a").insertOne({ _id: 1 });
    await database.createCollection("b");
    assert.equal(await subject.manager.dropDatabase("dropped"), true);
    assert.equal(await subject.manager.dropDatabase("dropped"), false);
    assert.equal(await subject.manager.dropDatabase("never-there"), false);
    assert.deepEqual(await database.listCollections().toArray(), []);
    await database.collection("a").insertOne({ _id: 1, again: true });
    assert.deepEqual(await database.collection("a").find().toArray(), [{ _id: 1, again: true }]);
    assert.equal(await database.dropDatabase(), true);
  });

  subject.test("databases do not share collections", async () => {
    const [one, two] = [await subject.manager.db("one"), await subject.manager.db("two")];
    await one.collection("same").insertOne({ _id: 1, of: "one" });
    await two.collection("same").insertOne({ _id: 1, of: "two" });
    assert.equal((await one.collection("same").findOne())!.of, "one");
    assert.equal((await two.collection("same").findOne({ _id: 1 }))!.of, "two");
  });
}
