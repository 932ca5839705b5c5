import type { ManagerOptions } from "@liorandb/core";
import { loadNedb, loadRaveLevel, loadSqlite } from "./peers.js";
import type { BenchDurability, Store, StoreName } from "./store.js";

/** Of LioranDB besides its defaults; what all contenders have in common is obeyed by all. */
export type StoreOptions = ManagerOptions & { durability?: BenchDurability };

type Open = (root: string, durability: BenchDurability, options: StoreOptions) => Promise<Store>;

/** Only the contender that a process opens is loaded into it. */
const OPEN: Record<StoreName, Open> = {
  LioranDB: async (root, _, options) => (await import("./liorandb.js")).openLioranDB(root, options),
  "better-sqlite3": async (root, durability) =>
    (await import("./better-sqlite3.js")).openSqlite(root, durability),
  "rave-level": async (root, durability) =>
    (await import("./rave-level.js")).openRaveLevel(root, durability),
  nedb: async (root) => (await import("./nedb.js")).openNedb(root),
  lmdb: async (root, durability) => (await import("./lmdb.js")).openLmdb(root, durability),
};

export function openStore(
  name: StoreName,
  root: string,
  options: StoreOptions = {},
): Promise<Store> {
  return OPEN[name](root, options.durability ?? "flushed", options);
}

/** Why a contender cannot take part, or `null` when it can. */
export async function whyMissing(name: StoreName): Promise<string | null> {
  try {
    if (name === "LioranDB") await import("@liorandb/core");
    // Loading better-sqlite3 does not load its compiled part, opening a database does.
    else if (name === "better-sqlite3") new (loadSqlite())(":memory:", { timeout: 0 }).close();
    else if (name === "lmdb") await import("lmdb");
    else if (name === "nedb") loadNedb();
    else loadRaveLevel();
    return null;
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
