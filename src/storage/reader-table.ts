/**
 * `lock.mdb`: LMDB's table of readers, which every process maps. LMDB makes a file of it that is one hole. On a disk
 * that is full, whoever is the first to enter itself into a page of a hole is killed (SIGBUS), and so are all that
 * come after it. So a new database gets a table that is filled, before LMDB opens it.
 */
import { existsSync, linkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lmdbReadersMax } from "../limits.js";

const entryBytes = 64;
/** More than the header has: LMDB takes what is left for more entries. */
const headerBytes = 4_096;

/** Makes the table unless there is one. @throws errors of the file system */
export function provideReaderTable(folder: string): void {
  const file = join(folder, "lock.mdb");
  // Files have no holes on Windows unless one asks for them.
  if (process.platform === "win32" || existsSync(file)) return;
  const draft = `${file}.${process.pid}-${process.hrtime.bigint()}.new`;
  try {
    const bytes = new Uint8Array(headerBytes + lmdbReadersMax * entryBytes);
    writeFileSync(draft, bytes, { mode: 0o664 });
    // Only a whole one gets the name, and never in the place of one that others may use.
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file) && !isWithoutLinks(error)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Whether the file system has no links: LMDB makes the table then. */
function isWithoutLinks(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === "link" && code !== "ENOSPC" && code !== "EDQUOT";
}
