/** A stream of any length is inserted with the memory of two chunks. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { insertChunkBytesMax, insertChunkDocumentsMax } from "../../src/limits.js";
import { openAgent } from "./agent.js";
import { compiledTests, Site } from "./site.js";

const script = join(compiledTests, "process/children/insert-stream-main.js");
/** More than 100 MB of documents. */
const count = 200_000;
/** Half of what the second half of the documents would need. */
const grownMiBMax = 24;

for (const ipc of ["auto", "client"]) {
  test(`inserting 200,000 documents of a generator keeps memory flat (ipc ${ipc})`, async (t) => {
    const site = new Site(t);
    // A client's chunks go to another process.
    const primary = ipc === "client" ? await openAgent(site, "primary") : undefined;
    const env = { LIORAN_ROOT: site.rootPath, LIORAN_IPC: ipc };
    const inserter = site.start("inserter", script, { args: [String(count)], env });
    const { insertedCount, aheadMost, heldMiB } = await inserter.until("its result", () => {
      return inserter.messages[0] as
        | { insertedCount: number; aheadMost: number; heldMiB: number[] }
        | undefined;
    });
    assert.equal(insertedCount, count);
    assert.equal(heldMiB.length, 10);
    // Of one half to the other: within them it goes up and down by what happens to be on its way.
    const grownMiB = Math.max(...heldMiB.slice(5)) - Math.max(...heldMiB.slice(0, 5));
    assert.ok(grownMiB < grownMiBMax, `grew by ${grownMiB} MiB: ${heldMiB}`);
    assert.ok(aheadMost <= 2 * insertChunkDocumentsMax + 1, `${aheadMost} documents ahead`);
    assert.ok(aheadMost * 500 <= 2 * insertChunkBytesMax, `${aheadMost} documents ahead`);
    assert.deepEqual(await inserter.exit(), { code: 0, signal: null }, inserter.stderr);
    if (primary) assert.equal(await primary.things("countDocuments"), count);
  });
}
