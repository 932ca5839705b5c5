/** A database: a folder below the root, with collections. */
import { LioranError } from "../errors.js";
import { checkCollectionName, isOwnCollection } from "../names.js";
import type { Runtime } from "../runtime/runtime.js";
import { AggregationCursor, aggregateOptions } from "./aggregation-cursor.js";
import { checkFilter, checkFilterObject, checkObject, checkOptions } from "./arguments.js";
import { Collection } from "./collection.js";
import { type AbstractCursor, ListCursor } from "./cursor.js";
import { defined } from "./query-cursor.js";
import { checkSchema } from "./schema.js";
import type {
  AggregateOptions,
  CollectionInfo,
  CollectionOptions,
  CreateCollectionOptions,
  DatabaseParallelOptions,
  DatabaseStats,
  Document,
  JobResult,
  OperationOptions,
  SchemaDocument,
  SchemaInput,
  StandardSchema,
  ValidationOptions,
} from "./types.js";

const basic = ["signal", "comment"] as const;
const validation = ["validator", "validationLevel", "validationAction"] as const;

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
   * @param options `schema`: a Standard Schema (zod, valibot, arktype, ...) that documents which are
   *   inserted, and those that replace others, must match; what it gives is stored
   * @throws LioranError 73 for a name that is not allowed
   */
  collection<S extends StandardSchema>(
    name: string,
    options: { schema: S },
  ): Collection<SchemaDocument<S>, SchemaInput<S>>;
  collection<T extends object = Document>(name: string, options?: CollectionOptions): Collection<T>;
  collection(name: string, options?: CollectionOptions): Collection {
    const { schema } = checkOptions("collection", options, ["schema"]);
    return new Collection(this.#runtime, this.#name, name, checkSchema("collection", schema));
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

  /**
   * Creates an empty collection.
   *
   * @param options `schema` as in {@link collection}; `validator`, `validationLevel` and
   *   `validationAction` are enforced by the primary for every process
   * @throws LioranError 48 when it exists; 2, 9 or 14 for a validator that cannot be used
   */
  createCollection<S extends StandardSchema>(
    name: string,
    options: CreateCollectionOptions & { schema: S },
  ): Promise<Collection<SchemaDocument<S>, SchemaInput<S>>>;
  createCollection<T extends object = Document>(
    name: string,
    options?: CreateCollectionOptions,
  ): Promise<Collection<T>>;
  async createCollection(name: string, options?: CreateCollectionOptions): Promise<Collection> {
    const checked = checkOptions("createCollection", options, [...basic, ...validation, "schema"]);
    const schema = checkSchema("createCollection", checked.schema);
    const collection = new Collection(this.#runtime, this.#name, name, schema);
    await this.#runtime.execute<"createCollection">(
      {
        kind: "createCollection",
        ...this.#target(name),
        options: validationOptions("createCollection", checked),
      },
      checked.signal,
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
      const shown = entries.filter(
        ({ name }) => !isOwnCollection(name) && (wanted === undefined || name === wanted),
      );
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

  /** Runs a module over a collection: as `collection.parallel()`. @throws LioranError as it does, 73 */
  async parallel<V = unknown>(
    module: string | URL,
    options: DatabaseParallelOptions,
  ): Promise<JobResult<V>> {
    const { collection, ...rest } = options ?? {};
    return this.collection(collection).parallel<V>(module, rest);
  }

  /**
   * Runs a command. `{ ping: 1 }` is answered by the primary (by this process when it is readonly).
   * `{ collMod: name, validator, validationLevel, validationAction }` changes what a collection demands
   * of its documents.
   *
   * @throws LioranError 115 for any other command, 26 when there is no collection to modify
   */
  async command(command: Document): Promise<{ ok: 1 }> {
    const names = Object.keys(checkObject("command", command));
    const [name = ""] = names;
    if (name === "collMod") return this.#modifyCollection(command);
    const other = names.find((one) => one !== "ping");
    if (other !== undefined || name === "") {
      throw new LioranError(
        "COMMAND_NOT_SUPPORTED",
        `The command ${JSON.stringify(other ?? "")} is not supported. Supported: { ping: 1 }, { collMod: name, ... }.`,
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

  async #modifyCollection({ collMod, ...changes }: Document): Promise<{ ok: 1 }> {
    checkCollectionName(collMod);
    const checked = checkOptions<ValidationOptions>("collMod", changes, validation);
    await this.#runtime.execute<"modifyCollection">({
      kind: "modifyCollection",
      ...this.#target(collMod),
      options: validationOptions("collMod", checked),
    });
    return { ok: 1 };
  }

  #target(name: string) {
    checkCollectionName(name);
    const { durability } = this.#runtime.options;
    return { db: this.#name, collection: name, durability };
  }
}

/** The options about validation, as they are sent. */
function validationOptions(
  call: string,
  { validator, validationLevel, validationAction }: ValidationOptions,
): ValidationOptions {
  return defined({
    validator: validator && checkFilterObject(`${call}: validator`, validator),
    validationLevel,
    validationAction,
  });
}
