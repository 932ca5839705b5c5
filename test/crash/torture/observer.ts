/**
 * Looks at the root from outside, as a client that never dies: makes the collections of a generation, waits until
 * nothing is under way any more, and reads everything that is stored.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Document, LioranManager } from "../../../src/index.js";
import { deadlineMs } from "../../support/deadline.js";
import { checkIndexConsistency } from "../../support/index-consistency.js";
import type { Fleet } from "./fleet.js";
import type { Stored } from "./ledger-check.js";
import { bigDocuments, counters, registers } from "./operations.js";

export class Observer {
  readonly #rootPath: string;
  readonly #manager: LioranManager;

  constructor(rootPath: string) {
    this.#rootPath = rootPath;
    this.#manager = new LioranManager({
      rootPath,
      ipc: "client",
      primaryTimeoutMs: deadlineMs,
    });
  }

  async #db() {
    return await this.#manager.db("torture");
  }

  /** Drops what there is and makes the collections that all processes use. */
  async beginGeneration(): Promise<void> {
    const db = await this.#db();
    for (const { name } of await db.listCollections().toArray()) await db.dropCollection(name);
    assert.deepEqual(await db.listCollections().toArray(), []);
    await db
      .collection("items")
      .createIndexes([
        { key: { lane: 1, key: 1 } },
        { key: { key: -1, n: 1 } },
        { key: { tag: 1 }, unique: true },
        { key: { ops: 1 } },
      ]);
    await db.collection("claims").createIndex({ slot: 1 }, { unique: true });
    const tally = (_id: string): Document => ({ _id, n: 0, ops: [] });
    await db.collection<Document>("counters").insertMany(counters.map(tally));
    await db.collection<Document>("registers").insertMany(registers.map(tally));
    await db.collection("registers").createIndex({ n: 1 });
    const big = Array.from({ length: bigDocuments }, (_, _id) => {
      // The last one has the value of the first.
      return { _id, v: ((_id % (bigDocuments - 1)) * 7_919) % 10_007, n: 0, ops: [] };
    });
    await db.collection<Document>("big").insertMany(big);
  }

  /**
   * Resolves once nothing that was sent is under way any more.
   *
   * @param fleet the processes there are
   * @returns false when somebody has died meanwhile
   */
  async settled(fleet: Fleet): Promise<boolean> {
    const { ends } = fleet;
    const isOutdated = () => fleet.ends !== ends || fleet.isFailed;
    let seen: unknown;
    const deadline = performance.now() + deadlineMs;
    const waitFor = async (what: string, look: () => Promise<boolean>) => {
      while (!isOutdated() && !(await look())) {
        const isLate = performance.now() > deadline;
        assert.ok(!isLate, `not ${what}: ${JSON.stringify(seen)}; ${fleet.describe()}`);
        await delay(2);
      }
    };
    const host = async () => {
      const { host } = await this.#manager.status();
      seen = host;
      return host;
    };
    // A connection that has ended has been read to its end.
    const isComplete = (status: { clients: number } | null) =>
      status?.clients === fleet.alive.length + 1;
    await waitFor("everybody, and nobody else, is connected", async () => isComplete(await host()));
    // After it the Host has looked at all connections once more, the database is open in it, and unfinished builds have
    // been taken up.
    await (await this.#db()).collection("fence").updateOne({}, { $inc: { n: 1 } });
    await waitFor("nothing is queued or built", async () => {
      const status = await host();
      return (
        isComplete(status) && status?.queuedOperations === 0 && status.indexBuilds.length === 0
      );
    });
    return !isOutdated();
  }

  /** Everything that is stored; all ways to count it agree. */
  async read(): Promise<Stored> {
    const db = await this.#db();
    const stored: Stored = {};
    for (const { name } of await db.listCollections().toArray()) {
      const collection = db.collection(name);
      const [documents, indexes] = [
        await collection.find({}, { projection: { pad: 0 } }).toArray(),
        (await collection.listIndexes().toArray()).map((index) => index.name as string),
      ];
      const counts: Record<string, number> = {
        countDocuments: await collection.countDocuments({}),
        estimatedDocumentCount: await collection.estimatedDocumentCount(),
      };
      for (const hint of indexes) counts[hint] = await collection.countDocuments({}, { hint });
      for (const [way, count] of Object.entries(counts)) {
        assert.equal(count, documents.length, `${name} counted by ${way}`);
      }
      stored[name] = { documents, indexes };
    }
    await checkIndexConsistency(this.#rootPath);
    return stored;
  }

  close(): Promise<void> {
    return this.#manager.close();
  }
}
