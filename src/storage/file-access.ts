/**
 * Whether the files of a database can be opened, asked before lmdb-js opens them: it crashes the process (3.5.6: SIGSEGV)
 * when opening fails in the middle, because of permissions or of file descriptors.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { assertDescriptors } from "../late-loading.js";
import { dataFileName } from "./data-file.js";

/**
 * @param isWritten whether they are opened for reading and writing
 * @throws IO, and errors of the file system
 */
export function assertFileAccess(folder: string, isWritten: boolean): void {
  assertDescriptors();
  const mode = isWritten ? constants.R_OK | constants.W_OK : constants.R_OK;
  const lock = join(folder, "lock.mdb");
  // Never opened: closing it would give up the locks that LMDB may have on it in this process.
  if (isWritten && existsSync(lock)) accessSync(lock, mode);
  const data = join(folder, dataFileName);
  if (existsSync(data)) accessSync(data, mode);
}
