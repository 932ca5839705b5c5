/**
 * Divides the documents of a range into slices of about the same size without reading them: where the tree of LMDB
 * branches. LMDB does not tell, so its branches are looked at in the file; a few pages are enough. Nothing but the balance
 * of the slices depends on what is found there.
 */
import { LioranError } from "../errors.js";
import { divisionBranchesPerSlice, keyPrefixBytes, lmdbKeyBytesMax } from "../limits.js";
import { documentRange, type IdKeyRange } from "./collection.js";
import { lookAtPages } from "./data-file.js";
import type { Environment } from "./environment.js";
import { branchKeys, namedTree } from "./page-walk.js";

/**
 * The slices in order. Together they are the range.
 *
 * @param environment with the latest commit in sight
 * @param wanted how many there are to be; there are fewer where the range has only a few pages
 */
export function divideRange(
  environment: Environment,
  collectionId: number,
  range: IdKeyRange,
  wanted: number,
): IdKeyRange[] {
  const { start, end } = documentRange(collectionId, range);
  const bounds = [start as Uint8Array, end as Uint8Array] as const;
  const enough = wanted * divisionBranchesPerSlice;
  const keys = follow(bounds, branchesBetween(environment.folder, bounds, enough));
  const slices = Math.min(wanted, keys.length + 1);
  const starts = Array.from({ length: slices - 1 }, (_, at) => {
    const key = keys[Math.floor(((at + 1) * (keys.length + 1)) / slices) - 1]!;
    // A copy: it goes to other threads, and its page shall not.
    return { key: new Uint8Array(key.subarray(keyPrefixBytes)), inclusive: true };
  });
  const lowers = [range.lower, ...starts];
  return lowers.map((lower, at) => {
    const next = lowers[at + 1];
    const upper = next ? { key: next.key, inclusive: false } : range.upper;
    return { ...(lower && { lower }), ...(upper && { upper }) };
  });
}

/** Whatever the file says: slices lie in their range, begin with a key that can be, and each behind the one before. */
function follow([low, high]: readonly [Uint8Array, Uint8Array], keys: readonly Buffer[]): Buffer[] {
  let last = low;
  return keys.filter((key) => {
    const canBe = key.length > keyPrefixBytes && key.length <= lmdbKeyBytesMax;
    const follows = Buffer.compare(key, last) > 0 && Buffer.compare(key, high) < 0;
    if (canBe && follows) last = key;
    return canBe && follows;
  });
}

function branchesBetween(
  folder: string,
  bounds: readonly [Uint8Array, Uint8Array],
  enough: number,
): Buffer[] {
  try {
    return lookAtPages(folder, (mainTree, read) => {
      const tree = namedTree(mainTree, "documents", read);
      return tree ? branchKeys(tree, bounds, enough, read) : [];
    });
  } catch (error) {
    // Without a file descriptor, say, or of a damaged file: it is one slice, whose reading tells what is wrong.
    if (error instanceof LioranError) return [];
    throw error;
  }
}
