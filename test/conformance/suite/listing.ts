import assert from "node:assert/strict";
import type { Subject } from "../mode.js";

export function listingSuite(subject: Subject): void {
  subject.test("listCollections tells name, type, options and creation time", async () => {
    const name = "listing";
    const before = Date.now();
    const database = await subject.manager.db(name);
    const seed = await subject.seeder.db(name);
    await seed.createCollection("b");
    await seed.collection("a").insertOne({ _id: 1 });
    const listed = await database.listCollections().toArray();
    assert.deepEqual(
      listed.map((one) => ({ ...one, info: one.info.readOnly })),
      ["a", "b"].map((one) => ({ name: one, type: "collection", options: {}, info: false })),
    );
    for (const { info } of listed) {
      assert.ok(info.createdAt instanceof Date);
      assert.ok(info.createdAt.getTime() >= before && info.createdAt.getTime() <= Date.now());
    }
    const names: string[] = [];
    for await (const one of database.listCollections()) names.push(one.name);
    assert.deepEqual(names, ["a", "b"]);
    assert.deepEqual(await database.collection("b").options(), {});
    assert.equal(await database.collection("b").isCapped(), false);
  });

  subject.test("listDatabases names the databases that hold a collection", async () => {
    await (await subject.seeder.db("listed")).createCollection("x");
    const { databases, totalSize, ok } = await subject.manager.listDatabases();
    const listed = databases.find(({ name }) => name === "listed");
    assert.ok(listed);
    assert.equal(listed.empty, false);
    assert.ok(listed.sizeOnDisk > 0);
    assert.equal(ok, 1);
    assert.equal(
      totalSize,
      databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0),
    );
    const names = databases.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    await subject.seeder.dropDatabase("listed");
    const after = await subject.manager.listDatabases();
    assert.ok(!after.databases.some(({ name }) => name === "listed"));
  });

  subject.test("stats counts collections and documents, and their bytes", async () => {
    const database = await subject.manager.db("measured");
    const seed = await subject.seeder.db("measured");
    const nothing = await database.stats();
    assert.deepEqual([nothing.collections, nothing.objects, nothing.dataSize], [0, 0, 0]);
    await seed.collection("a").insertMany([{ _id: 1 }, { _id: 2, text: "x".repeat(1_000) }]);
    await seed.createCollection("b");
    const stats = await database.stats();
    assert.deepEqual([stats.db, stats.collections, stats.objects, stats.ok], ["measured", 2, 2, 1]);
    assert.ok(stats.dataSize > 1_000 && stats.dataSize < 1_200, `${stats.dataSize} bytes`);
    assert.ok(stats.storageSize > 0);
    await seed.collection("a").deleteOne({ _id: 2 });
    assert.ok((await database.stats()).dataSize < 100);
  });

  subject.test("ping is answered, and names are told", async () => {
    const database = await subject.database();
    assert.deepEqual(await database.command({ ping: 1 }), { ok: 1 });
    assert.equal(database.databaseName, "conformance");
    const collection = database.collection("some.thing");
    assert.equal(collection.collectionName, "some.thing");
    assert.equal(collection.dbName, "conformance");
    assert.equal(collection.namespace, "conformance.some.thing");
  });
}
