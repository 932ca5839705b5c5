import type { ManagerOptions } from "@liorandb/core";
import { loadRaveLevel, loadSqlite } from "./peers.js";
import type { Store, StoreName } from "./store.js";

/** Only the contender that a process opens is loaded into it. */
const OPEN: Record<StoreName, (root: string, options: ManagerOptions) => Promise<Store>> = {
  LioranDB: async (root, options) => (await import("./liorandb.js")).openLioranDB(root, options),
  "better-sqlite3": async (root) => (await import("./better-sqlite3.js")).openSqlite(root),
  "rave-level": async (root) => (await import("./rave-level.js")).openRaveLevel(root),
  lmdb: async (root) => (await import("./lmdb.js")).openLmdb(root),
};

/** @param options for LioranDB, besides its defaults */
export function openStore(
  name: StoreName,
  root: string,
  options: ManagerOptions = {},
): Promise<Store> {
  return OPEN[name](root, options);
}

/** Why a contender cannot take part, or `null` when it can. */
export async function whyMissing(name: StoreName): Promise<string | null> {
  try {
    if (name === "LioranDB") await import("@liorandb/core");
    // Loading better-sqlite3 does not load its compiled part, opening a database does.
    else if (name === "better-sqlite3") new (loadSqlite())(":memory:", { timeout: 0 }).close();
    else if (name === "lmdb") await import("lmdb");
    else loadRaveLevel();
    return null;
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
