/**
 * The options of a manager: meaning, default and check of each, in one place.
 */
import { availableParallelism, homedir } from "node:os";
import { join, resolve } from "node:path";
import { LioranError } from "./errors.js";
import { isPlainObject } from "./values/document.js";
import { shownText } from "./values/shown.js";

/** How a manager takes part in a root; without it the first process becomes the primary. */
export type IpcMode = "primary" | "client" | "readonly" | "replica";

/** Back-pressure of writes: how many may be under way in one manager. */
export interface WriteQueueOptions {
  /** Most writes that have been asked for and not been acknowledged. Default 50,000. */
  maxSize?: number;
  /** What a write beyond that does: wait for its turn, or reject with `QUEUE_FULL`. Default "wait". */
  mode?: "wait" | "reject";
  /** With "wait": how long, in milliseconds, before it rejects with `QUEUE_FULL`. Default 10,000. */
  timeoutMs?: number;
}

export interface ManagerOptions {
  /**
   * The folder that holds the databases, one folder each. Created (0700) when it does not exist.
   * Default: the environment variable `LIORANDB_PATH`, else `~/LioranDB/db`.
   */
  rootPath?: string;
  /** Role in the root. Default: auto (primary when the root has none, else client). */
  ipc?: IpcMode;
  /**
   * Where reads run: "local" reads this process's own map, "primary" sends them through the primary's
   * queue. Both give the same answers. Default "local".
   */
  reads?: "local" | "primary";
  /**
   * When a write is acknowledged: "flushed" after the flush to disk (it survives power loss),
   * "committed" once it is committed (it survives the death of any process). Default "flushed".
   */
  durability?: "flushed" | "committed";
  /**
   * Most threads of this process's query pool; 0 runs every query on the calling thread. Default: the
   * available parallelism (`os.availableParallelism()`).
   */
  cores?: number;
  /** Back-pressure of writes. */
  writeQueue?: WriteQueueOptions;
  /**
   * How long, in milliseconds, an operation waits while there is no primary, or none that answers.
   * Default 30,000.
   */
  primaryTimeoutMs?: number;
  /** Encryption at rest. Not yet available: setting it throws `NOT_AVAILABLE`. */
  encryptionKey?: string | Uint8Array;
  /** Replicas only. Not yet available: setting it throws `NOT_AVAILABLE`. */
  replication?: object;
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  rootPath: string;
  ipc: "auto" | "primary" | "client" | "readonly";
  reads: "local" | "primary";
  durability: "flushed" | "committed";
  cores: number;
  writeQueue: Required<WriteQueueOptions>;
  primaryTimeoutMs: number;
}

const defaults = {
  reads: "local",
  durability: "flushed",
  writeQueue: { maxSize: 50_000, mode: "wait", timeoutMs: 10_000 },
  primaryTimeoutMs: 30_000,
} as const;

const coresMax = 1_024;
/** Longest time a timer of Node.js can hold. */
const timeoutMsMax = 2 ** 31 - 1;

const known = {
  rootPath: true,
  ipc: true,
  reads: true,
  durability: true,
  cores: true,
  writeQueue: true,
  primaryTimeoutMs: true,
  encryptionKey: true,
  replication: true,
} satisfies Record<keyof ManagerOptions, true>;

/**
 * Checks a manager's options and fills in the defaults.
 *
 * @throws INVALID_OPTION naming the option, NOT_AVAILABLE for what a later release brings
 */
export function resolveOptions(options: ManagerOptions = {}): ResolvedOptions {
  if (!isPlainObject(options)) {
    throw new LioranError("INVALID_OPTION", "The options of a manager must be a plain object.");
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) {
      throw new LioranError(
        "INVALID_OPTION",
        `Unknown option "${name}". Known options: ${Object.keys(known).join(", ")}.`,
      );
    }
  }
  refuseUnavailable(options);
  // Own members only, and `null` is a value that is not allowed, not "not given".
  const { ipc, reads = defaults.reads, durability = defaults.durability } = options;
  const { cores = availableParallelism() } = options;
  const { primaryTimeoutMs = defaults.primaryTimeoutMs } = options;
  return {
    rootPath: resolveRootPath(options.rootPath),
    ipc: ipc === undefined ? "auto" : choice("ipc", ipc, ["primary", "client", "readonly"]),
    reads: choice("reads", reads, ["local", "primary"]),
    durability: choice("durability", durability, ["flushed", "committed"]),
    cores: integer("cores", cores, 0, coresMax),
    writeQueue: resolveWriteQueue(options.writeQueue),
    primaryTimeoutMs: integer("primaryTimeoutMs", primaryTimeoutMs, 1, timeoutMsMax),
  };
}

function refuseUnavailable(options: ManagerOptions): void {
  if (options.ipc === "replica") throw unavailable('ipc: "replica"');
  if (options.encryptionKey !== undefined) throw unavailable("encryptionKey");
  if (options.replication !== undefined) throw unavailable("replication");
}

function resolveRootPath(rootPath: unknown): string {
  if (rootPath === undefined && process.env.LIORANDB_PATH === "") {
    throw new LioranError("INVALID_OPTION", "The environment variable LIORANDB_PATH is empty.");
  }
  const fallback = () => process.env.LIORANDB_PATH ?? join(homedir(), "LioranDB", "db");
  const path = rootPath === undefined ? fallback() : rootPath;
  if (typeof path !== "string" || path === "") {
    throw invalid("rootPath", "must be a non-empty string", path);
  }
  if (path.includes("\0")) throw invalid("rootPath", "must not contain NUL", path);
  return resolve(path);
}

function resolveWriteQueue(queue: unknown): Required<WriteQueueOptions> {
  if (queue === undefined) return { ...defaults.writeQueue };
  if (typeof queue !== "object" || queue === null || Array.isArray(queue)) {
    throw invalid("writeQueue", "must be an object", queue);
  }
  for (const name of Object.keys(queue)) {
    if (!Object.hasOwn(defaults.writeQueue, name)) {
      throw new LioranError("INVALID_OPTION", `Unknown option "writeQueue.${name}".`);
    }
  }
  const given = queue as WriteQueueOptions;
  const fallback = defaults.writeQueue;
  const { maxSize = fallback.maxSize, mode = fallback.mode } = given;
  const { timeoutMs = fallback.timeoutMs } = given;
  return {
    maxSize: integer("writeQueue.maxSize", maxSize, 1, Number.MAX_SAFE_INTEGER),
    mode: choice("writeQueue.mode", mode, ["wait", "reject"]),
    timeoutMs: integer("writeQueue.timeoutMs", timeoutMs, 0, timeoutMsMax),
  };
}

function choice<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  const shown = allowed.map((one) => `"${one}"`);
  throw invalid(name, `must be one of ${shown.join(", ")}`, value);
}

function integer(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw invalid(name, `must be an integer from ${min} to ${max}`, value);
}

function invalid(name: string, rule: string, value: unknown): LioranError {
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : shownText(value);
  const got = typeof value === "object" && value !== null ? "an object" : shown;
  return new LioranError("INVALID_OPTION", `Option "${name}" ${rule}, not ${got}.`);
}

function unavailable(what: string): LioranError {
  return new LioranError("NOT_AVAILABLE", `${what} is not yet available in this release.`);
}
