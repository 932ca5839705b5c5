/**
 * Entry point of a child process of a job: a client of the root that runs the user's module. It ends when its
 * parent does.
 */
import { encodeError } from "../errors.js";
import { invariant } from "../invariant.js";
import { revived } from "../jobs/clone.js";
import { batchOfRecord, batchRecord, type DoneBatch } from "../jobs/job-records.js";
import type {
  Answer,
  AnswerTo,
  BatchOrder,
  Envelope,
  FromChild,
  JobSetup,
} from "../jobs/messages.js";
import { watchParent } from "../jobs/parent-watching.js";
import { decodeParts, readRange } from "../jobs/reading.js";
import { serve } from "../jobs/serve.js";
import { UserModule } from "../jobs/user-module.js";
import { jobBatchBytesMax } from "../limits.js";
import type { Execute } from "../runtime/runtime.js";
import type { Database } from "./database.js";
import {
  BatchWrites,
  type JobContext,
  type JobFinishContext,
  type JobInitContext,
} from "./job-context.js";
import { LioranManager, runtimeOf } from "./manager.js";

/** What a child that has started works with. */
interface Job {
  setup: JobSetup;
  args: unknown;
  manager: LioranManager;
  execute: Execute;
  db: Database;
  module: UserModule;
}

const stopping = new AbortController();
let job: Job | undefined;

process.once("disconnect", () => process.exit());
process.once("uncaughtException", (error) => {
  const crash: Envelope<FromChild> = {
    liorandbJob: { type: "crashed", error: encodeError(error) },
  };
  process.send?.(crash, () => process.exit(1));
});

serve(
  {
    send: (message) => {
      if (process.connected) process.send!(message, () => {});
    },
    onMessage: (take) => process.on("message", take),
  },
  {
    stop: () => {
      stopping.abort();
      const closed = job?.manager.close() ?? Promise.resolve();
      closed.finally(() => process.exit());
    },
    answer: async (request): Promise<Answer> => {
      if (request.type === "start") return start(request.setup);
      invariant(job, "a child is started first");
      switch (request.type) {
        case "batch":
          return runBatch(job, request);
        case "reduce":
          await job.module.reduce(request.values);
          return { type: "reduced" };
        case "finish": {
          const { failed } = request;
          const context: JobFinishContext = { ...initContext(job), failed };
          return { type: "finished", value: await job.module.finish(context) };
        }
      }
    },
  },
);

async function start(setup: JobSetup): Promise<AnswerTo<"ready">> {
  watchParent(setup.parentPid);
  // Every query runs here: there is nothing else for this thread to do meanwhile.
  const manager = new LioranManager({ ...setup.manager, ipc: "client", cores: 0 });
  const runtime = runtimeOf(manager);
  // The module loads while the connection is made.
  const [db, module] = await Promise.all([manager.db(setup.db), UserModule.load(setup.module)]);
  const { execute } = runtime;
  job = { setup, args: revived(setup.args), manager, execute, db, module };
  await module.init(initContext(job));
  return { type: "ready", hasReduce: module.hasReduce, hasFinish: module.hasFinish };
}

/** Reads, maps, and commits what the module wrote together with the record. */
async function runBatch(
  { setup, args, execute, db: database, module }: Job,
  { number, attempt, range }: BatchOrder,
): Promise<AnswerTo<"done">> {
  const { jobId, run, db, collection, filter, manager } = setup;
  const query = { db, collection, filter };
  const { parts, count, upTo } = await readRange(execute, query, range, jobBatchBytesMax);
  const writes = new BatchWrites();
  const context: JobContext = {
    args,
    db: database,
    signal: stopping.signal,
    batch: { jobId, number, attempt },
    collection: (name) => writes.collection(name) as ReturnType<JobContext["collection"]>,
  };
  const value = count > 0 ? await module.map(decodeParts(parts), context) : null;
  const done: DoneBatch = { ...range, number, documents: count, upTo };
  const { known } = await execute<"jobCommit">({
    kind: "jobCommit",
    db,
    durability: manager.durability,
    job: jobId,
    run,
    record: batchRecord(jobId, done, value),
    writes: writes.seal(),
  });
  // An earlier attempt, whose end nobody heard of, has taken effect.
  const { documents, upTo: doneUpTo } = known ? batchOfRecord(known) : done;
  return { type: "done", documents, upTo: doneUpTo };
}

function initContext({ setup, args, db }: Job): JobInitContext {
  return { args, db, signal: stopping.signal, jobId: setup.jobId };
}
