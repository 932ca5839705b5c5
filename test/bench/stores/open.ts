import { loadRaveLevel, loadSqlite } from "./peers.js";
import type { Store, StoreName } from "./store.js";

/** Only the contender that a process opens is loaded into it. */
const OPEN: Record<StoreName, (root: string) => Promise<Store>> = {
  LioranDB: async (root) => (await import("./liorandb.js")).openLioranDB(root),
  "better-sqlite3": async (root) => (await import("./better-sqlite3.js")).openSqlite(root),
  "rave-level": async (root) => (await import("./rave-level.js")).openRaveLevel(root),
};

export function openStore(name: StoreName, root: string): Promise<Store> {
  return OPEN[name](root);
}

/** Why a contender cannot take part, or `null` when it can. */
export async function whyMissing(name: StoreName): Promise<string | null> {
  try {
    if (name === "LioranDB") await import("@liorandb/core");
    // Loading better-sqlite3 does not load its compiled part, opening a database does.
    else if (name === "better-sqlite3") new (loadSqlite())(":memory:", { timeout: 0 }).close();
    else loadRaveLevel();
    return null;
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
