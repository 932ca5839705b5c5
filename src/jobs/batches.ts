/**
 * The batches of a job: parts of the collection in the order of `_id`, cut off one by one, so that no snapshot
 * lasts and nothing is held but what is under way.
 *
 * Owning thread: the one that runs the job.
 *
 * Invariants
 *  1. The ranges of all batches, of this run and of those before it, do not overlap, and together they are the
 *     whole range of the job.
 *  2. No two batches of a job have the same number.
 */
import type { FindOperation } from "../dispatch/operation.js";
import type { Execute } from "../runtime/runtime.js";
import { encodeKey } from "../storage/key.js";
import type { Document } from "../values/document.js";
import type { DoneBatch } from "./job-records.js";
import type { BatchRange } from "./messages.js";
import { allDocuments } from "./reading.js";

/** A batch that is to be done. */
export interface Batch {
  number: number;
  range: BatchRange;
  /** How often it was tried. */
  attempts: number;
}

export interface BatchSource {
  execute: Execute;
  db: string;
  collection: string;
  filter: Document;
  /** Documents that match of each batch. */
  size: number;
}

export class Batches {
  readonly #source: BatchSource;
  /** What has not been cut yet, in order. */
  readonly #gaps: BatchRange[];
  /** Cut, and waiting to be done again, or further. */
  readonly #waiting: Batch[] = [];
  #nextNumber: number;
  /** The next one is cut while the last one is being done: one cut after the other. */
  #ahead: Promise<Batch | undefined> | undefined;

  /** @param lastId the end of the job's range, in an array of one; empty: there is nothing to do */
  constructor(source: BatchSource, lastId: readonly unknown[], done: readonly DoneBatch[]) {
    this.#source = source;
    this.#gaps = lastId.length === 0 ? [] : gapsBetween(done, lastId[0]);
    this.#nextNumber = done.reduce((most, { number }) => Math.max(most, number), -1) + 1;
  }

  /** The next batch to do; undefined when there is none left. */
  next(): Promise<Batch | undefined> {
    const waiting = this.#waiting.shift();
    if (waiting) return Promise.resolve(waiting);
    const next = this.#ahead ?? this.#cut();
    this.#ahead = next.then(() => this.#cut());
    // Whoever asks for it is told.
    this.#ahead.catch(() => {});
    return next;
  }

  /** Has a batch done again. */
  retry(batch: Batch): void {
    this.#waiting.push(batch);
  }

  /** A batch was done only up to this `_id`: the rest becomes another one. */
  doneUpTo({ range }: Batch, upTo: unknown): void {
    if (isSameId(range.upTo, upTo)) return;
    this.#waiting.push(this.#batch({ after: upTo, upTo: range.upTo }));
  }

  async #cut(): Promise<Batch | undefined> {
    const [gap] = this.#gaps;
    if (!gap) return undefined;
    const { execute, db, collection, filter, size } = this.#source;
    const boundary: FindOperation = {
      kind: "find",
      db,
      collection,
      filter,
      idRange: { ...gap },
      projection: { _id: 1 },
      skip: size - 1,
      limit: 1,
    };
    const [last] = await allDocuments(execute, boundary, true);
    if (!last || isSameId(last._id, gap.upTo)) {
      this.#gaps.shift();
      return this.#batch(gap);
    }
    this.#gaps[0] = { after: last._id, upTo: gap.upTo };
    return this.#batch({ ...gap, upTo: last._id });
  }

  #batch(range: BatchRange): Batch {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return { number, range, attempts: 0 };
  }
}

/** Done batches in the order of their ranges. */
export function inOrder(done: readonly DoneBatch[]): DoneBatch[] {
  return done
    .map((batch) => ({ batch, key: encodeKey(batch.upTo) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ batch }) => batch);
}

/** What is left of the range that ends with `end`. */
function gapsBetween(done: readonly DoneBatch[], end: unknown): BatchRange[] {
  const gaps: BatchRange[] = [];
  let at: unknown;
  for (const { after, upTo } of inOrder(done)) {
    if (!isSameId(at, after)) gaps.push({ ...(at !== undefined && { after: at }), upTo: after });
    at = upTo;
  }
  if (!isSameId(at, end)) gaps.push({ ...(at !== undefined && { after: at }), upTo: end });
  return gaps;
}

/** `undefined` is the beginning of the collection. */
function isSameId(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(encodeKey(a), encodeKey(b)) === 0;
}
