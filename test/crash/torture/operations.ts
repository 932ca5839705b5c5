/**
 * What the processes of the torture ask for, as plain data: noted before it is sent, and replayed by whoever checks.
 *
 * A *lane* of a process sends one operation after the other. The documents of a lane are changed by nobody else, so
 * what they must look like is known exactly; the shared ones are changed by all.
 */

/** A document of a lane, in `items`. Each operation on it leaves its number, so that none can be applied twice unseen. */
export interface Item {
  _id: string;
  lane: string;
  /** Indexed, and moved about. */
  key: number;
  /** In a unique index. */
  tag: string;
  n: number;
  ops: string[];
}

export type Statement =
  | { kind: "insert"; item: Item }
  | { kind: "increment"; id: string }
  | { kind: "move"; id: string; key: number }
  | { kind: "retag"; id: string; tag: string }
  | { kind: "replace"; item: Item }
  | { kind: "delete"; id: string };

/** On the documents of a lane. */
export type ItemOperation =
  | { on: "items"; kind: "one"; statement: Statement }
  | { on: "items"; kind: "findAndModify"; statement: Statement }
  | { on: "items"; kind: "insertMany"; ordered: boolean; items: Item[] }
  | { on: "items"; kind: "bulkWrite"; ordered: boolean; statements: Statement[] }
  | { on: "items"; kind: "moveAll"; lane: string; from: number; to: number }
  | { on: "items"; kind: "deleteAll"; lane: string; key: number }
  | { on: "items"; kind: "upsert"; item: Item };

/** On documents that all processes change. */
export type SharedOperation =
  | { on: "shared"; kind: "count"; collection: string; id: string | number }
  | { on: "shared"; kind: "compareAndSet"; id: string; seen: number }
  | { on: "shared"; kind: "claim"; slot: number }
  | { on: "shared"; kind: "release"; claim: string };

/** On collections of a lane, and on indexes of a large collection that all processes write to. */
export type SchemaOperation =
  | { on: "schema"; kind: "fill"; collection: string; ids: string[]; padBytes: number }
  | { on: "schema"; kind: "createIndex"; collection: string; name: string; key: string }
  /** Fails: the collection has the same value twice. */
  | { on: "schema"; kind: "createUnique"; collection: string; name: string; key: string }
  | { on: "schema"; kind: "dropIndex"; collection: string; name: string }
  | { on: "schema"; kind: "drop"; collection: string }
  | { on: "schema"; kind: "rename"; collection: string; to: string };

export type Operation = ItemOperation | SharedOperation | SchemaOperation;

/** How an operation has ended, whatever its result was called. */
export interface Done {
  inserted: number;
  matched: number;
  modified: number;
  deleted: number;
  upserted: number;
  /** Positions that were refused as duplicates. */
  failed: number[];
  /** What a findAndModify or a counter gave. */
  value: unknown;
}

export const nothingDone: Readonly<Done> = Object.freeze({
  inserted: 0,
  matched: 0,
  modified: 0,
  deleted: 0,
  upserted: 0,
  failed: [],
  value: null,
});

/** A line of a ledger. Whatever a process has not noted as sent it has not sent. */
export type LedgerLine =
  | { sent: Operation; lane: string; op: string }
  | { done: Done; op: string }
  /** An error that nothing in the operation explains. */
  | { wrong: string; op: string };

/** The collections that are there from the start of a generation. */
export const sharedCollections = ["items", "counters", "registers", "claims", "big"] as const;
/** What documents `big` has: more than are indexed in one commit. */
export const bigDocuments = 2_500;
export const slots = 12;
export const counters = ["c0", "c1", "c2", "c3"];
export const registers = ["r0", "r1", "r2"];
/** Documents of `big` that are counted up while its indexes are built. */
export const bigCounters = 40;
