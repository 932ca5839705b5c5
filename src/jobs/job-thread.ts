/**
 * Entry point of a thread of a job: runs the user's module over the documents that it is handed. It opens nothing, so
 * it can be ended at any time.
 */
import { parentPort } from "node:worker_threads";
import { LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { revived } from "./clone.js";
import type { BatchOrder, JobSetup } from "./messages.js";
import { decodeParts } from "./reading.js";
import { serve } from "./serve.js";
import { UserModule } from "./user-module.js";

const port = parentPort;
invariant(port, "a thread has a parent");
const stopping = new AbortController();
let job: { setup: JobSetup; module: UserModule; args: unknown } | undefined;

serve(
  { send: (message) => port.postMessage(message), onMessage: (take) => port.on("message", take) },
  {
    stop: () => {
      stopping.abort();
      port.close();
      process.exit();
    },
    answer: async (request) => {
      switch (request.type) {
        case "start": {
          const { setup } = request;
          const args = revived(setup.args);
          const module = await UserModule.load(setup.module);
          job = { setup, module, args };
          await module.init(contextOf({ jobId: setup.jobId }));
          return { type: "ready", hasReduce: module.hasReduce, hasFinish: module.hasFinish };
        }
        case "batch":
          return { type: "mapped", value: await mapBatch(request) };
        case "reduce":
          await job!.module.reduce(request.values);
          return { type: "reduced" };
        case "finish": {
          const { failed } = request;
          const context = contextOf({ jobId: job!.setup.jobId, failed });
          return { type: "finished", value: await job!.module.finish(context) };
        }
      }
    },
  },
);

function mapBatch({ number, attempt, documents = [] }: BatchOrder): Promise<Uint8Array | null> {
  const batch = decodeParts(documents);
  const { jobId } = job!.setup;
  return job!.module.map(batch, contextOf({ batch: { number, attempt, jobId } }));
}

/** The context of a thread has no data: asking for them is an error that says what to do. */
function contextOf(own: object): object {
  return {
    ...own,
    args: job?.args,
    signal: stopping.signal,
    get db(): never {
      throw onlyComputes("db");
    },
    collection(): never {
      throw onlyComputes("collection()");
    },
  };
}

function onlyComputes(what: string): LioranError {
  return new LioranError(
    "NOT_AVAILABLE",
    `context.${what} is not available with isolation: "thread": such a module only computes. ` +
      'Return a value, or run the job with isolation: "process".',
  );
}
