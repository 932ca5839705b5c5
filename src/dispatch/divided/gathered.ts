/** What the threads of a divided read have gathered, as data that goes from thread to thread without a copy. */
import { decode, encode } from "../../cbor/codec.js";
import { invariant } from "../../invariant.js";
import type { GroupShare, Groups } from "../../query/aggregate/group.js";
import { Row } from "../../query/row.js";
import type { ResultRow } from "../reads.js";
import type { Division } from "./division.js";

export type Gathered =
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "groups"; readonly chunks: readonly Uint8Array[] }
  | {
      readonly kind: "rows";
      /** Encoded documents, one after the other. */
      readonly bytes: Uint8Array;
      readonly lengths: Uint32Array;
      /** Which part each of them is from. */
      readonly parts: Uint32Array;
    };

/** A row, and the part of the collection it is from. */
export interface PlacedRow {
  readonly row: ResultRow;
  readonly part: number;
}

/** Groups that are encoded at once. */
const groupsPerChunk = 1_000;
const nothing = new Uint8Array(0);

export function packGroups(groups: Groups): Gathered {
  const chunks: Uint8Array[] = [];
  let chunk: GroupShare[] = [];
  for (const share of groups.shares()) {
    chunk.push(share);
    if (chunk.length < groupsPerChunk) continue;
    chunks.push(encode(chunk));
    chunk = [];
  }
  chunks.push(encode(chunk));
  return { kind: "groups", chunks };
}

export function* unpackGroups(chunks: readonly Uint8Array[]): Generator<GroupShare, void, void> {
  for (const chunk of chunks) yield* decode(chunk) as GroupShare[];
}

export function packRows(
  rows: readonly PlacedRow[],
  bytesOf: (row: ResultRow) => Uint8Array,
): Gathered {
  const encoded = rows.map(({ row }) => bytesOf(row));
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0));
  const lengths = new Uint32Array(rows.length);
  const parts = new Uint32Array(rows.length);
  let end = 0;
  for (const [at, one] of encoded.entries()) {
    bytes.set(one, end);
    end += one.length;
    lengths[at] = one.length;
    parts[at] = rows[at]!.part;
  }
  return { kind: "rows", bytes, lengths, parts };
}

export function* unpackRows({
  bytes,
  lengths,
  parts,
}: Extract<Gathered, { kind: "rows" }>): Generator<{ row: Row; part: number }, void, void> {
  let start = 0;
  for (const [at, length] of lengths.entries()) {
    const end = start + length;
    yield { row: new Row(nothing, bytes.subarray(start, end)), part: parts[at]! };
    start = end;
  }
}

/** The result of a count. */
export function mergedCount({ skip, limit }: Division, gathered: readonly Gathered[]): number {
  let count = 0;
  for (const one of gathered) {
    invariant(one.kind === "count", "all threads of a query gather alike");
    count += one.count;
  }
  const found = Math.max(0, count - skip);
  return limit > 0 ? Math.min(limit, found) : found;
}

/** What is handed over instead of copied. */
export function memoryOf(gathered: Gathered): ArrayBuffer[] {
  switch (gathered.kind) {
    case "count":
      return [];
    case "groups":
      return gathered.chunks.map(({ buffer }) => buffer as ArrayBuffer);
    case "rows":
      return [gathered.bytes, gathered.lengths, gathered.parts].map(
        ({ buffer }) => buffer as ArrayBuffer,
      );
  }
}
