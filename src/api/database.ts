/** A database: a folder below the root, with collections. */
import { LioranError } from "../errors.js";
import { checkCollectionName } from "../names.js";
import type { Runtime } from "../runtime/runtime.js";
import { AggregationCursor, aggregateOptions } from "./aggregation-cursor.js";
import { checkFilter, checkObject, checkOptions } from "./arguments.js";
import { Collection } from "./collection.js";
import { type AbstractCursor, ListCursor } from "./cursor.js";
import type {
  AggregateOptions,
  CollectionInfo,
  DatabaseStats,
  Document,
  OperationOptions,
} from "./types.js";

const basic = ["signal", "comment"] as const;

export class Database {
  readonly #runtime: Runtime;
  readonly #name: string;

  constructor(runtime: Runtime, name: string) {
    this.#runtime = runtime;
    this.#name = name;
  }

  get databaseName(): string {
    return this.#name;
  }

  /**
   * A collection by name. It comes into being with the first document, or with `createCollection`.
   *
   * @param options none yet: any is refused
   * @throws LioranError 73 for a name that is not allowed
   */
  collection<T extends object = Document>(name: string, options?: object): Collection<T> {
    checkOptions("collection", options, []);
    return new Collection<T>(this.#runtime, this.#name, name);
  }

  /**
   * A cursor over the results of a pipeline that begins with `$documents`.
   *
   * @throws LioranError as `collection.aggregate`
   */
  aggregate<U extends object = Document>(
    pipeline: readonly Document[],
    options?: AggregateOptions,
  ): AggregationCursor<U> {
    const checked = checkOptions("aggregate", options, aggregateOptions);
    return new AggregationCursor<U>(this.#runtime, { db: this.#name }, pipeline, checked);
  }

  /** Creates an empty collection. @throws LioranError 48 when it exists */
  async createCollection<T extends object = Document>(
    name: string,
    options?: OperationOptions,
  ): Promise<Collection<T>> {
    const { signal } = checkOptions("createCollection", options, basic);
    const collection = this.collection<T>(name);
    await this.#runtime.execute<"createCollection">(
      { kind: "createCollection", ...this.#target(name), options: {} },
      signal,
    );
    return collection;
  }

  /**
   * The collections, in the order of their names.
   *
   * @param filter `{}`, or `{ name }` for one collection
   * @param options none yet: any is refused
   */
  listCollections(
    filter: { name?: string } = {},
    options?: object,
  ): AbstractCursor<CollectionInfo> {
    checkOptions("listCollections", options, []);
    const { name: wanted, ...rest } = checkFilter("listCollections", filter);
    if (Object.keys(rest).length > 0 || (wanted !== undefined && typeof wanted !== "string")) {
      throw new LioranError(
        "BAD_VALUE",
        "listCollections: the filter can only be { name: <string> }.",
      );
    }
    return new ListCursor(async () => {
      const entries = await this.#runtime.execute<"listCollections">({
        kind: "listCollections",
        db: this.#name,
      });
      const shown = entries.filter(({ name }) => wanted === undefined || name === wanted);
      return shown.map(({ name, options, createdAtMs }) => ({
        name,
        type: "collection" as const,
        options,
        info: { readOnly: false, createdAt: new Date(createdAtMs) },
      }));
    });
  }

  /** Drops a collection. @returns whether there was one */
  async dropCollection(name: string, options?: OperationOptions): Promise<boolean> {
    return this.collection(name).drop(options);
  }

  /** Renames a collection. @throws LioranError 26 when there is none, 48 when the name is taken */
  async renameCollection<T extends object = Document>(
    from: string,
    to: string,
    options?: OperationOptions & { dropTarget?: boolean },
  ): Promise<Collection<T>> {
    return this.collection<T>(from).rename(to, options);
  }

  /** Sizes and counts. */
  async stats(): Promise<DatabaseStats> {
    const statistics = await this.#runtime.execute<"databaseStatistics">({
      kind: "databaseStatistics",
      db: this.#name,
    });
    return {
      db: this.#name,
      collections: statistics.collections,
      objects: statistics.documents,
      dataSize: statistics.dataBytes,
      storageSize: statistics.fileBytes,
      ok: 1,
    };
  }

  /**
   * Runs a command. There is one: `{ ping: 1 }`, which is answered by the primary (by this process
   * when it is readonly).
   *
   * @throws LioranError 115 for any other command
   */
  async command(command: Document): Promise<{ ok: 1 }> {
    const names = Object.keys(checkObject("command", command));
    const other = names.find((name) => name !== "ping");
    if (other !== undefined || names.length === 0) {
      throw new LioranError(
        "COMMAND_NOT_SUPPORTED",
        `The command ${JSON.stringify(other ?? "")} is not supported; the only one is { ping: 1 }.`,
      );
    }
    return this.#runtime.execute<"ping">({ kind: "ping" });
  }

  /** Drops every collection of the database. @returns whether there was anything to drop */
  async dropDatabase(): Promise<boolean> {
    const { durability } = this.#runtime.options;
    return this.#runtime.execute<"dropDatabase">({
      kind: "dropDatabase",
      db: this.#name,
      durability,
    });
  }

  #target(name: string) {
    checkCollectionName(name);
    const { durability } = this.#runtime.options;
    return { db: this.#name, collection: name, durability };
  }
}
