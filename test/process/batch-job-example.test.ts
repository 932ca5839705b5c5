/** fixtures/examples/batch-job: a job over a collection, in child processes. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { openAgent } from "./agent.js";
import { compiledTests, Site } from "./site.js";

const script = join(dirname(compiledTests), "fixtures/examples/batch-job.js");
/** To be removed, with the `@ts-expect-error` of the example. */
const skip = "collection.parallel is not there yet";

test("batch-job gives every player a score, once", { skip }, async (t) => {
  const site = new Site(t);
  const env = { ROOT: site.rootPath };
  const first = site.start("first", script, { args: ["2000"], env });
  assert.deepEqual(await first.exit(), { code: 0, signal: null }, first.stderr);
  assert.match(first.stdout, /^2000 players in \d+ batches, 0 failed\nbest score: \d+\n$/);
  assert.equal(first.stderr, "");
  const later = await openAgent(site, "later");
  const scored = await later.chain(
    ["db", "league"],
    ["collection", "players"],
    ["countDocuments", { score: { $gt: 0 } }],
  );
  assert.equal(scored, 2_000);
  await later.close();
  // There is nothing left to do.
  const second = site.start("second", script, { args: ["2000"], env });
  assert.deepEqual(await second.exit(), { code: 0, signal: null }, second.stderr);
  assert.match(second.stdout, /^0 players in 0 batches, 0 failed\n/);
});
