/** Names of databases and collections: what is allowed, checked before anything touches the disk. */
import { LioranError } from "./errors.js";

const databasePattern = /^[A-Za-z0-9_-]{1,63}$/;
/** MongoDB allows 255 bytes for `<database>.<collection>`. */
const collectionBytesMax = 255;
/** Windows has devices by these names in every folder. */
const windowsDevice = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i;

/** @throws INVALID_NAMESPACE unless the name is 1 to 63 letters, digits, `_` or `-` */
export function checkDatabaseName(name: unknown): asserts name is string {
  if (typeof name !== "string" || !databasePattern.test(name)) {
    throw new LioranError(
      "INVALID_NAMESPACE",
      `Invalid database name ${shown(name)}: use 1 to 63 letters, digits, "_" or "-".`,
    );
  }
  if (windowsDevice.test(name)) {
    throw new LioranError(
      "INVALID_NAMESPACE",
      `Invalid database name ${shown(name)}: Windows reserves it for a device.`,
    );
  }
}

/**
 * As MongoDB (https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions), and
 * neither `$` nor a leading `system.`.
 *
 * @throws INVALID_NAMESPACE
 */
export function checkCollectionName(name: unknown): asserts name is string {
  const why = collectionNameFault(name);
  if (why)
    throw new LioranError("INVALID_NAMESPACE", `Invalid collection name ${shown(name)}: ${why}.`);
}

function collectionNameFault(name: unknown): string | undefined {
  if (typeof name !== "string") return "it must be a string";
  if (name === "") return "it must not be empty";
  if (name.includes("$")) return 'it must not contain "$"';
  if (name.includes("\0")) return "it must not contain NUL";
  if (name.startsWith("system.")) return 'it must not begin with "system."';
  if (name.startsWith(".") || name.endsWith(".")) return 'it must not begin or end with "."';
  if (name.includes("..")) return 'it must not contain ".."';
  if (!name.isWellFormed()) return "it is not valid Unicode";
  if (Buffer.byteLength(name) > collectionBytesMax) {
    return `it must not be longer than ${collectionBytesMax} bytes`;
  }
  return undefined;
}

/** What the jobs of a database are: one document each (jobs/job-records.ts). */
export const jobsCollection = "system.jobs";
/** The batches of jobs that are done. */
export const jobBatchesCollection = "system.job_batches";

/** Whether the collection is one of our own: users cannot name it, and are not shown it. */
export function isOwnCollection(name: unknown): boolean {
  return name === jobsCollection || name === jobBatchesCollection;
}

/** As {@link checkCollectionName}, for an operation, which may also be about a collection of our own. */
export function checkOperatedCollectionName(name: unknown): asserts name is string {
  if (!isOwnCollection(name)) checkCollectionName(name);
}

/** Collections that an `$out` is filling have this in front of an id of their own, as in MongoDB. */
export const outputPrefix = "tmp.agg_out.";
const outputPattern = /^tmp\.agg_out\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether an `$out` has made the collection, to fill it and then give it another name. */
export function isOutputName(collection: string): boolean {
  return outputPattern.test(collection);
}

function shown(name: unknown): string {
  if (typeof name !== "string") return name === null ? "null" : `of type ${typeof name}`;
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}
