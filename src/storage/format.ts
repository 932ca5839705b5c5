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
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { LioranError } from "../errors.js";

/** The storage format this release writes, and the newest it can read. */
export const formatVersion = 1;

const fileName = "format.json";

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
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    const kind = code === "EACCES" || code === "EPERM" ? "PERMISSION" : "IO";
    throw new LioranError(kind, `Cannot read ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const version = parseVersion(text);
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

/** Declares the database in the folder complete. Only the Host calls this. */
export function writeFormat(folder: string): void {
  const file = join(folder, fileName);
  const draft = `${file}.new`;
  const text = `${JSON.stringify({ format: formatVersion, storage: "lmdb" })}\n`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, file);
  // An acknowledged write must find its files again after a power loss.
  for (const changed of [folder, dirname(folder)]) flushFolder(changed);
  flushWayTo(dirname(folder));
}

/** The root, and folders above it, may be new as well: whoever made them may have died before it flushed anything. */
function flushWayTo(root: string): void {
  const { dev } = statSync(root);
  for (let folder = root; folder !== dirname(folder); ) {
    folder = dirname(folder);
    try {
      if (statSync(folder).dev !== dev) return;
      flushFolder(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A folder of others, in which this user has made nothing.
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return;
      throw error;
    }
  }
}

function flushFolder(folder: string): void {
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
