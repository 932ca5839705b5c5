/** What a function of `$setWindowFields` is that is no accumulator. */
import type { Document } from "../../values/document.js";
import type { StageContext } from "./stage.js";
import type { Span, WindowPartition } from "./window-bounds.js";

/** A partition in its order. */
export interface Partition extends WindowPartition {
  readonly documents: readonly Document[];
  /** Whether two neighbours are equal in the order. */
  isSame(a: number, b: number): boolean;
}

/** Gives the results of all documents of a partition, in their order. */
export type PartitionFunction = (partition: Partition, span: (at: number) => Span) => unknown[];

export interface WindowFunction {
  /** Whether it takes a window; others work on the whole partition. */
  readonly isWindowed: boolean;
  readonly needsSort: boolean;
  /** Whether the window must have the document that it is for. */
  readonly needsCurrent?: boolean;
  compile(operand: unknown, context: StageContext): PartitionFunction;
}
