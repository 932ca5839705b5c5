/** `parallel()`: checks what it was given, and runs the job. The code of jobs loads with the first one. */
import { basename, isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LioranError } from "../errors.js";
import { cloned } from "../jobs/clone.js";
import type { JobOutcome } from "../jobs/outcome.js";
import { lateImport } from "../late-loading.js";
import { jobBatchDocuments, jobBatchDocumentsMax, jobResultBytesMax } from "../limits.js";
import type { Runtime } from "../runtime/runtime.js";
import { newId } from "../values/new-id.js";
import { checkFilter, checkOptions, type OptionName } from "./arguments.js";
import type { ParallelOptions } from "./types.js";

const loadJob = lateImport(() => import("../jobs/job.js"));

const optionNames: readonly OptionName[] = [
  "filter",
  "concurrency",
  "batchSize",
  "args",
  "jobId",
  "batchTimeoutMs",
  "startTimeoutMs",
  "maxAttempts",
  "maxMemoryMb",
  "isolation",
  "signal",
  "onProgress",
];

const defaults = { batchTimeoutMs: 60_000, startTimeoutMs: 60_000, maxAttempts: 3 } as const;

/** @throws as `collection.parallel()` */
export async function runParallel<T>(
  runtime: Runtime,
  place: { db: string; collection: string },
  module: unknown,
  options: ParallelOptions<T> | undefined,
): Promise<JobOutcome> {
  const given = checkOptions("parallel", options, optionNames);
  const { batchSize = jobBatchDocuments, jobId = newId(), isolation = "process" } = given;
  if (batchSize < 1 || batchSize > jobBatchDocumentsMax) {
    const rule = `"batchSize" must be an integer from 1 to ${jobBatchDocumentsMax}`;
    throw new LioranError("INVALID_OPTION", `parallel: ${rule}.`);
  }
  const filter = checkFilter("parallel", given.filter);
  const href = moduleUrl(module);
  // Closing the manager waits for the whole job.
  return runtime.call(async (execute) => {
    const { runJob } = await loadJob();
    return runJob({
      execute,
      manager: runtime.options,
      processEntry: new URL("./job-process.js", import.meta.url),
      ...place,
      module: { href, name: basename(fileURLToPath(href)) },
      filter,
      filterBytes: cloned(filter, asOption("filter"))!,
      args: cloned(given.args, asOption("args")),
      jobId,
      concurrency: given.concurrency ?? Math.max(1, runtime.options.cores),
      batchSize,
      batchTimeoutMs: given.batchTimeoutMs ?? defaults.batchTimeoutMs,
      startTimeoutMs: given.startTimeoutMs ?? defaults.startTimeoutMs,
      maxAttempts: given.maxAttempts ?? defaults.maxAttempts,
      maxMemoryMb: given.maxMemoryMb,
      isolation,
      signal: given.signal,
      onProgress: given.onProgress,
    });
  });
}

function asOption(name: string) {
  const what = `parallel: "${name}"`;
  return { error: "INVALID_OPTION", what, bytesMax: jobResultBytesMax / 2 } as const;
}

/** @throws INVALID_OPTION */
function moduleUrl(module: unknown): string {
  const text = module instanceof URL ? module.href : module;
  if (typeof text === "string" && isAbsolute(text)) return pathToFileURL(text).href;
  if (typeof text === "string" && URL.canParse(text) && new URL(text).protocol === "file:") {
    return text;
  }
  throw new LioranError(
    "INVALID_OPTION",
    'parallel: the module must be the URL of a file, such as new URL("./score.js", import.meta.url), or an absolute path.',
  );
}
