/**
 * Whether processes may use a catalog entry for a while without looking it up again (`catalog.ts`). They may not while a
 * record in the catalog says so: it is committed `catalogLeaseMs` before a commit that drops or renames a collection, so at
 * that commit every lease has ended, and whoever reads looks the collection up in the snapshot that it reads.
 */
import type { Environment } from "./environment.js";

const leasesEndedKey = Buffer.from([0x07]);

/** Whether no leases are given, in the snapshot that is read next, or in the write transaction. */
export function areLeasesEnded(environment: Environment): boolean {
  const { catalog } = environment.stores;
  return catalog.getBinaryFast(leasesEndedKey, environment.latest) !== undefined;
}

/** Gives no more leases. Inside a write transaction. */
export function endLeases(environment: Environment): void {
  environment.stores.catalog.putSync(leasesEndedKey, Buffer.of(1));
}

/** Gives leases again. Inside a write transaction. */
export function resumeLeases(environment: Environment): void {
  environment.stores.catalog.removeSync(leasesEndedKey);
}
