/** Modules and options that are wrong: each ends in a clear error, and the database is unharmed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LioranError } from "@liorandb/core";
import { jobSite, moduleUrl, numbers } from "./job-site.js";

/** Whether only its deadline ends it. */
function isEndless(way: string): boolean {
  return way === "endless" || way === "never";
}

/** What a batch with a poisoned document fails with, by the way in which it fails. */
const processFailures: Record<string, [code: string | number, message: RegExp]> = {
  throw: ["JOB_BATCH", /failed 2 times\. The last time: map threw: this document is poison$/],
  reject: ["JOB_BATCH", /map threw: no error at all$/],
  exit: ["JOB_BATCH", /The child process \d+ ended with exit code 3 while it worked on batch 1\.$/],
  endless: [
    "JOB_BATCH",
    /did not answer within 3000 ms and was killed while it worked on batch 1\.$/,
  ],
  never: ["JOB_BATCH", /did not answer within 3000 ms and was killed while it worked on batch 1/],
  uncloneable: ["JOB_BATCH", /The value that map returned cannot be cloned: .*could not be cloned/],
  large: ["JOB_BATCH", /The value that map returned takes \d+ bytes; at most 1048576 are allowed/],
  memory: ["JOB_BATCH", /(was killed by SIG|ended with exit code).* while it worked on batch 1/],
  uncaught: ["JOB_BATCH", /ended with exit code 1 while it worked on batch 1: .*nobody catches/],
  duplicate: [11000, /The last time: E11000 duplicate key.*effects/],
  "wrong write": [2, /context\.collection\("effects"\)\.updateOne.*needs operators/],
  disconnect: ["JOB_BATCH", /ended with exit code \d+ while it worked on batch 1/],
};

const threadFailures: typeof processFailures = {
  throw: processFailures.throw!,
  exit: ["JOB_BATCH", /The thread \d+ ended with exit code 3 while it worked on batch 1\.$/],
  endless: processFailures.endless!,
  never: processFailures.never!,
  uncloneable: processFailures.uncloneable!,
  memory: [
    "JOB_BATCH",
    /The thread \d+ ended with exit code 1 while it worked on batch 1: .*memory/,
  ],
  uncaught: ["JOB_BATCH", /The thread \d+ ended with exit code 1 .*nobody catches/],
  database: ["NOT_AVAILABLE", /context\.db is not available with isolation: "thread"/],
  write: ["NOT_AVAILABLE", /context\.collection\(\) is not available with isolation: "thread"/],
};

for (const [isolation, failures] of [
  ["process", processFailures],
  ["thread", threadFailures],
] as const) {
  for (const [way, [code, message]] of Object.entries(failures)) {
    test(`${isolation}: a batch that fails by "${way}" is reported, the others are done`, async (t) => {
      const { db, things } = await jobSite(t, numbers(30));
      await things.updateOne({ _id: 15 }, { $set: { isPoison: true } });
      const result = await things.parallel(moduleUrl("poisoned"), {
        isolation,
        batchSize: 10,
        concurrency: 2,
        maxAttempts: 2,
        // Long enough for the batches that are done, on a machine that is busy.
        batchTimeoutMs: isEndless(way) ? 3_000 : 20_000,
        maxMemoryMb: way === "memory" ? 40 : undefined,
        args: { way },
      });
      assert.equal(result.failed.length, 1);
      const [{ error, ...failed }] = result.failed as [LioranErrorOf];
      assert.deepEqual(failed, { batch: 1, after: 9, upTo: 19, attempts: 2 });
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      const { batches, documents, value } = result;
      assert.deepEqual({ batches, documents, value }, { batches: 2, documents: 20, value: 20 });
      assert.deepEqual(await db.collection("effects").find({}).toArray(), []);
      // What was wrong is put right, and the job goes on.
      await things.updateOne({ _id: 15 }, { $unset: { isPoison: 1 } });
      const { jobId } = result;
      const resumed = await things.parallel(moduleUrl("poisoned"), {
        isolation,
        args: { way },
        jobId,
      });
      assert.equal(resumed.skipped, 2);
      assert.deepEqual(resumed.failed, []);
      assert.equal(resumed.value, 30);
    });
  }
}

type LioranErrorOf = { error: LioranError; batch: number; upTo: unknown; attempts: number };

test("what map threw is the cause, with its stack", async (t) => {
  const { things } = await jobSite(t, [1]);
  await things.updateOne({ _id: 1 }, { $set: { isPoison: true } });
  const options = { args: { way: "throw" }, maxAttempts: 1 };
  const { failed } = await things.parallel(moduleUrl("poisoned"), options);
  assert.equal((failed[0]!.error.cause as Error).message, "this document is poison");
});

const badStarts: [module: string, way: string, message: RegExp][] = [
  ["missing", "", /missing\.js of the job cannot be loaded: Cannot find module/],
  ["throws-at-load", "", /throws-at-load\.js of the job cannot be loaded: thrown at load\.$/],
  ["exits-at-load", "", /exits-at-load\.js .* cannot be used\. .*ended with exit code 4 while it/],
  ["no-map", "", /no-map\.js of the job exports no function map\(batch, context\)/],
  ["map-is-no-function", "", /exports a map that is no function, but number/],
  ["bad-start", "throw", /bad-start\.js of the job threw in init: no model to load\.$/],
  ["bad-start", "exit", /cannot be used\. .* ended with exit code 5 while it loaded the module/],
  ["bad-start", "endless", /did not answer within 2000 ms and was killed while it loaded the mod/],
  ["bad-start", "never", /did not answer within 2000 ms and was killed while it loaded the module/],
];

for (const isolation of ["process", "thread"] as const) {
  for (const [name, way, message] of badStarts) {
    test(`${isolation}: the module ${name} ${way} ends the job at once`, async (t) => {
      const { things } = await jobSite(t, numbers(30));
      const startTimeoutMs = isEndless(way) ? 2_000 : 20_000;
      const options = { isolation, batchSize: 10, startTimeoutMs, args: { way } };
      await assert.rejects(things.parallel(moduleUrl(name), options), (error: LioranError) => {
        assert.equal(error.code, "JOB_MODULE", error.message);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(await things.countDocuments(), 30);
    });
  }
}

const badEnds: [args: string, documents: number, message: RegExp][] = [
  ["", 2, /bad-end\.js of the job threw in reduce: cannot add\.$/],
  ["uncloneable", 1, /The value that finish of .*bad-end\.js returned cannot be cloned/],
  ["exit", 1, /ended with exit code 7 while it ran finish of .*bad-end\.js/],
  ["never", 1, /did not answer within 3000 ms and was killed while it ran finish of .*bad-end\.js/],
];

for (const [args, documents, message] of badEnds) {
  test(`a module that fails at the end (${args || "reduce"}) ends the job`, async (t) => {
    const { things } = await jobSite(t, numbers(documents));
    const batchTimeoutMs = isEndless(args) ? 3_000 : 20_000;
    const options = { batchSize: 1, concurrency: 1, args, batchTimeoutMs };
    await assert.rejects(things.parallel(moduleUrl("bad-end"), options), (error: LioranError) => {
      assert.equal(error.code, "JOB_MODULE", error.message);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("options that cannot be are refused before anything is started", async (t) => {
  const { db, things } = await jobSite(t, []);
  const module = moduleUrl("collects");
  const wrong: [options: object, message: RegExp][] = [
    [{ batches: 3 }, /the option "batches" is not supported/],
    [{ batchSize: 0 }, /"batchSize" must be an integer from 1 to 100000/],
    [{ batchSize: 100_001 }, /"batchSize" must be/],
    [{ concurrency: 0 }, /"concurrency" must be an integer of 1 or more/],
    [{ jobId: "a/b" }, /"jobId" must be 1 to 100 letters/],
    [{ jobId: "" }, /"jobId" must be/],
    [{ batchTimeoutMs: 0 }, /"batchTimeoutMs" must be an integer from 1/],
    [{ batchTimeoutMs: 2 ** 31 }, /"batchTimeoutMs" must be an integer from 1/],
    [{ maxAttempts: 1.5 }, /"maxAttempts" must be/],
    [{ isolation: "vm" }, /"isolation" must be "process" or "thread"/],
    [{ onProgress: 1 }, /"onProgress" must be a function/],
    [{ args: () => 1 }, /"args" cannot be cloned/],
    [{ args: "x".repeat(5 * 2 ** 20) }, /"args" takes \d+ bytes/],
    [{ filter: { a: () => 1 } }, /filter\.a/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(things.parallel(module, options), message);
  }
  for (const bad of ["./score.js", "score.js", "https://x.y/z.js", 3, null, undefined]) {
    await assert.rejects(things.parallel(bad as string), /the module must be the URL of a file/);
  }
  await assert.rejects(db.parallel(module, {} as never), { code: 73 });
  assert.deepEqual(await db.listCollections().toArray(), []);
});
