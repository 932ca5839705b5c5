/**
 * Inserts a generator of documents into the root of its environment, and notes how much it holds on the way:
 * `insert-stream-main.js <documents>`. Tells `{ insertedCount, aheadMost, heldMiB }`.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LioranManager } from "@liorandb/core";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const count = Number(process.argv[2]);
const points = 10;
const manager = LioranManager.fromEnv();
const things = (await manager.db("app")).collection("things");
/** What lives on the heap and in buffers, at ten points of the stream. */
const heldMiB: number[] = [];
/** Most documents that had been asked for and were not stored. */
let aheadMost = 0;

async function* documents() {
  for (let n = 0; n < count; n += 1) {
    if (n % (count / points / 10) === 0) {
      aheadMost = Math.max(aheadMost, n - (await things.estimatedDocumentCount()));
    }
    if (n % (count / points) === count / points - 1) heldMiB.push(held());
    yield { n, text: "t".repeat(500) + n };
  }
}

function held(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

const { insertedCount } = await things.insertMany(documents());
await manager.close();
process.send!({ insertedCount, aheadMost, heldMiB });
process.disconnect();
