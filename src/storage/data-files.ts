/**
 * The files of a database, looked at before lmdb-js opens them: it crashes the process (3.5.6: SIGSEGV) when opening
 * fails in the middle, because of permissions, of file descriptors, or of what lies there.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
} from "node:fs";
import { endianness } from "node:os";
import { join } from "node:path";
import { LioranError } from "../errors.js";
import { assertDescriptors } from "../late-loading.js";

/** https://github.com/LMDB/lmdb, mdb.c: what a meta page has behind the header of the page, and version 2 of lmdb-js. */
const headOffset = 24;
const head = Buffer.from([0xde, 0xc0, 0xef, 0xbe, 2, 0]);
/** There are two meta pages. */
const fileBytesMin = 2 * 4_096;

/**
 * @param isWritten whether they are opened for reading and writing
 * @throws IO, CORRUPTED, and errors of the file system
 */
export function checkDataFiles(folder: string, isWritten: boolean): void {
  assertDescriptors();
  const data = join(folder, "data.mdb");
  const lock = join(folder, "lock.mdb");
  // Never opened: closing it would give up the locks that LMDB may have on it in this process.
  if (isWritten && existsSync(lock)) accessSync(lock, constants.R_OK | constants.W_OK);
  if (!existsSync(data)) return;
  const fd = openSync(data, isWritten ? "r+" : "r");
  try {
    const { size } = fstatSync(fd);
    // LMDB makes a new one of an empty file.
    if (size === 0) return;
    const found = Buffer.alloc(head.length);
    readSync(fd, found, 0, head.length, headOffset);
    if (size >= fileBytesMin && (found.equals(head) || endianness() === "BE")) return;
  } finally {
    closeSync(fd);
  }
  throw new LioranError(
    "CORRUPTED",
    `The database in ${folder} is damaged: its data.mdb is none of this version of LMDB, or was cut off. Restore it from a backup.`,
  );
}
