/** A process that opens a root and runs one job there: `parent-main.js <root> <module> <options>`. */
import { LioranManager } from "@liorandb/core";

const [, , rootPath, module, options] = process.argv as [string, string, string, string, string];
const manager = new LioranManager({ rootPath, durability: "committed" });
const things = (await manager.db("app")).collection("things");
const result = await things.parallel(module, JSON.parse(options));
await manager.close();
process.send!(result);
process.disconnect();
