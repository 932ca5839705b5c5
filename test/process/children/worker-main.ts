/**
 * A process that does one piece of work in one mode and then has nothing more to do. It gets no
 * commands: whatever keeps it alive is the product's.
 *
 * Arguments: root, mode, what to do at the end ("close", "leave", or "exit:<code>").
 */
import { LioranManager, type ManagerOptions } from "../../../src/index.js";

const [rootPath, mode, ending] = process.argv.slice(2);
const ipc = mode === "auto" ? undefined : (mode as ManagerOptions["ipc"]);
const manager = new LioranManager({ rootPath, ipc });
const things = (await manager.db("app")).collection("things");

if (ipc !== "readonly") {
  await things.insertMany(Array.from({ length: 3_000 }, (_, n) => ({ n, mode })));
  await things.updateMany({ mode, n: { $lt: 10 } }, { $inc: { n: 1 } });
}

// On the pool: more than an inline read may look at.
await things.find({ n: { $gte: 0 } }, { sort: { n: -1 } }).toArray();
await things.countDocuments({ n: { $gt: 5 } });
// A cursor that nobody reads on.
if (ending !== "leave") await things.find({}).batchSize(10).next();
// One that was aborted in the middle, and one that was left early.
const abort = new AbortController();
const aborted = things.find({ text: /x+y/ }, { signal: abort.signal }).toArray();
abort.abort();
await aborted.catch(() => {});
for await (const _first of things.find({}).batchSize(10)) break;

if (ending === "close") await Promise.all([manager.close(), manager.close()]);
else if (ending.startsWith("exit:")) {
  // In the middle of reads and writes.
  const work = () => [
    ipc === "readonly" ? undefined : things.insertMany(Array.from({ length: 500 }, () => ({}))),
    things.find({ n: { $gte: 0 } }).toArray(),
    things.find({ n: -1 }).toArray(),
  ];
  const all = [work(), work(), work(), work()].flat();
  for (const one of all) one?.catch(() => {});
  await Promise.race(all);
  process.exit(Number(ending.slice(5)));
}
console.log("done");
