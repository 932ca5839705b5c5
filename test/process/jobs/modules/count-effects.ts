/** Counts in `effects` how often each document took effect. What else it does its arguments say. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Document, JobContext, JobInitContext } from "@liorandb/core";

export interface CountArgs {
  /** Kill the child at the first attempt of each batch, so many turns of the event loop after `map` has returned. */
  isDeadly?: boolean;
  /** Where each child leaves a file with its process id as its name, and `endless-<pid>` at a batch that never ends. */
  folder?: string;
  /** Batches from this number on never end: they wait ... */
  endlessFrom?: number;
  /** ... or compute ... */
  isBusy?: boolean;
  /** ... or wait for this file and end then. */
  untilFile?: string;
  batchLabel?: string;
}

export function init({ args }: JobInitContext<CountArgs>): void {
  if (args.folder) writeFileSync(join(args.folder, String(process.pid)), "");
}

export async function map(
  batch: Document[],
  { args, ...context }: JobContext<CountArgs>,
): Promise<number> {
  const { number, attempt } = context.batch;
  if (args.endlessFrom !== undefined && number >= args.endlessFrom) {
    if (args.folder) writeFileSync(join(args.folder, `endless-${process.pid}`), "");
    for (; args.isBusy; );
    if (args.untilFile) await fileExists(args.untilFile);
    else await new Promise(() => {});
  }
  const effects = context.collection("effects");
  for (const { _id } of batch) {
    effects.updateOne({ of: { $eq: _id } }, { $inc: { times: 1 } }, { upsert: true });
  }
  context.collection("batches").insertOne({ number, documents: batch.length });
  if (args.isDeadly && attempt === 1) killAfter(number % 8);
  return batch.length;
}

async function fileExists(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
}

/** Before the commit is asked for, while it is under way, or when it is done. */
function killAfter(turns: number): void {
  if (turns === 0) process.kill(process.pid, "SIGKILL");
  setImmediate(() => killAfter(turns - 1));
}

export const reduce = (a: number, b: number): number => a + b;
