/** A read that is divided over several threads, as data: every thread of it is given the same. */
import type { Query } from "../../query/execute.js";
import type { Plan } from "../../query/plan/plan.js";
import type { Sort } from "../../query/sort.js";
import type { IdKeyRange } from "../../storage/collection.js";
import type { Document } from "../../values/document.js";
import type { AggregateOperation, CountOperation, FindOperation } from "../operation.js";

/** Reads that can be divided. */
export type DividableOperation = FindOperation | AggregateOperation | CountOperation;

/** How the results of the parts become the result. */
export type Gathering =
  | { readonly kind: "count" }
  /** They follow each other. */
  | { readonly kind: "rows" }
  | { readonly kind: "sort"; readonly sort: Sort; readonly wanted: number }
  | { readonly kind: "group"; readonly group: Document };

export interface Division {
  readonly db: string;
  readonly collection: string;
  /** The parts, in the order of the walk. */
  readonly ranges: readonly IdKeyRange[];
  /** What each part is asked. */
  readonly query: Query;
  /** The walk that was divided: what is tested, and in which direction. */
  readonly plan: Plan;
  /** Stages that a part runs on what it finds. */
  readonly each: readonly Document[];
  readonly gathering: Gathering;
  readonly skip: number;
  /** 0: all. */
  readonly limit: number;
  /** Stages that run on what was gathered ... */
  readonly rest: readonly Document[];
  /** ... or the projection. */
  readonly projection: Document | undefined;
  readonly let: Document | undefined;
  /** `$$NOW`. */
  readonly now: Date;
  /** How many threads can share it. */
  readonly threads: number;
}

/** What an aggregation reads, and the stages behind that. */
export interface PipelineFront {
  readonly query: Query | undefined;
  readonly stages: readonly Document[];
}
