/** The entry point: one manager per process and root. */
import { EventEmitter } from "node:events";
import { publishRole } from "../diagnostics.js";
import { LioranError } from "../errors.js";
import { checkDatabaseName } from "../names.js";
import { type ManagerOptions, resolveOptions } from "../options.js";
import { Runtime } from "../runtime/runtime.js";
import { environmentFor, optionsFrom } from "./child-environment.js";
import { Database } from "./database.js";
import { type ManagerRole, shownRole } from "./shown-role.js";
import { type ManagerStatus, statusOf } from "./status.js";

/** What `listDatabases()` tells of each database. */
export interface DatabaseInfo {
  name: string;
  /** Size of the database's file in bytes. */
  sizeOnDisk: number;
  empty: boolean;
}

export interface ManagerEvents {
  /** The role has changed. */
  role: [from: ManagerRole, to: ManagerRole];
  /** The connection to the primary is gone. Operations wait for the next one. */
  "primary-lost": [];
  /** There is a primary: another process, or this one. */
  "primary-found": [primary: { pid: number; epoch: number }];
  /** Taking part in the root has failed for good; operations reject from now on. */
  error: [error: LioranError];
}

/** What is below a manager, for what of ours works with one but is no part of it. */
export let runtimeOf: (manager: LioranManager) => Runtime;

/**
 * Opens a root: a folder of databases that any number of processes use at once.
 *
 * The first manager that opens a root becomes its primary, later ones are clients, and when the
 * primary dies a client takes over. A primary keeps its process running until `close()`; any other
 * manager only while operations are pending.
 */
export class LioranManager extends EventEmitter<ManagerEvents> {
  static {
    runtimeOf = (manager) => manager.#runtime;
  }

  readonly #runtime: Runtime;
  readonly #databases = new Map<string, Database>();
  readonly #ready: Promise<void>;
  readonly #stopWaiting: (error: LioranError) => void;
  #failure: LioranError | undefined;

  /**
   * Takes the lock of the root synchronously, so that the role getters are right at once.
   *
   * @throws LioranError `INVALID_OPTION`, `NOT_AVAILABLE`, `ROOT_INVALID`, `PERMISSION`, and
   *   `LOCK_HELD` for `ipc: "primary"` when another manager is primary
   */
  constructor(options: ManagerOptions = {}) {
    super();
    const resolved = resolveOptions(options);
    let onReady!: () => void;
    let onFailed!: (error: LioranError) => void;
    this.#ready = new Promise((resolve, reject) => {
      onReady = resolve;
      onFailed = reject;
    });
    // Who never asks for a database need not handle it.
    this.#ready.catch(() => {});
    this.#stopWaiting = onFailed;
    this.#runtime = new Runtime(resolved, {
      // A listener that throws must not disturb what is going on here: events are told afterwards.
      lost: () => process.nextTick(() => this.emit("primary-lost")),
      found: (primary) => {
        onReady();
        process.nextTick(() => this.emit("primary-found", primary));
      },
      failed: (error) => {
        this.#failure = error;
        onFailed(error);
        process.nextTick(() => {
          if (this.listenerCount("error") > 0) this.emit("error", error);
        });
      },
    });
    const { membership } = this.#runtime;
    if (!membership) onReady();
    membership?.roles.on("change", (from, to) => {
      const [before, after] = [shownRole(from), shownRole(to)];
      if (before === after) return;
      const { epoch } = membership;
      process.nextTick(() => {
        publishRole({ rootPath: resolved.rootPath, from: before, to: after, epoch });
        this.emit("role", before, after);
      });
    });
  }

  /**
   * Joins the root of the parent process, which has put {@link env} into the environment of this one.
   *
   * @param options of the manager; `rootPath` and `ipc` take the place of what the environment says
   * @throws LioranError `INVALID_OPTION` naming the variable (`LIORAN_ROOT`, `LIORAN_IPC`) that is missing or
   *   wrong; and as the constructor
   */
  static fromEnv(options: ManagerOptions = {}): LioranManager {
    return new LioranManager(optionsFrom(process.env, options));
  }

  /**
   * What a child process needs in its environment to join this root with {@link fromEnv}:
   * `spawn(command, { env: { ...process.env, ...manager.env() } })`.
   *
   * `LIORAN_ROOT` is the absolute path of the root. `LIORAN_IPC` is how the child takes part: "auto" for the
   * children of an auto manager, "client" for those of a primary or a client, "readonly" for those of a
   * readonly manager.
   */
  env(): Record<string, string> {
    return environmentFor(this.#runtime.options);
  }

  /** The folder that holds the databases. */
  get rootPath(): string {
    return this.#runtime.options.rootPath;
  }

  /**
   * A database by name. It comes into being with the first write to it.
   *
   * @returns once operations can run: in a primary when its Host listens, in a client when it is
   *   connected
   * @throws LioranError `INVALID_NAMESPACE`; `NO_PRIMARY` when there is none within
   *   `primaryTimeoutMs`; `CLOSED`
   */
  async db(name: string): Promise<Database> {
    checkDatabaseName(name);
    this.#runtime.checkOpen();
    if (this.#failure) throw this.#failure;
    // Opening the files takes about as long as shaking hands with the primary: do both at once.
    this.#runtime.prepare(name);
    await this.#untilReady();
    let database = this.#databases.get(name);
    if (!database) {
      database = new Database(this.#runtime, name);
      this.#databases.set(name, database);
    }
    return database;
  }

  /** The databases that hold at least one collection, in the order of their names. */
  async listDatabases(): Promise<{ databases: DatabaseInfo[]; totalSize: number; ok: 1 }> {
    const found = await this.#runtime.execute<"listDatabases">({ kind: "listDatabases" });
    const databases = found.map(({ name, fileBytes }) => ({
      name,
      sizeOnDisk: fileBytes,
      empty: false,
    }));
    const totalSize = databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0);
    return { databases, totalSize, ok: 1 };
  }

  /**
   * Drops every collection of a database.
   *
   * @returns whether there was anything to drop
   * @throws LioranError `INVALID_NAMESPACE`, `READ_ONLY`
   */
  async dropDatabase(name: string): Promise<boolean> {
    checkDatabaseName(name);
    const { durability } = this.#runtime.options;
    return this.#runtime.execute<"dropDatabase">({ kind: "dropDatabase", db: name, durability });
  }

  /** Whether this manager owns the root. */
  isPrimary(): boolean {
    return shownRole(this.#runtime.role) === "primary";
  }

  /** Whether this manager works through another one, or waits for one. */
  isClient(): boolean {
    return shownRole(this.#runtime.role) === "client";
  }

  /** Whether this manager was opened with `ipc: "readonly"`. */
  isReadOnly(): boolean {
    return this.#runtime.options.ipc === "readonly";
  }

  /** Whether this manager is a replica. Always false: replicas are not yet available. */
  isReplica(): boolean {
    return false;
  }

  /** A look at this manager and its primary. Does not wait for a primary that is not there. */
  status(): Promise<ManagerStatus> {
    return statusOf(this.#runtime, this.#databases.keys());
  }

  /**
   * Waits for what is under way and leaves the root in order; a primary hands over to a client. Only
   * inserts of streams are ended, with `CLOSED`, once what was read is stored.
   * Idempotent. Afterwards nothing of this manager keeps the process alive.
   */
  close(): Promise<void> {
    // Whoever waits for the first contact with a primary waits in vain.
    this.#stopWaiting(new LioranError("CLOSED", "The manager is closed."));
    return this.#runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits for the first contact, at most `primaryTimeoutMs`. */
  async #untilReady(): Promise<void> {
    const { primaryTimeoutMs, rootPath } = this.#runtime.options;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const cause = this.#runtime.membership?.link.lastFailure;
        const why = cause ? `Last failure: ${cause.message}` : startOne;
        reject(
          new LioranError(
            "NO_PRIMARY",
            `No process that owns ${rootPath} could be reached within ${primaryTimeoutMs} ms (primaryTimeoutMs). ${why}`,
            { cause },
          ),
        );
      }, primaryTimeoutMs);
    });
    try {
      await Promise.race([this.#ready, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

const startOne = 'Start one: a manager without `ipc`, or with ipc: "primary".';
