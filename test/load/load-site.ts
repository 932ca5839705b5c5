/** A primary under load: what it holds while the load is there, and that it is back where it was afterwards. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ManagerOptions } from "../../src/index.js";
import {
  batchBytesMax,
  batchesPerConnectionMax,
  connectionInFlightBytesMax,
  sendBufferBytesMax,
} from "../../src/limits.js";
import { acquireDatabases } from "../../src/storage/databases.js";
import { clientIdBytes } from "../../src/storage/sessions.js";
import { type Agent, openAgent, preloadGarbageCollector } from "../process/agent.js";
import { Site } from "../process/site.js";

const MiB = 2 ** 20;
/** How long a primary may take, on a loaded machine, to be back where it was. */
const backDeadlineMs = 120_000;
/** Each look collects the garbage of a thread: not again and again. */
const lookAgainMs = 100;
/** Compiled code, caches, the sessions of clients that were killed: what stays of a load. */
const stayingBytes = 24 * MiB;

export interface Held {
  /** In the heaps of the main thread and the Host and outside of them, without garbage. */
  bytes: number;
  files: number;
  clients: number;
}

/** The most that one connection may make the primary hold, by src/limits.ts. */
export const connectionBytesMax =
  connectionInFlightBytesMax + sendBufferBytesMax + batchesPerConnectionMax * batchBytesMax;

export class LoadSite {
  readonly site: Site;
  readonly primary: Agent;
  readonly #names: string[];
  #before: Held = { bytes: 0, files: 0, clients: 0 };

  private constructor(site: Site, primary: Agent) {
    this.site = site;
    this.primary = primary;
    this.#names = readdirSync(site.rootPath).sort();
  }

  /** Starts a primary whose pool has one thread, and warms it up. */
  static async start(t: TestContext, options: ManagerOptions = {}): Promise<LoadSite> {
    const site = new Site(t);
    const all: ManagerOptions = { durability: "committed", ...options, cores: 1 };
    const primary = await openAgent(site, "primary", all, {
      env: preloadGarbageCollector,
      deadlineMs: backDeadlineMs,
    });
    const load = new LoadSite(site, primary);
    // Through the Host and its pool: their modules and buffers are there before anything is compared.
    const { LioranManager } = await import("../../src/index.js");
    await using client = new LioranManager({
      rootPath: site.rootPath,
      ipc: "client",
      reads: "primary",
    });
    const warm = (await client.db("app")).collection("warm");
    const text = "x".repeat(1_000);
    await warm.insertMany(Array.from({ length: 1_000 }, (_, n) => ({ n, text })));
    for (let n = 0; n < 3; n += 1) assert.equal((await warm.find({}).toArray()).length, 1_000);
    await primary.things("findOne", {});
    await client.close();
    await load.#untilClients(1);
    load.#before = await load.held();
    return load;
  }

  async held(): Promise<Held> {
    const bytes = (await this.primary.call("heldBytes")) as number;
    return { bytes, files: this.#files(), clients: await this.clients() };
  }

  /** What it holds more than before the load. */
  async grownBytes(): Promise<number> {
    return (await this.held()).bytes - this.#before.bytes;
  }

  async clients(): Promise<number> {
    const status = (await this.primary.chain(["status"])) as { host: { clients: number } };
    return status.host.clients;
  }

  /** Waits until nothing is left of a load: no memory, connection, file or socket. */
  async untilBack(): Promise<void> {
    const deadline = Date.now() + backDeadlineMs;
    for (;;) {
      const { bytes, files, clients } = await this.held();
      const grown = bytes - this.#before.bytes;
      const isBack =
        grown < stayingBytes && files <= this.#before.files && clients === this.#before.clients;
      if (isBack) break;
      assert.ok(
        Date.now() < deadline,
        `the primary is not back: ${Math.round(grown / MiB)} MiB more, ${files} files open ` +
          `(before: ${this.#before.files}), ${clients} clients (before: ${this.#before.clients})`,
      );
      await delay(lookAgainMs);
    }
    // Databases that the load made are not leftovers.
    const isOther = (name: string) => name.startsWith(".") && !this.#names.includes(name);
    assert.deepEqual(readdirSync(this.site.rootPath).filter(isOther), []);
    assert.equal(this.primary.process.stderr, "");
    assert.deepEqual(this.primary.events("primary-lost"), []);
  }

  /** How many clients have session records in a database. */
  sessionsOf(db: string): number {
    const databases = acquireDatabases(this.site.rootPath, "read");
    try {
      const environment = databases.get(db)!;
      environment.refresh();
      const ids = new Set<string>();
      const all = {
        start: new Uint8Array(clientIdBytes),
        end: new Uint8Array(clientIdBytes + 1).fill(0xff),
      };
      for (const { key } of environment.stores.sessions.getRange(all)) {
        ids.add(Buffer.from(key as Uint8Array).toString("hex", 0, clientIdBytes));
      }
      return ids.size;
    } finally {
      databases.release();
    }
  }

  async #untilClients(clients: number): Promise<void> {
    const deadline = Date.now() + backDeadlineMs;
    while ((await this.clients()) !== clients) {
      assert.ok(Date.now() < deadline, "the first client has not left");
      await delay(lookAgainMs);
    }
  }

  /** Open files of the process: of LMDB, sockets, and those of the event loops. */
  #files(): number {
    return readdirSync(`/proc/${this.primary.process.pid}/fd`).length;
  }
}

/** How many files a process may open here. */
export function filesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(?:\S+)\s+(\S+)/m.exec(limits)?.[1] ?? 0);
}
