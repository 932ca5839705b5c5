/**
 * What a job and its children tell each other: plain data, moved by structured clone. Values of the user's module
 * travel as the bytes of `clone.ts`, so that what cannot be cloned is found where it was made.
 */
import type { EncodedError } from "../errors.js";
import type { ResolvedOptions } from "../options.js";
import type { Document } from "../values/document.js";

/** A part of the collection, in the order of `_id`. */
export interface BatchRange {
  /** Behind this `_id`; missing: from the first document. */
  after?: unknown;
  /** Up to and with this `_id`. */
  upTo: unknown;
}

/** What a child must know before it can work. */
export interface JobSetup {
  jobId: string;
  /** Which run of the job it is: one higher with each call that resumes it. */
  run: number;
  /** URL of the user's module. */
  module: string;
  /** Cloned. */
  args: Uint8Array | null;
  db: string;
  collection: string;
  filter: Document;
  /** How to open the root; a thread never does. */
  manager: Pick<ResolvedOptions, "rootPath" | "reads" | "durability" | "primaryTimeoutMs">;
  parentPid: number;
}

/** A batch as a child gets it. */
export interface BatchOrder {
  type: "batch";
  number: number;
  /** 1 at the first try. */
  attempt: number;
  range: BatchRange;
  /** The encoded documents, for a child that does not read them itself. */
  documents?: Uint8Array[];
}

export type ToChild =
  | { type: "start"; setup: JobSetup }
  | BatchOrder
  /** Cloned values of batches, in the order of the batches. */
  | { type: "reduce"; values: Uint8Array[] }
  /** @see JobFinishContext */
  | { type: "finish"; failed: number }
  | { type: "stop" };

/** Each message to a child but "stop" is answered by one of these. */
export type Answer =
  | { type: "ready"; hasReduce: boolean; hasFinish: boolean }
  /** A process has committed a batch, up to `upTo`: all of its range, or less where that has too many bytes. */
  | { type: "done"; documents: number; upTo: unknown }
  /** A thread has computed a batch. */
  | { type: "mapped"; value: Uint8Array | null }
  | { type: "reduced" }
  | { type: "finished"; value: Uint8Array | null }
  | { type: "failed"; error: EncodedError };

export type AnswerTo<K extends Answer["type"]> = Extract<Answer, { type: K }>;

/** An error that no call caught; the child ends with it. */
export interface Crash {
  type: "crashed";
  error: EncodedError;
}

export type FromChild = Answer | Crash;

/** The user's module shares the channel: whatever else it sends is none of ours. */
export interface Envelope<T> {
  liorandbJob: T;
}

export function opened<T>(message: unknown): T | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  return (message as Partial<Envelope<T>>).liorandbJob;
}
