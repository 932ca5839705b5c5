/**
 * Thousands of operations in flight, from one client and from twenty, beside a peer that asks for much and reads
 * nothing, and a client that reads its cursor slowly.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Collection, LioranManager, type ManagerOptions } from "../../src/index.js";
import { connectionInFlightMax } from "../../src/limits.js";
import { connectClient, type RawPeer } from "../process/raw-peer.js";
import { progress, Random, scaled, seed } from "../support/soak.js";
import { connectionBytesMax, LoadSite } from "./load-site.js";

const operations = scaled(1_000, 10_000);
const rounds = scaled(1, 20);
const documents = 2_000;
/** What a request takes while it is under way, beside its bytes. */
const requestBytes = 8 * 1024;
const text = "x".repeat(1_000);

interface Thing {
  _id: string | number;
  n?: number;
  text?: string;
}

for (const clients of [1, 20]) {
  test(`${operations} operations in flight from ${clients} clients are each answered once (seed ${seed})`, async (t) => {
    const random = new Random(seed);
    const load = await LoadSite.start(t);
    const { rootPath } = load.site;
    const options: ManagerOptions = {
      rootPath,
      ipc: "client",
      reads: "primary",
      durability: "committed",
    };
    const managers = Array.from({ length: clients }, () => new LioranManager(options));
    t.after(() => Promise.all(managers.map((manager) => manager.close())));
    const collections: Collection<Thing>[] = [];
    for (const manager of managers)
      collections.push((await manager.db("app")).collection("things"));
    const fixed = Array.from({ length: documents }, (_, _id) => ({ _id, text }));
    await collections[0]!.insertMany(fixed);

    const unread = await unreadPeer(load);
    let increments = 0;
    const inserted: string[] = [];
    let answered = 0;
    const one = async (things: Collection<Thing>, name: string): Promise<void> => {
      const kind = random.below(100);
      if (kind < 40) {
        const _id = random.below(documents);
        assert.equal((await things.findOne({ _id }))?.text, text);
      } else if (kind < 70) {
        inserted.push((await things.insertOne({ _id: name })).insertedId as string);
      } else if (kind < 99) {
        await things.updateOne({ _id: "counter" }, { $inc: { n: 1 } }, { upsert: true });
        increments += 1;
      } else {
        // Too much for an answer here and now: it goes through the pool.
        assert.equal(await things.countDocuments({ text }), documents);
      }
      answered += 1;
    };
    for (let round = 0; round < rounds; round += 1) {
      const all = Array.from({ length: operations }, (_, at) =>
        one(collections[at % clients]!, `${round}-${at}`),
      );
      const grown = await load.grownBytes();
      const most = connectionBytesMax + operations * requestBytes;
      assert.ok(grown < most, `the primary holds ${grown} bytes more, of at most ${most}`);
      // One for each round: a snapshot lasts a minute.
      const cursor = collections[0]!.find({ text }).sort({ _id: 1 }).batchSize(20);
      for (let n = 0; n < documents / 2; n += 1) assert.equal((await cursor.next())!._id, n);
      await Promise.all(all);
      const rest = (await cursor.toArray()).map(({ _id }) => _id);
      assert.deepEqual(
        rest,
        Array.from({ length: documents / 2 }, (_, n) => documents / 2 + n),
      );
      progress(`round ${round}: ${(grown / 2 ** 20).toFixed(1)} MiB more while it ran`);
    }
    assert.equal(answered, rounds * operations);
    // The peer has been there all the time, and has not read; or it was sent away for that.
    assert.ok(unread.closed || unread.frames.length <= 1);
    const things = collections[0]!;
    assert.equal((await things.findOne({ _id: "counter" }))?.n ?? 0, increments);
    const found = new Set(
      (await things.find({ text: { $exists: false } }).toArray()).map(({ _id }) => _id),
    );
    found.delete("counter");
    assert.deepEqual(found, new Set(inserted));
    unread.socket.destroy();
    await Promise.all(managers.map((manager) => manager.close()));
    await load.untilBack();
  });
}

test("a write queue bounds what a manager has under way, and what it refuses changes nothing", async (t) => {
  const load = await LoadSite.start(t);
  const { rootPath } = load.site;
  const maxSize = 100;
  const of = (mode: "wait" | "reject") =>
    new LioranManager({
      rootPath,
      ipc: "client",
      writeQueue: { maxSize, mode, timeoutMs: 120_000 },
    });
  await using waiting = of("wait");
  await using rejecting = of("reject");
  for (const manager of [waiting, rejecting]) {
    const things = (await manager.db("app")).collection<Thing>("things");
    await things.deleteMany({});
    const writes = Array.from({ length: operations }, (_, _id) => things.insertOne({ _id }));
    const outcomes = await Promise.allSettled(writes);
    const done = outcomes.flatMap(({ status }, _id) => (status === "fulfilled" ? [_id] : []));
    const found = (await things.find({}).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
    assert.deepEqual(found, done);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert.equal(outcome.reason.code, "QUEUE_FULL");
    }
    if (manager === waiting) assert.equal(done.length, operations);
    else assert.ok(done.length >= maxSize && done.length < operations, `${done.length} were done`);
  }
  await waiting.close();
  await rejecting.close();
  await load.untilBack();
});

/** Asks for large answers and never reads one. */
async function unreadPeer(load: LoadSite): Promise<RawPeer> {
  const peer = await connectClient(load.site);
  peer.socket.pause();
  const find = { kind: "find", db: "app", collection: "things", filter: {} };
  const some = Math.min(operations, connectionInFlightMax / 4);
  for (let n = 0; n < some; n += 1) peer.request(find);
  return peer;
}
