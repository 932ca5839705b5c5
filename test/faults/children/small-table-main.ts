/** Opens the database "app" of a root before everybody else, with a table of few readers, and takes their places. */
import { createRequire } from "node:module";
import { join } from "node:path";

const [rootPath, places, readers] = process.argv.slice(2);
const { open } = createRequire(import.meta.url)("lmdb") as typeof import("lmdb");
const folder = join(rootPath!, "app");
const root = open({ path: folder, noSubdir: false, maxReaders: Number(places), maxDbs: 8 });
const catalog = root.openDB("catalog", { create: false } as object);
const held: unknown[] = [];
try {
  while (held.length < Number(readers)) {
    root.resetReadTxn();
    const transaction = root.useReadTransaction() as { isDone?: boolean };
    // Otherwise it would be handed out again.
    transaction.isDone = true;
    (catalog as unknown as Reading).getBinary("a", { transaction });
    root.resetReadTxn();
    held.push(transaction);
  }
} catch {
  // There are no more places.
}
process.send!(held.length);
// Until it is killed.
process.on("message", () => {});

/** Its types know of no options. */
interface Reading {
  getBinary(key: string, options: { transaction: unknown }): unknown;
}
