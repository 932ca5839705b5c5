/** Returns what it saw. */
import type { Document, JobContext, JobFinishContext } from "@liorandb/core";

export const map = (batch: Document[], { batch: { attempt } }: JobContext): unknown[] => [
  { ids: batch.map(({ _id }) => _id), attempt },
];
export const reduce = (a: unknown[], b: unknown[]): unknown[] => [...a, ...b];
export const finish = (batches: unknown[] | undefined, context: JobFinishContext): object => ({
  batches: batches ?? [],
  args: context.args,
  jobId: context.jobId,
  failed: context.failed,
});
