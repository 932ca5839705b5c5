/** What a dispatcher works with, and for whom. */
import type { CancelFlag } from "../query/control.js";
import type { Databases } from "../storage/databases.js";
import type { BatchSource, CursorTable } from "./cursors.js";
import type { Division } from "./divided/division.js";
import type { HostStatus, Operation, ReadOperation, ResultOf, RowsOperation } from "./operation.js";

/** Runs heavy reads on other threads of this process. Callers take turns. */
export interface QueryPool {
  /** Most threads of one read. */
  readonly threads: number;
  /**
   * A cursor: opens snapshots on threads and reads them batch by batch.
   *
   * @param caller who asks, as an identity
   * @param division how it may be divided over several threads
   */
  open(
    operation: RowsOperation,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): BatchSource;
  /** A read with one result. */
  run<K extends "count" | "distinct" | "search" | "explain">(
    operation: Extract<ReadOperation, { kind: K }>,
    caller: object,
    flag: CancelFlag,
    division?: Division,
  ): Promise<ResultOf<K>>;
  /** No more reads of this caller begin until `letGo`: it does not take the results of earlier ones. */
  hold(caller: object): void;
  letGo(caller: object): void;
}

/** The way to the lock owner. */
export interface Owner {
  /** Sends the operation and resolves to its decoded result. */
  forward(operation: Operation, flag?: CancelFlag): Promise<unknown>;
}

export interface Equipment {
  databases: Databases;
  /** Where reads run when they could run here. */
  reads: "local" | "primary";
  pool?: QueryPool;
  owner?: Owner;
  hostStatus?: () => HostStatus;
}

/** Who asks, and what belongs to the asker. */
export interface Caller {
  cursors: CursorTable;
  /** Set where the reply leaves the thread: results are then handed over encoded. */
  encoded: boolean;
}

/** How one request is to be treated. */
export interface RequestOptions {
  /** The caller's way to stop it. */
  flag?: CancelFlag;
  /** It was tried here and now already. */
  isHeavy?: boolean;
}

/** What a query gives that was tried here and now, and took more than a thread may spend on it. */
export const tooHeavy = Symbol("too heavy");
