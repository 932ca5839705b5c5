/** Reads one document of a cursor and leaves the rest: `node unread-cursor.js <options as JSON>`. */
import { LioranManager } from "../../../../src/index.js";

const manager = new LioranManager(JSON.parse(process.argv[2]!));
const things = (await manager.db("app")).collection("things");
const cursor = things.find({}).batchSize(2);
await cursor.next();
console.log("read one");
// It must not be the garbage collector that lets the process end.
Object.assign(globalThis, { cursor });
