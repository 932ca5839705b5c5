/**
 * A short-lived process: opens a root, reads one document and ends. `cold-child.js bare` only ends, and
 * shows what Node itself costs; so nothing is imported before the argument says what.
 */
export type ColdMode = "bare" | "lmdb" | "LioranDB";

const [, , mode, root, id] = process.argv as unknown as [string, string, ColdMode, string, string];

if (mode === "lmdb") {
  const { open } = await import("lmdb");
  const environment = open({ path: root, noSubdir: false });
  if (environment.get(id) === undefined) throw new Error(`no document ${id}`);
  await environment.close();
} else if (mode === "LioranDB") {
  const { LioranManager } = await import("@liorandb/core");
  const manager = new LioranManager({ rootPath: root });
  const database = await manager.db("bench");
  const found = await database.collection<{ _id: string }>("people").findOne({ _id: id });
  if (found === null) throw new Error(`no document ${id}`);
  await manager.close();
}
