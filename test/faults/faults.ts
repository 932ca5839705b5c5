/** Takes things away from running processes, and gives them back: disk space, file descriptors, permissions. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Process, Site } from "../process/site.js";

/** Why tests that change the limits of other processes cannot run here; false: they can. */
export const noLimits =
  spawnSync("prlimit", ["--version"]).status === 0 ? false : "there is no prlimit (util-linux)";

export type Limit = "fsize" | "nofile";

/** Sets the soft limit of a running process; undefined gives back what the hard limit allows. */
export function setLimit(process: Process, limit: Limit, value?: number): void {
  const pid = `--pid=${process.pid}`;
  const soft = value ?? hardLimit(process, limit);
  execFileSync("prlimit", [pid, `--${limit}=${soft}:`]);
}

function hardLimit(process: Process, limit: Limit): string {
  const columns = ["--noheadings", "--raw", "--output=HARD", `--${limit}`];
  return execFileSync("prlimit", [`--pid=${process.pid}`, ...columns], { encoding: "utf8" }).trim();
}

/** File descriptors that a process has open. */
export function openFiles(process: Process): number {
  return readdirSync(`/proc/${process.pid}/fd`).length;
}

/** Time of the processor that a process has used, in milliseconds. */
export function usedMs(process: Process): number {
  const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * 10;
}

/** The snapshots that LMDB's table of readers has for a process: numbers of commits. */
export function snapshotsOf(process: Process, folder: string): number[] {
  const table = readFileSync(join(folder, "lock.mdb"));
  const found: number[] = [];
  // mdb.c: MDB_txninfo, then an MDB_reader for each place.
  for (let at = 272; at + 64 <= table.length; at += 64) {
    const commit = table.readBigInt64LE(at);
    if (table.readInt32LE(at + 8) === process.pid && commit >= 0n) found.push(Number(commit));
  }
  return found;
}

/** A file system in memory that is soon full. */
export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Puts the root of a site onto one.
   *
   * @returns why that is not possible, where it is not
   */
  static under(t: TestContext, site: Site, size: string): SmallDisk | string {
    const folder = mkdtempSync(join(tmpdir(), "d-"));
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
    t.after(() => {
      // The processes of the site are gone by now.
      if (mounted.status === 0) execFileSync("umount", [folder]);
      rmSync(folder, { recursive: true });
    });
    if (mounted.status !== 0) return "no permission to mount a small disk";
    symlinkSync(folder, site.rootPath);
    return new SmallDisk(folder);
  }

  resize(size: string): void {
    execFileSync("mount", ["-o", `remount,size=${size}`, this.folder]);
  }
}
