/**
 * What the suites run against. Each mode opens a manager in its own way; the suites never ask how.
 */
import { test } from "node:test";
import type { Collection, Database, Document, LioranManager } from "@liorandb/core";
import { checkInOwnProcess } from "../support/checked-indexes.js";
import { deadlineMs, withDeadline } from "../support/deadline.js";

export interface Opened {
  /** The manager under test. */
  manager: LioranManager;
  /** Writes what the tests read: the manager itself, unless it is readonly. */
  seeder: LioranManager;
  rootPath: string;
  close(): Promise<void>;
}

export interface Mode {
  readonly name: string;
  readonly canWrite: boolean;
  /** Reads run at the primary. */
  readonly forwardsReads?: boolean;
  open(): Promise<Opened>;
}

/** A mode that is open, and collections of a test's own in it. */
export class Subject {
  readonly mode: Mode;
  #opened: Opened | undefined;
  #collections = 0;

  constructor(mode: Mode) {
    this.mode = mode;
  }

  async open(): Promise<void> {
    this.#opened = await withDeadline(this.mode.open(), () => `${this.mode.name} to open`);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    try {
      // Whatever the tests have written: every entry of an index has its document, and the other way round.
      await checkInOwnProcess(opened.rootPath);
    } finally {
      await withDeadline(opened.close(), () => `${this.mode.name} to close`);
    }
  }

  get manager(): LioranManager {
    return this.#opened!.manager;
  }

  get seeder(): LioranManager {
    return this.#opened!.seeder;
  }

  /** Registers a test. */
  test(name: string, run: () => Promise<void>): void {
    test(name, { timeout: deadlineMs }, run);
  }

  database(): Promise<Database> {
    return this.manager.db("conformance");
  }

  /** A name that no other test uses. */
  newName(): string {
    this.#collections += 1;
    return `c${this.#collections}`;
  }

  /** An empty collection that no other test uses. */
  async collection(): Promise<Collection> {
    return (await this.database()).collection(this.newName());
  }

  /** The same collection, through the manager that may write. */
  async writable(collection: Collection): Promise<Collection> {
    return (await this.seeder.db(collection.dbName)).collection(collection.collectionName);
  }

  /** A collection with these documents, read through the manager under test. */
  async seeded(documents: readonly Document[]): Promise<Collection> {
    const collection = await this.collection();
    await (await this.writable(collection)).insertMany(documents);
    return collection;
  }

  /** `{ _id: 0, n: 0 }` and so on. */
  numbered(count: number): Promise<Collection> {
    return this.seeded(Array.from({ length: count }, (_, n) => ({ _id: n, n })));
  }
}
