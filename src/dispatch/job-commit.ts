/**
 * The end of a batch of a job: its writes and the record that it is done, in one commit. So the effect of a
 * batch is there exactly once, however often the batch is tried and whoever is killed meanwhile.
 *
 * Owning thread: the Host.
 *
 * Invariants
 *  1. There is a record of a batch exactly when its writes have taken effect.
 *  2. Only the latest run of a job commits: what an earlier one has under way when another process takes the
 *     job over, which may cut it into other batches, changes nothing.
 */
import { LioranError } from "../errors.js";
import { jobBatchesCollection, jobsCollection } from "../names.js";
import { findCollection } from "../storage/catalog.js";
import { getDocument } from "../storage/collection.js";
import { decodeDocument, idKeyOfDocument, validateDocumentBytes } from "../storage/document.js";
import type { Environment } from "../storage/environment.js";
import { idKey } from "../storage/key.js";
import type { WriteTransaction } from "../storage/write-transaction.js";
import type { JobCommitOperation, Results } from "./operation.js";
import { applyInsert } from "./statements.js";

interface PreparedJobCommit {
  withoutDatabase(): never;
  apply(transaction: WriteTransaction): Results["jobCommit"];
}

/**
 * @param writes apply what the batch writes, each as a whole or not at all
 * @throws LioranError PROTOCOL for a malformed record
 */
export function prepareJobCommit(
  { db, job, run, record }: JobCommitOperation,
  writes: readonly ((transaction: WriteTransaction) => unknown)[],
): PreparedJobCommit {
  if (validateDocumentBytes(record) !== record.length) {
    throw new LioranError("PROTOCOL", "The record of a batch of a job is one document.");
  }
  const recordKey = idKeyOfDocument(record);
  return {
    withoutDatabase: () => {
      throw superseded(job);
    },
    apply: (transaction) => {
      const { environment } = transaction;
      checkRun(environment, job, run);
      const known = storedBytes(environment, jobBatchesCollection, recordKey);
      if (known) return { known };
      for (const write of writes) write(transaction);
      const target = { db, collection: jobBatchesCollection, bypassValidation: true };
      applyInsert(transaction, target, record);
      return { known: null };
    },
  };
}

/** @throws JOB_SUPERSEDED */
function checkRun(environment: Environment, job: string, run: number): void {
  const bytes = storedBytes(environment, jobsCollection, idKey(job));
  const document = bytes && decodeDocument(bytes);
  if (document?.run !== run || document.endedAt !== undefined) throw superseded(job);
}

/** A copy of what is stored. */
function storedBytes(
  environment: Environment,
  collection: string,
  key: Uint8Array,
): Uint8Array | undefined {
  const entry = findCollection(environment, collection);
  const bytes = entry && getDocument(environment, entry.id, key);
  return bytes && Uint8Array.prototype.slice.call(bytes);
}

function superseded(job: string): LioranError {
  return new LioranError(
    "JOB_SUPERSEDED",
    `The job "${job}" was resumed by another call of parallel(), or its records were dropped: this run ends.`,
  );
}
