/** What `manager.status()` tells. */
import type { Percentiles } from "../dispatch/commit-meter.js";
import type { HostStatus, IndexBuildStatus, PoolFigures } from "../dispatch/operation.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Databases } from "../storage/databases.js";
import type { Environment } from "../storage/environment.js";
import { type ManagerRole, shownRole } from "./shown-role.js";

/** A look at a manager and, where there is one, its primary. */
export interface ManagerStatus {
  role: ManagerRole;
  rootPath: string;
  pid: number;
  /** Which take-over of the root this is: one higher at each. 0 before the first contact. */
  epoch: number;
  /** Process id of the primary; `null` while there is none. */
  primaryPid: number | null;
  /** Operations of this manager that have not been answered. */
  pendingOperations: number;
  openCursors: number;
  /** The threads for heavy reads of this manager; `null` with `cores: 0`. */
  pool: PoolStatus | null;
  /** Those that this manager was asked for with `db()`, and that exist. */
  databases: DatabaseStatus[];
  /** The primary's own figures; `null` when there is none, or for a readonly manager. */
  host: {
    clients: number;
    /** Writes that wait for their commit. */
    queuedOperations: number;
    /** Since the primary's Host started. */
    commits: number;
    /** Writes in these commits. */
    operations: number;
    /** Over the last ten seconds. */
    commitsPerSecond: number;
    operationsPerSecond: number;
    /** How long the last 1,024 commits took, in milliseconds, with their flush; `null` before the first. */
    commitMs: Percentiles | null;
    /** Threads of the primary for the reads of others and the searches of updates; `null` with `cores: 0`. */
    pool: PoolStatus | null;
    /** Indexes that are being built. */
    indexBuilds: IndexBuildStatus[];
  } | null;
}

export type PoolStatus = PoolFigures;

/** LMDB's figures of a database. */
export interface DatabaseStatus {
  name: string;
  /** What is used of the file, in bytes. */
  fileBytes: number;
  /** The address space that is reserved for the file; grows as needed. */
  mapBytes: number;
  /** The number of its last commit. */
  lastCommit: number;
  /** The oldest snapshot of any process: pages that were freed since its commit cannot be used again. */
  oldestSnapshot: {
    /** The process that holds it. */
    pid: number;
    commit: number;
    /** How many commits have been made since. */
    commitsBehind: number;
  } | null;
}

/** Does not wait for a primary that is not there. */
export async function statusOf(
  runtime: Runtime,
  databases: Iterable<string>,
): Promise<ManagerStatus> {
  const { membership, options } = runtime;
  const isConnected = membership?.link.isConnected === true && !runtime.isClosing;
  const host = isConnected
    ? await runtime.execute<"hostStatus">({ kind: "hostStatus" })
    : undefined;
  return {
    role: shownRole(runtime.role),
    rootPath: options.rootPath,
    pid: process.pid,
    epoch: membership?.epoch ?? 0,
    primaryPid: membership?.primaryPid || null,
    pendingOperations: runtime.pendingOperations,
    openCursors: runtime.openCursors,
    pool: runtime.poolFigures,
    databases: runtime.isClosing ? [] : databasesOf(runtime.databases, databases),
    host: host ? shown(host) : null,
  };
}

function shown({ epoch: _epoch, pid: _pid, ...figures }: HostStatus): ManagerStatus["host"] {
  return figures;
}

function databasesOf(databases: Databases, names: Iterable<string>): DatabaseStatus[] {
  return [...names].flatMap((name) => {
    const environment = opened(databases, name);
    if (!environment) return [];
    // First: the figures are read in a snapshot too.
    const [oldest] = environment.readers().sort((a, b) => a.commit - b.commit);
    const { fileBytes, mapBytes, lastCommit } = environment.statistics();
    return {
      name,
      fileBytes,
      mapBytes,
      lastCommit,
      oldestSnapshot: oldest
        ? { ...oldest, commitsBehind: Math.max(0, lastCommit - oldest.commit) }
        : null,
    };
  });
}

function opened(databases: Databases, name: string): Environment | undefined {
  try {
    return databases.get(name);
  } catch {
    return undefined; // Each operation on it says what is wrong.
  }
}
