/**
 * The children of a job: starts them when there is something to do, gives each one batch after the other, and
 * tries a batch elsewhere when its child has ended.
 *
 * Owning thread: the one that runs the job.
 *
 * Invariants
 *  1. A batch is with one child at most.
 *  2. What is wrong with a batch costs its tries, and at most the child that has it; what is wrong with the module,
 *     or with the way to the data, ends the job.
 *  3. When `run` or `close` settles, no child is left that does anything.
 */
import { LioranError } from "../errors.js";
import type { Batch } from "./batches.js";
import { Child, ChildLost, type Vehicle } from "./child.js";
import type { AnswerTo, JobSetup } from "./messages.js";

export interface CrewOptions {
  makeVehicle(): Vehicle;
  setup: JobSetup;
  /** Most children. */
  concurrency: number;
  maxAttempts: number;
  startTimeoutMs: number;
}

/** What a crew works through. `D` is what comes of a batch. */
export interface Work<D> {
  next(): Promise<Batch | undefined>;
  retry(batch: Batch): void;
  /** Has a child do a batch. @throws ChildLost, or what went wrong with the batch */
  perform(child: Child, batch: Batch): Promise<D>;
  /** Takes what came of a batch. */
  finish(batch: Batch, done: D): void;
  /** Takes a batch that has failed too often. */
  giveUp(batch: Batch, error: LioranError): void;
}

/** Failures that another try of the batch would meet as well, and every other batch too. */
const ofTheWhole: readonly unknown[] = [
  "CLOSED",
  "JOB_MODULE",
  "JOB_SUPERSEDED",
  "NO_PRIMARY",
  "PROTOCOL_VERSION",
  "READ_ONLY",
];

export class Crew {
  readonly #options: CrewOptions;
  readonly #children = new Set<Child>();
  /** Why the job ends before its work is done. */
  #ending: { reason: unknown } | undefined;
  /** What the module exports, once a child has told. */
  shape: AnswerTo<"ready"> | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** Works until there is nothing left. @throws what ends the job */
  async run<D>(work: Work<D>): Promise<void> {
    const { concurrency } = this.#options;
    await Promise.all(Array.from({ length: concurrency }, () => this.#workOn(work)));
    if (this.#ending) throw this.#ending.reason;
  }

  /** A child that has nothing to do. @throws what keeps it from starting */
  async idleChild(): Promise<Child> {
    for (const child of this.#children) if (child.isIdle) return child;
    const child = await this.#start();
    if (this.#ending) throw this.#ending.reason;
    return child;
  }

  /** Ends the job before its work is done. The first reason counts. */
  end(reason: unknown): void {
    this.#ending ??= { reason };
    void this.close();
  }

  /** Ends all children. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop()));
  }

  /** What one child does, and whoever takes its place. */
  async #workOn<D>(work: Work<D>): Promise<void> {
    let child: Child | undefined;
    try {
      while (!this.#ending) {
        const batch = await work.next();
        if (!batch || this.#ending) return;
        if (!child?.isIdle) child = await this.#start();
        await this.#perform(work, child, batch);
      }
    } catch (error) {
      this.end(error);
      await this.close();
    }
  }

  async #perform<D>(work: Work<D>, child: Child, batch: Batch): Promise<void> {
    batch.attempts += 1;
    let done: D;
    try {
      done = await work.perform(child, batch);
    } catch (error) {
      if (this.#ending) return;
      if (error instanceof ChildLost) {
        this.#children.delete(child);
      } else if (!(error instanceof LioranError) || ofTheWhole.includes(error.code)) throw error;
      if (batch.attempts < this.#options.maxAttempts) work.retry(batch);
      else work.giveUp(batch, asBatchError(error));
      return;
    }
    work.finish(batch, done);
  }

  /** Starts a child; one that was killed from outside meanwhile is replaced, a few times. */
  async #start(): Promise<Child> {
    const { makeVehicle, setup, startTimeoutMs, maxAttempts } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      if (this.#ending) throw this.#ending.reason;
      const child = new Child(makeVehicle());
      this.#children.add(child);
      try {
        this.shape = await child.start({ type: "start", setup }, startTimeoutMs);
        return child;
      } catch (error) {
        await child.stop();
        this.#children.delete(child);
        if (!(error instanceof ChildLost)) throw error;
        if (error.wasKilled && attempt < maxAttempts) continue;
        const message = `The module ${setup.module} of the job cannot be used. ${error.message}.`;
        throw new LioranError("JOB_MODULE", message, { cause: error.cause });
      }
    }
  }
}

function asBatchError(error: LioranError | ChildLost): LioranError {
  if (error instanceof LioranError) return error;
  return new LioranError("JOB_BATCH", `${error.message}.`, { cause: error.cause });
}
