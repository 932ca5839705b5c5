/** The process of {@link PrimaryProcess}: opens a root with the options given and keeps it open. */
import { LioranManager } from "@liorandb/core";

const manager = new LioranManager(JSON.parse(process.argv[2]!));
process.once("message", async () => {
  await manager.close();
  process.disconnect();
});
// Whoever started this process is gone.
process.once("disconnect", () => process.exit());

await (await manager.db("conformance")).command({ ping: 1 });
process.send!({ ready: true, primary: manager.isPrimary() });
