/** Plans as data: which keys are walked, in which direction, and what is left to do with what they lead to. */
import type { Document } from "../../values/document.js";
import type { IdPlan } from "../id-plan.js";
import type { IndexScan } from "./index-bounds.js";

/** A sort in its one normal form. */
export type SortSpec = readonly (readonly [path: string, direction: 1 | -1])[];

/** The documents with certain `_id`s, or none. */
export type IdsAccess = Extract<IdPlan, { kind: "ids" }>;
/** The documents of a range of `_id`s, or all. */
export type CollectionAccess = Extract<IdPlan, { kind: "range" | "scan" }>;

/** Several walks; a document that more than one of them leads to counts once. */
export interface UnionAccess {
  readonly kind: "union";
  readonly branches: readonly (IndexScan | IdsAccess | CollectionAccess)[];
}

/** Which keys are walked. */
export type Access =
  | Extract<IdPlan, { kind: "none" }>
  | IdsAccess
  | CollectionAccess
  | IndexScan
  | UnionAccess;

export interface Plan {
  readonly access: Access;
  readonly isReverse: boolean;
  /** What is tested on each document; `undefined` when all that the walk leads to matches. */
  readonly residual: Document | undefined;
  /** What is tested on entries of the index before a document is read; the document is tested all the same. */
  readonly entryFilter: Document | undefined;
  /** Sorted in memory, because the walk has another order. */
  readonly sort: SortSpec | undefined;
  /** The index has all that the query needs, so documents are not read. */
  readonly isCovered: boolean;
  /** What else could have been walked. */
  readonly rejected: readonly Access[];
}
