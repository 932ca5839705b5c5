/**
 * One run of a job: cuts the collection into batches, has children do them, and puts together what came of it.
 *
 * Owning thread: that of the caller.
 *
 * Invariant: what is done is known from the records alone, so that a run may end at any moment and the next one goes
 * on from there.
 */
import type { FindOperation, JobCommitOperation } from "../dispatch/operation.js";
import { decodeError, type EncodedError, encodeError, LioranError } from "../errors.js";
import { jobBatchBytesMax, jobReduceBytes } from "../limits.js";
import type { ResolvedOptions } from "../options.js";
import type { Execute } from "../runtime/runtime.js";
import type { Document } from "../values/document.js";
import { type Batch, Batches, inOrder } from "./batches.js";
import { type Child, ChildLost, type Vehicle } from "./child.js";
import { revived } from "./clone.js";
import { Crew } from "./crew.js";
import {
  batchOfRecord,
  batchRecord,
  type DoneBatch,
  type JobEnd,
  type JobIdentity,
  JobRecords,
  type JobScope,
} from "./job-records.js";
import type { JobSetup } from "./messages.js";
import type { FailedBatch, JobOutcome } from "./outcome.js";
import { ProcessVehicle } from "./process-vehicle.js";
import { type JobProgress, ProgressReport } from "./progress.js";
import { allDocuments, readRange } from "./reading.js";
import { ThreadVehicle } from "./thread-vehicle.js";

/** A job with every option filled in. */
export interface JobRequest {
  execute: Execute;
  manager: ResolvedOptions;
  /** URL of the file that a child process begins with. */
  processEntry: URL;
  db: string;
  collection: string;
  /** URL of the user's module, and its name without the folder. */
  module: { href: string; name: string };
  filter: Document;
  /** Cloned. */
  filterBytes: Uint8Array;
  args: Uint8Array | null;
  jobId: string;
  concurrency: number;
  batchSize: number;
  batchTimeoutMs: number;
  startTimeoutMs: number;
  maxAttempts: number;
  maxMemoryMb: number | undefined;
  isolation: "process" | "thread";
  signal: AbortSignal | undefined;
  onProgress: ((progress: JobProgress) => void) | undefined;
}

/** @throws what docs/jobs.md lists; the reason of the signal */
export async function runJob(request: JobRequest): Promise<JobOutcome> {
  const { signal, jobId, collection } = request;
  signal?.throwIfAborted();
  const { execute, db, manager } = request;
  const { durability } = manager;
  const records = new JobRecords({ execute, db, durability }, jobId);
  const { filterBytes: filter, args } = request;
  const identity: JobIdentity = { collection, module: request.module.name, filter, args };
  const begun = await records.begin(identity, () => scopeOf(request));
  if (begun.isEnded) return resultOf(jobId, begun.end, begun.end.batches, []);
  return new JobRun(request, records, begun).run();
}

class JobRun {
  readonly #request: JobRequest;
  readonly #records: JobRecords;
  readonly #run: number;
  readonly #batches: Batches;
  readonly #crew: Crew;
  readonly #progress: ProgressReport;
  readonly #done: DoneBatch[];
  readonly #skipped: number;
  readonly #failed: FailedBatch[] = [];

  constructor(
    request: JobRequest,
    records: JobRecords,
    { run, scope, done }: { run: number; scope: JobScope; done: DoneBatch[] },
  ) {
    this.#request = request;
    this.#records = records;
    this.#run = run;
    this.#done = done;
    this.#skipped = done.length;
    const { execute, db, collection, filter, batchSize: size, jobId } = request;
    this.#batches = new Batches({ execute, db, collection, filter, size }, scope.lastId, done);
    this.#crew = new Crew({
      makeVehicle: () => vehicleFor(request),
      setup: this.#setup(),
      concurrency: request.concurrency,
      maxAttempts: request.maxAttempts,
      startTimeoutMs: request.startTimeoutMs,
    });
    const figures = { total: scope.total, before: documentsOf(done) };
    this.#progress = new ProgressReport(jobId, figures, request.onProgress);
  }

  async run(): Promise<JobOutcome> {
    const request = this.#request;
    const { signal, jobId } = request;
    const onAbort = () => this.#crew.end(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal?.aborted) onAbort();
      await this.#crew.run({
        next: () => this.#batches.next(),
        retry: (batch) => this.#batches.retry(batch),
        perform: (child, batch) =>
          request.isolation === "thread"
            ? this.#compute(child, batch)
            : this.#delegate(child, batch),
        finish: (batch, done) => this.#finish(batch, done),
        giveUp: (batch, error) => this.#giveUp(batch, error),
      });
      const value = await this.#conclude();
      signal?.throwIfAborted();
      const end = { batches: this.#done.length, documents: documentsOf(this.#done), value };
      if (this.#failed.length === 0) await this.#records.end(this.#run, end);
      this.#progress.tellLast();
      return resultOf(jobId, end, this.#skipped, this.#failed);
    } catch (error) {
      // Whatever an abort has brought about, it was the abort.
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      await this.#crew.close();
    }
  }

  #finish(batch: Batch, done: DoneBatch): void {
    this.#done.push(done);
    this.#batches.doneUpTo(batch, done.upTo);
    this.#progress.did(done.documents);
  }

  /** A process reads the documents and commits the batch itself. */
  async #delegate(child: Child, { number, range, attempts }: Batch): Promise<DoneBatch> {
    const { batchTimeoutMs } = this.#request;
    const order = { type: "batch", number, attempt: attempts, range } as const;
    const told = await child.ask(order, "done", workingOn(number), batchTimeoutMs);
    return { ...range, number, documents: told.documents, upTo: told.upTo };
  }

  /** A thread only computes. */
  async #compute(child: Child, { number, range, attempts }: Batch): Promise<DoneBatch> {
    const { execute, db, collection, filter, batchTimeoutMs, jobId, manager } = this.#request;
    const query = { db, collection, filter };
    const { parts, count, upTo } = await readRange(execute, query, range, jobBatchBytesMax);
    const order = {
      type: "batch",
      number,
      attempt: attempts,
      range: { ...range, upTo },
      documents: parts,
    } as const;
    const { value } =
      count > 0
        ? await child.ask(order, "mapped", workingOn(number), batchTimeoutMs)
        : { value: null };
    const done: DoneBatch = { ...range, number, documents: count, upTo };
    const commit: JobCommitOperation = {
      kind: "jobCommit",
      db,
      durability: manager.durability,
      job: jobId,
      run: this.#run,
      record: batchRecord(jobId, done, value),
      writes: [],
    };
    const { known } = await execute<"jobCommit">(commit);
    return known ? batchOfRecord(known) : done;
  }

  #giveUp({ number, range, attempts }: Batch, error: LioranError): void {
    const encoded: EncodedError = encodeError(error);
    const message = `Batch ${number} of the job "${this.#request.jobId}" failed ${attempts} times. The last time: ${error.message}`;
    const failed = { batch: number, ...range, attempts };
    this.#failed.push({ ...failed, error: decodeError({ ...encoded, message }) });
    this.#progress.gaveUp();
  }

  /** Reduces the values of the batches that are done, in their order. */
  async #conclude(): Promise<Uint8Array | null> {
    const { batchTimeoutMs: timeoutMs, module } = this.#request;
    try {
      const child = await this.#crew.idleChild();
      const { hasReduce, hasFinish } = this.#crew.shape!;
      if (!hasReduce && !hasFinish) return null;
      if (hasReduce) {
        for await (const values of this.#values()) {
          await child.ask({ type: "reduce", values }, "reduced", "it ran reduce", timeoutMs);
        }
      }
      const request = { type: "finish", failed: this.#failed.length } as const;
      return (await child.ask(request, "finished", "it ran finish", timeoutMs)).value;
    } catch (error) {
      if (!(error instanceof ChildLost)) throw error;
      throw new LioranError("JOB_MODULE", `${error.message} of ${module.href}.`, {
        cause: error.cause,
      });
    }
  }

  async *#values(): AsyncGenerator<Uint8Array[], void, void> {
    const numbers = inOrder(this.#done).map(({ number }) => number);
    let values: Uint8Array[] = [];
    let bytes = 0;
    for (let from = 0; from < numbers.length; from += reduceReadBatches) {
      for (const value of await this.#records.values(
        numbers.slice(from, from + reduceReadBatches),
      )) {
        values.push(value);
        bytes += value.length;
        if (bytes < jobReduceBytes) continue;
        yield values;
        values = [];
        bytes = 0;
      }
    }
    if (values.length > 0) yield values;
  }

  #setup(): JobSetup {
    const { jobId, module, args, db, collection, filter, manager } = this.#request;
    const { rootPath, reads, durability, primaryTimeoutMs } = manager;
    return {
      jobId,
      run: this.#run,
      module: module.href,
      args,
      db,
      collection,
      filter,
      manager: { rootPath, reads, durability, primaryTimeoutMs },
      parentPid: process.pid,
    };
  }
}

/** Records whose values are read at once: together they have no more bytes than a frame. */
const reduceReadBatches = 32;

function vehicleFor({ isolation, processEntry, maxMemoryMb }: JobRequest): Vehicle {
  return isolation === "thread"
    ? new ThreadVehicle(maxMemoryMb)
    : new ProcessVehicle(processEntry, maxMemoryMb);
}

/** What a new job is over: documents that come behind the last one there is now are not its own. */
async function scopeOf({ execute, db, collection, filter }: JobRequest): Promise<JobScope> {
  const target = { db, collection };
  const last: FindOperation = {
    kind: "find",
    ...target,
    filter: {},
    sort: [["_id", -1]],
    projection: { _id: 1 },
    limit: 1,
  };
  const lastId = (await allDocuments(execute, last)).map(({ _id }) => _id);
  const total = await execute<"count">({ kind: "count", ...target, filter });
  return { lastId, total };
}

function resultOf(
  jobId: string,
  { batches, documents, value }: JobEnd,
  skipped: number,
  failed: FailedBatch[],
): JobOutcome {
  return { jobId, batches, documents, skipped, failed, value: revived(value) };
}

function documentsOf(done: readonly DoneBatch[]): number {
  return done.reduce((sum, { documents }) => sum + documents, 0);
}

function workingOn(number: number): string {
  return `it worked on batch ${number}`;
}
