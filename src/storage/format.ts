/**
 * The format record of a database: `<root>/<database>/format.json`.
 *
 * It is written by the Host after LMDB's files are complete, by an atomic rename. So its existence
 * means "this database can be opened", and its version is checked before LMDB touches a file that a
 * newer release may have laid out differently. See docs/format.md.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { LioranError } from "../errors.js";
import { readSmallFile } from "./small-file.js";

/** The storage format this release writes, and the newest it can read. */
export const formatVersion = 1;

const fileName = "format.json";
const bytesMax = 4096;

/** Whether the folder holds a complete database. */
export function hasFormat(folder: string): boolean {
  return existsSync(join(folder, fileName));
}

/**
 * Checks that this release can read the database.
 *
 * @returns false when there is no database in the folder
 * @throws NEWER_FORMAT, CORRUPTED
 */
export function checkFormat(folder: string): boolean {
  const file = join(folder, fileName);
  let text: string | undefined;
  try {
    text = readSmallFile(file, bytesMax);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    const kind = code === "EACCES" || code === "EPERM" ? "PERMISSION" : "IO";
    throw new LioranError(kind, `Cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const version = parseVersion(text ?? "");
  if (version === undefined) {
    throw new LioranError("CORRUPTED", `${file} is not a format record; restore it from a backup.`);
  }
  if (version > formatVersion) {
    throw new LioranError(
      "NEWER_FORMAT",
      `The database in ${folder} has format ${version}; this release of @liorandb/core reads up to ` +
        `format ${formatVersion}. Update @liorandb/core. Nothing was changed.`,
    );
  }
  return true;
}

/**
 * Declares the database in the folder complete. Only the Host calls this.
 *
 * An acknowledged write must find its files again after a power loss, so the whole way to them is flushed first. The
 * record itself is flushed last; a Host that finds one does that again, in case the one that wrote it was killed.
 */
export function writeFormat(folder: string): void {
  const file = join(folder, fileName);
  const draft = `${file}.new`;
  const text = `${JSON.stringify({ format: formatVersion, storage: "lmdb" })}\n`;
  // What an interrupted creation has left; or a link, which would have us write elsewhere.
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flush: true, flag: "wx" });
  flushWayTo(folder);
  renameSync(draft, file);
  flushFolder(folder);
}

/** The root, and folders above it, may be new as well: whoever made them may have died before it flushed anything. */
function flushWayTo(folder: string): void {
  const root = dirname(folder);
  flushFolder(root);
  const { dev } = statSync(root);
  for (let above = root; above !== dirname(above); ) {
    above = dirname(above);
    try {
      if (statSync(above).dev !== dev) return;
      flushFolder(above);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A folder of others, in which this user has made nothing.
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return;
      throw error;
    }
  }
}

/** Brings the names in a folder to the disk. */
export function flushFolder(folder: string): void {
  // Windows keeps its folders safe by itself, and cannot open one for flushing.
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function parseVersion(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text) as { format?: unknown };
    return Number.isInteger(format) && (format as number) > 0 ? (format as number) : undefined;
  } catch {
    return undefined;
  }
}
