/**
 * Keeps commits and openings of a database apart.
 *
 * LMDB lets a process that opens an environment write the number of the last commit, as it has read it a moment
 * before, into the memory that all processes share (ITS#9496; lmdb-js 3.5.6 has that code). A commit that comes in
 * between is taken back by it: readers do not see it, and the next one overwrites it or finds a damaged tree. So whoever
 * opens a database holds a shared lock on its file meanwhile, and the Host an exclusive one during each commit.
 *
 * Children that come and go could together hold it all the time. So a Host that does not get it at once closes the gate before
 * it: who opens next waits until the Host has had its turn.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { LioranError } from "../errors.js";
import { type LockKind, lockFile, tryLockFile, unlockFile } from "./file-lock.js";

/** LMDB's own locks are on the other file, and on that one ours would end them. */
const fileName = "data.mdb";
/** Whoever goes for the lock goes through this one. Each database has that file, and it stays as it is. */
const gateFileName = "format.json";
/** Behind the largest map that LMDB can have. */
export const lockedByte = 2 ** 50;

/** Opens a database that exists, while nobody commits to it. */
export function openBetweenCommits<T>(folder: string, open: () => T): T {
  const fd = openFile(folder, fileName, "r");
  if (fd === undefined) return open(); // It fails in the same way, and LMDB says so.
  try {
    throughGate(folder, "shared", () => lockFile(fd, lockedByte, "shared"));
    return open();
  } finally {
    // Ends the lock as well.
    closeSync(fd);
  }
}

/** The lock of the one that commits. */
export class CommitLock {
  readonly #folder: string;
  readonly #fd: number;

  constructor(folder: string) {
    this.#folder = folder;
    try {
      this.#fd = openSync(join(folder, fileName), "r+");
    } catch (error) {
      const { message } = error as Error;
      throw new LioranError("IO", `Cannot open ${join(folder, fileName)}: ${message}`, {
        cause: error,
      });
    }
  }

  /** Runs a commit while nobody opens the database. */
  hold<T>(commit: () => T): T {
    if (!tryLockFile(this.#fd, lockedByte, "exclusive")) {
      throughGate(this.#folder, "exclusive", () => lockFile(this.#fd, lockedByte, "exclusive"));
    }
    try {
      return commit();
    } finally {
      unlockFile(this.#fd, lockedByte);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function throughGate(folder: string, kind: LockKind, take: () => void): void {
  const gate = openFile(folder, gateFileName, kind === "shared" ? "r" : "r+");
  try {
    // Without it (no descriptor is left) it only takes longer.
    if (gate !== undefined) lockFile(gate, lockedByte, kind);
    take();
  } finally {
    if (gate !== undefined) closeSync(gate);
  }
}

function openFile(folder: string, name: string, flags: "r" | "r+"): number | undefined {
  try {
    return openSync(join(folder, name), flags);
  } catch {
    return undefined;
  }
}
