/** Records that we keep beside the documents: decoded only after a look at their bytes, which may be damaged. */
import { decode } from "../cbor/codec.js";
import { scan } from "../cbor/scan.js";
import { LioranError } from "../errors.js";
import { frameDepthMax, frameItemsMax } from "../limits.js";

const limits = { depthMax: frameDepthMax, itemsMax: frameItemsMax };

/**
 * The value of a record.
 *
 * @param what the record is, as in "a collection in the catalog"
 * @param isWhole whether it has the parts that it should have
 * @throws CORRUPTED
 */
export function decodeRecord<T>(
  bytes: Uint8Array,
  what: string,
  isWhole: (value: unknown) => boolean,
): T {
  try {
    if (scan(bytes, limits) === bytes.length) {
      const value = decode(bytes);
      if (isWhole(value)) return value as T;
    }
  } catch (error) {
    if (!(error instanceof LioranError) || error.code === "IO") throw error;
  }
  throw damagedRecord(what);
}

/** For a record whose bytes are not what was written. */
export function damagedRecord(what: string): LioranError {
  return new LioranError(
    "CORRUPTED",
    `The database is damaged: the record of ${what} is not what was written. Restore it from a backup.`,
  );
}

/** For an entry of an index that leads to no document. */
export function danglingEntry(): LioranError {
  return new LioranError(
    "CORRUPTED",
    "The database is damaged: an entry of an index has no document. Restore it from a backup.",
  );
}
