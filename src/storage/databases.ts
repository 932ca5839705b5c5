/**
 * The databases of one root, opened as they are needed: one registry per thread and root, however
 * many managers use it, because lmdb-js must not open one path twice in a thread.
 *
 * Owning thread: the one that calls {@link acquireDatabases}.
 *
 * Invariants
 *  1. An environment stays open until the last user has released the registry.
 *  2. A database that does not exist is looked for again at each use: another process may have
 *     created it meanwhile, and its acknowledged writes must be seen.
 */
import { type Dirent, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import type { CommitClock } from "./commit-clock.js";
import { type Access, Environment } from "./environment.js";
import { hasFormat } from "./format.js";

const registries = new Map<string, Databases>();

/**
 * The registry of `rootPath` for this thread. Each call must be matched by one `release()`.
 *
 * @throws INVALID_OPTION when the thread has the root open read-only and now wants more, or the
 *   other way round: LMDB cannot mix the two in one process
 */
export function acquireDatabases(rootPath: string, access: Access): Databases {
  const path = realPath(rootPath);
  let registry = registries.get(path);
  if (!registry) {
    registry = new Databases(path, access);
    registries.set(path, registry);
  } else if (registry.access === "readonly" && access !== "readonly") {
    throw new LioranError(
      "INVALID_OPTION",
      `${rootPath} is open in this process with ipc: "readonly". Close that manager first: LMDB ` +
        "cannot open the same files read-only and read-write in one process.",
    );
  }
  registry.users += 1;
  return registry;
}

/** One folder has one registry, whatever names lead to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // A root that does not exist: only `ipc: "readonly"` and "client" open one.
  }
}

export class Databases {
  readonly rootPath: string;
  readonly access: Access;
  /** Set while the Host of this process makes all commits. */
  clock: CommitClock | undefined;
  /** Told of each database that is opened, once it can be used. */
  onOpen: ((name: string) => void) | undefined;
  /** How many `acquireDatabases` calls have not been released. */
  users = 0;
  readonly #open = new Map<string, Environment>();

  constructor(rootPath: string, access: Access) {
    this.rootPath = rootPath;
    this.access = access;
  }

  /**
   * The environment of a database; with access "write" it is created when it does not exist.
   *
   * @returns undefined when there is no such database yet
   * @throws NEWER_FORMAT, CORRUPTED, PERMISSION, IO
   */
  get(name: string): Environment | undefined {
    let environment = this.#open.get(name);
    if (environment) return environment;
    invariant(this.users > 0, "a released registry opens nothing");
    environment = Environment.open(this.folder(name), this.access);
    if (environment) {
      this.#open.set(name, environment);
      this.onOpen?.(name);
    }
    return environment;
  }

  /** Where the files of a database are. */
  folder(name: string): string {
    return join(this.rootPath, name);
  }

  /** Whether the database exists, without creating it. */
  has(name: string): boolean {
    return this.#open.has(name) || hasFormat(this.folder(name));
  }

  /** The environments that are open in this thread. */
  opened(): Iterable<Environment> {
    return this.#open.values();
  }

  /** The names of the databases that are open in this thread. */
  openedNames(): string[] {
    return [...this.#open.keys()];
  }

  /** The names of all databases of the root, in order. */
  names(): string[] {
    let entries: Dirent[];
    try {
      entries = readdirSync(this.rootPath, { withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    return entries
      .filter((entry) => entry.isDirectory() && hasFormat(join(this.rootPath, entry.name)))
      .map((entry) => entry.name)
      .sort();
  }

  /** Ends one use; the last one closes every environment. Reads must have ended. */
  async release(): Promise<void> {
    invariant(this.users > 0, "released more often than acquired");
    this.users -= 1;
    if (this.users > 0) return;
    registries.delete(this.rootPath);
    const environments = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(environments.map((environment) => environment.close()));
  }
}
