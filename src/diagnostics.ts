/**
 * What can be watched from outside through `node:diagnostics_channel`. Channels belong to a thread: events are
 * published in the main thread, and cost nothing while nobody has subscribed.
 */
import { channel } from "node:diagnostics_channel";
import { slowOperationMs } from "./limits.js";

/** An operation of a manager of this process has ended. */
export interface OperationEvent {
  rootPath: string;
  /** `"find"`, `"update"`, `"getMore"` ...: one call may take several, and a cursor takes one for each batch. */
  kind: string;
  db?: string;
  collection?: string;
  /** The filter or pipeline, where the operation has one. Not to be changed. */
  query?: unknown;
  /** From the call to the answer, in milliseconds. */
  durationMs: number;
  /** Why it failed. */
  error?: unknown;
}

/** This process is the primary and has committed. */
export interface CommitEvent {
  rootPath: string;
  db: string;
  /** Writes in the commit, of all processes. */
  operations: number;
  /** Applying them, and the flush if there was one, in milliseconds. */
  durationMs: number;
  /** Whether the commit was flushed to the disk before it was acknowledged. */
  isFlushed: boolean;
}

/** A manager of this process has another role. */
export interface RoleEvent {
  rootPath: string;
  from: string;
  to: string;
  /** Which take-over of the root this is. */
  epoch: number;
}

const operations = channel("liorandb:operation");
const slowOperations = channel("liorandb:slow-operation");
const commits = channel("liorandb:commit");
const roles = channel("liorandb:role");

/** Whether somebody wants to hear of operations. */
export function areOperationsWatched(): boolean {
  return operations.hasSubscribers || slowOperations.hasSubscribers;
}

export function publishOperation(event: OperationEvent): void {
  operations.publish(event);
  if (event.durationMs >= slowOperationMs) slowOperations.publish(event);
}

/** Whether somebody wants to hear of commits. */
export function areCommitsWatched(): boolean {
  return commits.hasSubscribers;
}

export function publishCommit(event: CommitEvent): void {
  commits.publish(event);
}

export function publishRole(event: RoleEvent): void {
  roles.publish(event);
}
