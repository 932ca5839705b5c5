import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection, thrownBy } from "./expectations.js";

export function cursorsSuite(subject: Subject): void {
  const openCursors = async () => (await subject.manager.status()).openCursors;

  subject.test("a cursor can be read in every way, within one batch and over many", async () => {
    for (const size of [5, 600]) {
      const collection = await subject.numbered(size);
      const expected = Array.from({ length: size }, (_, n) => n);
      const query = () => collection.find().sort({ _id: 1 }).batchSize(100);

      const iterated: unknown[] = [];
      for await (const { n } of query()) iterated.push(n);
      assert.deepEqual(iterated, expected);

      const visited: unknown[] = [];
      await query().forEach(({ n }) => {
        visited.push(n);
      });
      assert.deepEqual(visited, expected);

      const stepped: unknown[] = [];
      const cursor = query();
      while (await cursor.hasNext()) stepped.push((await cursor.next())!.n);
      assert.deepEqual(stepped, expected);
      assert.equal(await cursor.next(), null);
      assert.equal(await cursor.hasNext(), false);

      const tried: unknown[] = [];
      const other = query();
      for (let next = await other.tryNext(); next; next = await other.tryNext()) tried.push(next.n);
      assert.deepEqual(tried, expected);

      assert.deepEqual(
        (await query().toArray()).map(({ n }) => n),
        expected,
      );
      assert.deepEqual(
        (await query()).map(({ n }) => n),
        expected,
        "awaited directly",
      );
      assert.equal(await openCursors(), 0);
    }
  });

  subject.test("nothing runs before the first read", async () => {
    const collection = await subject.collection();
    const cursor = collection.find();
    await (await subject.writable(collection)).insertOne({ _id: 1 });
    assert.deepEqual(await cursor.toArray(), [{ _id: 1 }]);
  });

  subject.test("map transforms, once for each call", async () => {
    const collection = await subject.numbered(3);
    const cursor = collection
      .find()
      .sort({ _id: 1 })
      .map(({ n }) => (n as number) + 1)
      .map((n) => `#${n}`);
    assert.equal(await cursor.next(), "#1");
    assert.deepEqual(await cursor.toArray(), ["#2", "#3"]);
  });

  subject.test("the result does not depend on the batch size", async () => {
    const collection = await subject.numbered(700);
    for (const size of [0, 1, 2, 699, 700, 701, 5_000]) {
      const read = size === 1 ? 20 : 700;
      const cursor = collection.find({ n: { $gte: 0 } }, { batchSize: size, limit: read });
      const ids = new Set((await cursor.toArray()).map(({ _id }) => _id));
      assert.equal(ids.size, read, `batchSize ${size}`);
    }
  });

  subject.test("forEach stops when its function returns false", async () => {
    const collection = await subject.numbered(600);
    let seen = 0;
    const untilFifteen = () => {
      seen += 1;
      return seen < 15;
    };
    await collection.find().batchSize(10).forEach(untilFifteen);
    assert.equal(seen, 15);
    assert.equal(await openCursors(), 0);
  });

  subject.test("leaving a loop early, also by an error, frees the cursor", async () => {
    const collection = await subject.numbered(600);
    const cursor = collection.find().batchSize(10);
    for await (const _ of cursor) break;
    assert.equal(cursor.closed, true);
    const failing = collection.find().batchSize(10);
    const failure = new Error("mine");
    const thrown = await thrownBy(async () => {
      for await (const _ of failing) throw failure;
    });
    assert.equal(thrown, failure);
    assert.equal(failing.closed, true);
    assert.equal(await openCursors(), 0);
  });

  subject.test("close frees the cursor and ends its results", async () => {
    const collection = await subject.numbered(600);
    const cursor = collection.find().batchSize(10);
    await cursor.next();
    assert.equal(await openCursors(), 1);
    await cursor.close();
    await cursor.close();
    assert.equal(cursor.closed, true);
    assert.equal(await cursor.next(), null);
    assert.deepEqual(await cursor.toArray(), []);
    assert.equal(await openCursors(), 0);
    const unread = collection.find();
    await unread.close();
    assert.equal(unread.closed, true);
    const aggregating = collection.aggregate([{ $set: { a: 1 } }]).batchSize(10);
    await aggregating.next();
    assert.equal(await openCursors(), 1);
    await aggregating.close();
    assert.equal(await aggregating.next(), null);
    assert.equal(await openCursors(), 0);
    for await (const _ of collection.aggregate([{ $set: { a: 1 } }]).batchSize(10)) break;
    assert.equal(await openCursors(), 0);
    {
      await using disposed = collection.find().batchSize(10);
      await disposed.next();
    }
    assert.equal(await openCursors(), 0);
  });

  subject.test("a cursor sees one moment for its whole life, while others write", async () => {
    const collection = await subject.numbered(600);
    const writer = await subject.writable(collection);
    const original = await collection.find().sort({ _id: 1 }).toArray();
    const cursors = {
      find: collection.find().batchSize(10),
      sorted: collection.find().sort({ n: 1 }).batchSize(10),
      filtered: collection.find({ n: { $gte: 0 } }).batchSize(10),
      aggregate: collection.aggregate().batchSize(10),
      stages: collection.aggregate([{ $set: { n: "$n" } }, { $match: { n: { $lt: 600 } } }]),
    };
    cursors.stages.batchSize(10);
    const seen: Record<string, unknown[]> = {};
    for (const [name, cursor] of Object.entries(cursors)) seen[name] = [await cursor.next()];
    assert.equal(await openCursors(), 5);

    await writer.updateMany({ _id: { $gte: 100 } }, { $inc: { n: 1_000 } });
    await writer.deleteMany({ _id: { $lt: 300 } });
    await writer.insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: 250 + n + 0.5, n })));
    for (let round = 0; round < 20; round += 1) {
      for (const [name, cursor] of Object.entries(cursors)) seen[name].push(await cursor.next());
    }
    await writer.drop();
    for (const [name, cursor] of Object.entries(cursors)) {
      seen[name].push(...(await cursor.toArray()));
      assert.deepEqual(seen[name], original, name);
    }
    assert.equal(await openCursors(), 0);
    assert.deepEqual(await collection.find().toArray(), []);
  });

  subject.test("rewind begins again with the data of then", async () => {
    const collection = await subject.numbered(600);
    const cursor = collection.find().sort({ _id: 1 }).batchSize(10);
    assert.equal((await cursor.next())!._id, 0);
    await (await subject.writable(collection)).deleteOne({ _id: 0 });
    cursor.rewind();
    assert.equal(cursor.closed, false);
    assert.equal((await cursor.next())!._id, 1);
    assert.equal((await cursor.toArray()).length, 598);
    cursor.rewind();
    assert.equal((await cursor.toArray()).length, 599);
  });

  subject.test("clone repeats the query with all its settings", async () => {
    const collection = await subject.numbered(30);
    const cursor = collection
      .find({ n: { $gt: 3 } })
      .sort({ n: -1 })
      .skip(1)
      .limit(3)
      .project<{ n: number }>({ _id: 0, n: 1 })
      .map(({ n }) => n);
    assert.deepEqual(await cursor.toArray(), [28, 27, 26]);
    const copy = cursor.clone();
    assert.deepEqual(await copy.toArray(), [28, 27, 26]);
    assert.deepEqual(await cursor.clone().limit(1).toArray(), [28]);
  });

  subject.test("settings cannot change once reading has begun", async () => {
    const collection = await subject.numbered(3);
    const cursor = collection.find();
    await cursor.next();
    const settings = {
      sort: () => cursor.sort({ n: 1 }),
      limit: () => cursor.limit(1),
      skip: () => cursor.skip(1),
      project: () => cursor.project({ n: 1 }),
      batchSize: () => cursor.batchSize(1),
      map: () => cursor.map((one) => one),
      filter: () => cursor.filter({}),
      maxTimeMS: () => cursor.maxTimeMS(1),
    };
    for (const [name, set] of Object.entries(settings)) {
      await rejection(set, { code: 2, names: [name] });
    }
    await cursor.close();
  });

  subject.test("wrong settings are refused and named", async () => {
    const collection = await subject.collection();
    const cursor = collection.find();
    for (const wrong of [-1, 1.5, "3", Number.NaN, null]) {
      const value = wrong as number;
      await rejection(() => cursor.limit(value), { code: 2, names: ["limit"] });
      await rejection(() => cursor.skip(value), { code: 2, names: ["skip"] });
      await rejection(() => cursor.batchSize(value), { code: 2, names: ["batchSize"] });
      await rejection(() => cursor.maxTimeMS(value), { code: 2, names: ["maxTimeMS"] });
    }
    await rejection(() => cursor.sort({ a: 2 as 1 }), { code: 2, names: ['"a"'] });
    await rejection(() => cursor.project(3 as never), { code: 2, names: ["projection"] });
  });

  subject.test("two cursors at once do not disturb each other", async () => {
    const collection = await subject.numbered(600);
    const up = collection.find().sort({ _id: 1 }).batchSize(7);
    const down = collection.find().sort({ _id: -1 }).batchSize(11);
    for (let step = 0; step < 100; step += 1) {
      const [a, b] = await Promise.all([up.next(), down.next()]);
      assert.deepEqual([a!._id, b!._id], [step, 599 - step]);
    }
    await Promise.all([up.close(), down.close()]);
  });

  subject.test("calls that overlap each get a result of their own", async () => {
    const collection = await subject.numbered(600);
    const cursor = collection.find().sort({ _id: 1 }).batchSize(3);
    const found = await Promise.all(Array.from({ length: 20 }, () => cursor.next()));
    assert.deepEqual(
      found.map((document) => document?._id),
      Array.from({ length: 20 }, (_, n) => n),
    );
    const rest = await Promise.all([cursor.hasNext(), cursor.toArray(), cursor.next()]);
    assert.equal(rest[0], true);
    assert.equal(rest[1].length + (rest[2] === null ? 0 : 1), 580);
  });

  subject.test("rewinding while a batch is on its way begins again", async () => {
    const collection = await subject.numbered(600);
    const cursor = collection.find().sort({ _id: 1 }).batchSize(3);
    const first = cursor.next();
    cursor.rewind();
    await first;
    cursor.rewind();
    const all = await cursor.toArray();
    assert.equal(all.length, 600);
    const again = cursor.clone();
    const overtaken = again.next();
    again.rewind();
    const ids = (await again.toArray()).map(({ _id }) => _id);
    await overtaken;
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= 599, `${ids.length} documents`);
    assert.equal(await openCursors(), 0);
  });

  subject.test("a cursor that fails rejects every way of reading it", async () => {
    const collection = await subject.numbered(1);
    const wrong = () => collection.find({ n: { $foo: 1 } });
    const expected = { code: 2, names: ["$foo"] } as const;
    await rejection(() => wrong().toArray(), expected);
    await rejection(() => wrong().next(), expected);
    await rejection(() => wrong().hasNext(), expected);
    await rejection(() => wrong(), expected);
    await rejection(() => wrong().count(), expected);
    await rejection(async () => {
      for await (const _ of wrong()) assert.fail("no result");
    }, expected);
  });
}
