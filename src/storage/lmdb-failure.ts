/** What LMDB reports, in our words. It numbers its errors; errors of the system have the system's numbers. */
import { constants } from "node:os";
import { LioranError } from "../errors.js";

/** https://github.com/LMDB/lmdb, lmdb.h, "Return Codes". */
const damagedCodes: ReadonlySet<unknown> = new Set([
  -30797, // MDB_PAGE_NOTFOUND
  -30796, // MDB_CORRUPTED
  -30795, // MDB_PANIC
  -30794, // MDB_VERSION_MISMATCH
  -30793, // MDB_INVALID
]);
const { EACCES, EPERM, EROFS } = constants.errno;
const deniedCodes: ReadonlySet<unknown> = new Set([EACCES, EPERM, EROFS]);

/**
 * The error for a failure inside LMDB or below it. What has no number is a bug and is returned as it
 * is.
 *
 * @param doing what was under way, as in "opening the database in /data/app"
 */
export function lmdbFailure(doing: string, error: unknown): unknown {
  if (error instanceof LioranError) return error;
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code !== "number") return error;
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
  return new LioranError("IO", `Failed ${doing}: ${message}.`, { cause: error });
}
