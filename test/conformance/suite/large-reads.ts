import assert from "node:assert/strict";
import type { Collection } from "@liorandb/core";
import type { Subject } from "../mode.js";

/** Far more than is read on the calling thread. */
const size = 5_000;

export function largeReadsSuite(subject: Subject): void {
  let collection: Collection;
  /** One for all tests of this suite that change nothing. */
  const large = async () => {
    collection ??= await subject.seeded(
      Array.from({ length: size }, (_, n) => ({
        _id: (n * 1_237) % size,
        n,
        group: n % 10,
        text: `text ${n}`,
        words: [`w${n % 3}`, `v${n % 4}`],
      })),
    );
    return collection;
  };

  subject.test("a scan returns every document once", async () => {
    const found = await (await large()).find({ n: { $gte: 0 } }).toArray();
    assert.equal(found.length, size);
    assert.equal(new Set(found.map(({ n }) => n)).size, size);
  });

  subject.test("a scan filters, sorts, skips, limits and projects", async () => {
    const found = await (await large())
      .find({ group: 3, n: { $lt: 4_000 } })
      .sort({ n: -1 })
      .skip(10)
      .limit(300)
      .project({ _id: 0, n: 1 })
      .toArray();
    const expected = Array.from({ length: 300 }, (_, at) => ({ n: 3_993 - 10 * (10 + at) }));
    assert.deepEqual(found, expected);
  });

  subject.test("a sort by several fields is complete", async () => {
    const found = await (await large()).find().sort({ group: 1, n: -1 }).toArray();
    assert.equal(found.length, size);
    const keys = found.map(({ group, n }) => (group as number) * size - (n as number));
    assert.ok(keys.every((key, at) => at === 0 || keys[at - 1] < key));
  });

  subject.test("sorts by _id read both ways over many batches", async () => {
    const up = await (await large()).find().sort({ _id: 1 }).batchSize(501).toArray();
    assert.deepEqual(
      up.map(({ _id }) => _id),
      Array.from({ length: size }, (_, n) => n),
    );
    const down = await (await large()).find({ _id: { $gte: 1_000 } }).sort({ _id: -1 });
    assert.deepEqual(
      down.map(({ _id }) => _id),
      Array.from({ length: 4_000 }, (_, n) => size - 1 - n),
    );
  });

  subject.test("counts and distinct values are exact", async () => {
    const all = await large();
    assert.equal(await all.countDocuments(), size);
    assert.equal(await all.countDocuments({ text: /7$/ }), 500);
    assert.equal(await all.countDocuments({ group: { $in: [1, 2] } }, { skip: 900 }), 100);
    const groups = await all.distinct("group");
    assert.deepEqual(groups.map(Number).sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal((await all.distinct("n", { group: 4 })).length, 500);
    assert.deepEqual((await all.distinct("words")).map(String).sort(), [
      "v0",
      "v1",
      "v2",
      "v3",
      "w0",
      "w1",
      "w2",
    ]);
  });

  subject.test("a filter error is the same as on a small collection", async () => {
    const small = await subject.numbered(1);
    for (const filter of [{ n: { $foo: 1 } }, { $where: "true" }, { n: { $regex: "(" } }]) {
      const [one, other] = await Promise.all(
        [small, await large()].map((each) => each.find(filter).toArray().catch(String)),
      );
      assert.deepEqual(one, other);
    }
  });

  subject.test("documents of a megabyte come back whole, in batches by size", async () => {
    const bytes = (n: number) => Buffer.alloc(700_000, n);
    const big = await subject.seeded([1, 2, 3, 4].map((_id) => ({ _id, bytes: bytes(_id) })));
    let seen = 0;
    for await (const { _id, bytes: found } of big.find().sort({ _id: 1 })) {
      seen += 1;
      assert.equal(_id, seen);
      assert.ok(bytes(seen).equals(found as Uint8Array));
    }
    assert.equal(seen, 4);
  });

  subject.test("an open cursor does not see what is written after it was opened", async () => {
    const frozen = await subject.numbered(2_000);
    const writable = await subject.writable(frozen);
    const cursor = frozen.find().sort({ _id: 1 }).batchSize(100);
    assert.equal((await cursor.next())!._id, 0);
    await writable.insertOne({ _id: 9_999 });
    await writable.updateMany({ _id: { $gte: 1_900 } }, { $set: { n: "changed" } });
    await writable.deleteOne({ _id: 1_999 });
    const rest = await cursor.toArray();
    assert.deepEqual(
      rest.map(({ n }) => n),
      Array.from({ length: 1_999 }, (_, at) => at + 1),
    );
    assert.equal(await frozen.countDocuments({ n: "changed" }), 100);
    assert.notEqual(await frozen.findOne({ _id: 9_999 }), null);
  });

  subject.test("a cursor outlives the collection being dropped", async () => {
    const doomed = await subject.numbered(2_000);
    const cursor = doomed.find({ n: { $gte: 0 } }).batchSize(100);
    await cursor.next();
    await (await subject.writable(doomed)).drop();
    assert.equal((await cursor.toArray()).length, 1_999);
    assert.equal(await doomed.countDocuments(), 0);
  });
}
