/** What a job comes to, as its caller is told. */
import type { LioranError } from "../errors.js";

/** A batch that was given up. */
export interface FailedBatch {
  /** Its number in the job. */
  batch: number;
  /** Its documents are those behind this `_id` (missing: from the first one) ... */
  after?: unknown;
  /** ... up to and with this one. */
  upTo: unknown;
  attempts: number;
  /** What the last attempt failed with. */
  error: LioranError;
}

export interface JobOutcome {
  jobId: string;
  /** Batches that are done, those of earlier runs included. */
  batches: number;
  /** The documents in them. */
  documents: number;
  /** Batches that earlier runs had done. */
  skipped: number;
  /** Batches that were given up in this run. Resume the job to try their documents again. */
  failed: FailedBatch[];
  value: unknown;
}
