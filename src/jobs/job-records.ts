/**
 * What is stored of a job, in two collections of its database: one document for the job, and one for each batch that
 * is done (dispatch/job-commit.ts). With them a job whose process was killed goes on where it was.
 *
 *   none --begin--> run 1 --begin--> run 2 ... --end--> ended --after jobRetentionMs--> none
 *
 * A job that has ended keeps its document, with its result, so that whoever did not hear of the end and resumes the
 * job is told the result. The records of its batches go.
 */
import { isDeepStrictEqual } from "node:util";
import type { Durability, FindOperation } from "../dispatch/operation.js";
import { LioranError } from "../errors.js";
import { jobRecordsSlice, jobRetentionMs } from "../limits.js";
import { jobBatchesCollection, jobsCollection } from "../names.js";
import type { Execute } from "../runtime/runtime.js";
import { decodeDocument, encodeDocument } from "../storage/document.js";
import type { Document } from "../values/document.js";
import { revived } from "./clone.js";
import type { BatchRange } from "./messages.js";
import { allDocuments } from "./reading.js";

/** Where a job reads, and how it writes. */
export interface JobPlace {
  execute: Execute;
  db: string;
  durability: Durability;
}

/** What makes a job the same one when it is resumed. */
export interface JobIdentity {
  collection: string;
  /** File name of the module: a program may be moved between two runs. */
  module: string;
  /** Cloned. */
  filter: Uint8Array;
  /** Cloned. */
  args: Uint8Array | null;
}

/** A batch that is done. */
export interface DoneBatch extends BatchRange {
  number: number;
  documents: number;
}

/** What a job has come to. */
export interface JobEnd {
  batches: number;
  documents: number;
  /** Cloned. */
  value: Uint8Array | null;
}

export type JobBegin =
  | { isEnded: true; end: JobEnd }
  | { isEnded: false; run: number; scope: JobScope; done: DoneBatch[] };

/** What a job is over, as it was when it began. */
export interface JobScope {
  /** The last `_id` of the collection, in an array of one; empty when there was none. */
  lastId: unknown[];
  /** Documents that match, about. */
  total: number;
}

/** The record of a batch, encoded. */
export function batchRecord(jobId: string, batch: DoneBatch, value: Uint8Array | null): Uint8Array {
  const { number, documents, after, upTo } = batch;
  const record: Document = { _id: recordId(jobId, number), job: jobId, number, documents };
  if (after !== undefined) record.after = after;
  record.upTo = upTo;
  if (value) record.value = value;
  record.doneAt = new Date();
  return encodeDocument(record);
}

/** The batch of an encoded record. */
export function batchOfRecord(bytes: Uint8Array): DoneBatch {
  return decodeDocument(bytes) as unknown as DoneBatch;
}

export class JobRecords {
  readonly #place: JobPlace;
  readonly #jobId: string;
  readonly #target: { db: string; durability: Durability; collection: string };

  constructor(place: JobPlace, jobId: string) {
    this.#place = place;
    this.#jobId = jobId;
    const { db, durability } = place;
    this.#target = { db, durability, collection: jobsCollection };
  }

  /**
   * Begins the job, or takes it over from its last run.
   *
   * @param scope asked for when the job is new
   * @throws JOB_CONFLICT when the id belongs to another job
   */
  async begin(identity: JobIdentity, scope: () => Promise<JobScope>): Promise<JobBegin> {
    await this.#forgetOld();
    // First a look: a call that does not fit must not disturb the run that is under way.
    const known = await this.#find();
    if (known) this.#checkIdentity(known, identity);
    if (known?.endedAt !== undefined) return this.#ended(known);
    const { lastId, total } = known ? (known as unknown as JobScope) : await scope();
    const { collection, module, filter, args } = identity;
    const { value } = await this.#place.execute<"findAndModify">({
      kind: "findAndModify",
      ...this.#target,
      action: "update",
      filter: { _id: this.#jobId },
      update: {
        $inc: { run: 1 },
        $set: { begunAt: new Date() },
        $setOnInsert: { collection, module, filter, args, lastId, total },
      },
      upsert: true,
      returnNew: true,
    });
    const job = decodeDocument(value!);
    // Another call may have begun, or ended, a job of this id in between.
    this.#checkIdentity(job, identity);
    if (job.endedAt !== undefined) return this.#ended(job);
    return {
      isEnded: false,
      run: job.run as number,
      scope: job as unknown as JobScope,
      done: await this.#doneBatches(),
    };
  }

  /** Notes the result, then removes the records of the batches. @throws JOB_SUPERSEDED */
  async end(run: number, { batches, documents, value }: JobEnd): Promise<void> {
    const { matched } = await this.#place.execute<"update">({
      kind: "update",
      ...this.#target,
      filter: { _id: this.#jobId, run, endedAt: { $exists: false } },
      update: { $set: { endedAt: new Date(), result: { batches, documents, value } } },
      replacement: false,
      multi: false,
      upsert: false,
    });
    if (matched === 0) {
      throw new LioranError(
        "JOB_SUPERSEDED",
        `The job "${this.#jobId}" was resumed by another call of parallel(): this run ends.`,
      );
    }
    await this.#removeRecords(this.#jobId);
  }

  /** The cloned values of batches, in the order of the numbers; batches without one are left out. */
  async values(numbers: readonly number[]): Promise<Uint8Array[]> {
    const ids = numbers.map((number) => recordId(this.#jobId, number));
    const records = await this.#batches({ _id: { $in: ids } }, { value: 1 });
    const values = new Map(records.map(({ _id, value }) => [_id, value]));
    return ids.flatMap((id) => (values.get(id) as Uint8Array | undefined) ?? []);
  }

  async #find(): Promise<Document | undefined> {
    const filter = { _id: this.#jobId };
    const [job] = await this.#read({ collection: jobsCollection, filter });
    return job;
  }

  async #doneBatches(): Promise<DoneBatch[]> {
    const records = await this.#batches(recordsOf(this.#jobId), {
      number: 1,
      documents: 1,
      after: 1,
      upTo: 1,
    });
    return records as unknown as DoneBatch[];
  }

  #batches(filter: Document, projection: Document, limit?: number): Promise<Document[]> {
    return this.#read({ collection: jobBatchesCollection, filter, projection, limit });
  }

  #read(
    query: Pick<FindOperation, "collection" | "filter" | "projection" | "limit">,
  ): Promise<Document[]> {
    return allDocuments(this.#place.execute, { kind: "find", db: this.#place.db, ...query });
  }

  async #ended(job: Document): Promise<JobBegin> {
    // The run that has ended may have been killed before it had removed them.
    await this.#removeRecords(this.#jobId);
    return { isEnded: true, end: job.result as unknown as JobEnd };
  }

  async #removeRecords(jobId: string): Promise<void> {
    const { execute, db, durability } = this.#place;
    for (;;) {
      const found = await this.#batches(recordsOf(jobId), { _id: 1 }, jobRecordsSlice);
      const last = found.at(-1);
      if (!last) return;
      await execute<"delete">({
        kind: "delete",
        db,
        durability,
        collection: jobBatchesCollection,
        filter: { _id: { ...recordsOf(jobId)._id, $lte: last._id } },
        multi: true,
      });
    }
  }

  /**
   * Forgets jobs whose time is over. First each is made to have ended, so that nobody goes on with a part of its
   * records; its document goes last, so that the next call finishes what this one cannot.
   */
  async #forgetOld(): Promise<void> {
    const { execute } = this.#place;
    const filter = { begunAt: { $lt: new Date(Date.now() - jobRetentionMs) } };
    for (const { _id } of await this.#read({ collection: jobsCollection, filter })) {
      const still = { ...filter, _id };
      await execute<"update">({
        kind: "update",
        ...this.#target,
        filter: { ...still, endedAt: { $exists: false } },
        update: {
          $set: { endedAt: new Date(), result: { batches: 0, documents: 0, value: null } },
        },
        replacement: false,
        multi: false,
        upsert: false,
      });
      await this.#removeRecords(String(_id));
      await execute<"delete">({ kind: "delete", ...this.#target, filter: still, multi: false });
    }
  }

  #checkIdentity(job: Document, identity: JobIdentity): void {
    const differs = (["collection", "module", "filter", "args"] as const).find((name) => {
      if (name === "collection" || name === "module") return job[name] !== identity[name];
      const stored = job[name] as Uint8Array | null;
      return !isDeepStrictEqual(revived(stored), revived(identity[name]));
    });
    if (!differs) return;
    const shown =
      differs === "collection" || differs === "module"
        ? ` (${JSON.stringify(job[differs])}, not ${JSON.stringify(identity[differs])})`
        : "";
    throw new LioranError(
      "JOB_CONFLICT",
      `The job "${this.#jobId}" was begun with another ${differs}${shown}. Resume it as it was begun, or choose another jobId.`,
    );
  }
}

/** In the order of the numbers, and those of one job together. */
function recordId(jobId: string, number: number): string {
  return `${jobId}/${String(number).padStart(12, "0")}`;
}

/** "0" is the character behind "/", which no id of a job contains. */
function recordsOf(jobId: string): { _id: Document } {
  return { _id: { $gte: `${jobId}/`, $lt: `${jobId}0` } };
}
