/**
 * What LMDB reports, and what our own readers find in stored bytes, in our words and with the file. LMDB numbers its
 * errors; errors of the system have the system's numbers.
 */
import { constants } from "node:os";
import { join } from "node:path";
import { ERRORS, LioranError } from "../errors.js";
import { damagedFile, dataFileName } from "./data-file.js";

/** https://github.com/LMDB/lmdb, lmdb.h, "Return Codes". */
const damagedCodes: ReadonlySet<unknown> = new Set([
  -30797, // MDB_PAGE_NOTFOUND
  -30796, // MDB_CORRUPTED
  -30795, // MDB_PANIC
  -30794, // MDB_VERSION_MISMATCH
  -30793, // MDB_INVALID
  -30787, // MDB_CURSOR_FULL: a tree that is deeper than any
  -30786, // MDB_PAGE_FULL
  -30784, // MDB_INCOMPATIBLE
]);
/** MDB_BAD_TXN: something has failed in it before. In one that only reads, that was a damaged page. */
const badTransactionCode = -30782;
const deniedCodes: ReadonlySet<unknown> = codesOf("EACCES", "EPERM", "EROFS");
/** MDB_READERS_FULL */
const readersFullCode = -30790;
/** There is no room on the disk. A write that fits in part is an EIO for LMDB. */
const spaceCodes: ReadonlySet<unknown> = codesOf("ENOSPC", "EDQUOT", "EFBIG", "EIO");
/** What to do about what has run out. All of it can be given back while the process runs. */
const remedies: readonly [codes: ReadonlySet<unknown>, remedy: string][] = [
  [spaceCodes, "Nothing of it is stored. Make room on the disk."],
  [codesOf("EMFILE", "ENFILE"), "Allow the process more open files (ulimit -n), or close some."],
  [
    new Set([readersFullCode]),
    "Too many threads and processes read this database at once: end some, or lower `cores`.",
  ],
  [codesOf("ENOMEM"), "There is not enough memory."],
];

/**
 * The error for a failure of a database: as {@link lmdbFailure}, naming its file, and for stored bytes that are not what
 * was written: who reads them does not know where they come from.
 *
 * @param folder of the database
 */
export function storageFailure(
  folder: string,
  doing: "opening" | "reading" | "writing",
  error: unknown,
): unknown {
  const file = join(folder, dataFileName);
  if (error instanceof LioranError) return withFile(file, error);
  if (doing === "reading" && numberOf(error) === badTransactionCode) {
    return damagedFile(file, (error as Error).message, error);
  }
  return lmdbFailure(`${doing} ${file}`, error);
}

function withFile(file: string, error: LioranError): LioranError {
  const isPlaced = error.message.includes(dataFileName) || error.message.includes("format.json");
  if (error.code !== ERRORS.CORRUPTED.code || isPlaced) return error;
  return new LioranError("CORRUPTED", `${error.message} It is in ${file}.`, { cause: error.cause });
}

/** As {@link storageFailure}, for reading in a whole piece of work. */
export function readingFrom<T>(folder: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw folder === undefined ? error : storageFailure(folder, "reading", error);
  }
}

/**
 * The error for a failure inside LMDB or below it. What has no number is a bug and is returned as it
 * is.
 *
 * @param doing what was under way, as in "opening the database in /data/app"
 */
export function lmdbFailure(doing: string, error: unknown): unknown {
  if (error instanceof LioranError) return error;
  const { message } = error as { message: string };
  const code = numberOf(error);
  if (code === undefined) return error;
  if (damagedCodes.has(code)) {
    return new LioranError(
      "CORRUPTED",
      `The database is damaged (${doing}): ${message}. Restore it from a backup.`,
      { cause: error },
    );
  }
  if (deniedCodes.has(code)) {
    return new LioranError("PERMISSION", `No permission for ${doing}: ${message}.`, {
      cause: error,
    });
  }
  const remedy = remedies.find(([codes]) => codes.has(code))?.[1] ?? "";
  return new LioranError("IO", `Failed ${doing}: ${message}. ${remedy}`.trimEnd(), {
    cause: error,
  });
}

/** Whether there is no place left in LMDB's table of readers. */
export function isOutOfPlaces(error: unknown): boolean {
  return numberOf(error) === readersFullCode;
}

/** Whether a commit has failed because there is no room on the disk. */
export function isOutOfSpace(error: unknown): boolean {
  return spaceCodes.has(numberOf(error));
}

/** The system's number, or LMDB's. Node names the errors of its own calls. */
function numberOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === "number") return code;
  const { errno } = error as { errno?: unknown };
  return typeof errno === "number" ? -errno : undefined;
}

function codesOf(...names: (keyof typeof constants.errno)[]): ReadonlySet<unknown> {
  return new Set(names.map((name) => constants.errno[name]));
}
