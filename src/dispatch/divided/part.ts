/**
 * What one thread does of a divided read: it goes over one part of the collection after the other, in its own
 * snapshot of the common state, and either gives the rows of each part or gathers them for the others.
 */
import { encode } from "../../cbor/codec.js";
import { type CompiledGroup, compileGroup, type Groups } from "../../query/aggregate/group.js";
import { approximateBytes } from "../../query/aggregate/memory.js";
import { compileSome } from "../../query/aggregate/pipeline.js";
import type { Stage } from "../../query/aggregate/stage.js";
import type { Control } from "../../query/control.js";
import {
  bytesOf,
  countMatches,
  executeQuery,
  nothingExamined,
  visitResults,
} from "../../query/execute.js";
import { Row } from "../../query/row.js";
import { compileSort } from "../../query/sort.js";
import { compileSortKey } from "../../query/sort-key.js";
import { Sorter } from "../../query/sorter.js";
import type { View } from "../../query/walk.js";
import { findCollection } from "../../storage/catalog.js";
import type { Environment, Snapshot } from "../../storage/environment.js";
import type { Document } from "../../values/document.js";
import { ComputedRow } from "../aggregate.js";
import type { ResultRow } from "../reads.js";
import type { Division } from "./division.js";
import { type Gathered, type PlacedRow, packGroups, packRows } from "./gathered.js";

export class Part {
  readonly #division: Division;
  readonly #view: View;
  readonly #control: Control;
  readonly #stage: Stage | undefined;
  readonly #group: CompiledGroup | undefined;
  readonly #groups: Groups | undefined;
  readonly #sorter: Sorter<PlacedRow & { readonly key: Document }> | undefined;
  readonly #keyOf: ((row: Row) => Document) | undefined;
  #count = 0;

  constructor(environment: Environment, division: Division, control: Control, snapshot: Snapshot) {
    const entry = findCollection(environment, division.collection, snapshot);
    this.#division = division;
    this.#view = { environment, collectionId: entry?.id ?? 0, indexes: [], snapshot };
    this.#control = control;
    const { each, gathering, let: given, now } = division;
    const reader = { find: () => [] };
    const { stage, context } = compileSome(each, { reader, control, let: given, now });
    this.#stage = each.length > 0 ? stage : undefined;
    if (gathering.kind === "group") {
      this.#group = compileGroup(gathering.group, context);
      this.#groups = this.#group.begin();
    }
    if (gathering.kind === "sort") {
      const compare = compileSort(gathering.sort);
      this.#sorter = new Sorter((a, b) => compare(a.key, b.key), gathering.wanted);
      this.#keyOf = compileSortKey(gathering.sort);
    }
  }

  /** The results of a part, in order. @param at which part */
  *rowsOf(at: number): Generator<ResultRow, void, void> {
    const { query, plan } = this.#division;
    const view = this.#viewOf(at);
    const rows = executeQuery(view, query, this.#control, nothingExamined(), plan);
    if (!this.#stage) yield* rows;
    else for (const document of this.#stage(documentsOf(rows))) yield new ComputedRow(document);
  }

  /** Adds a part to what this thread has gathered. Parts have to come in order. */
  gather(at: number): void {
    const { gathering, query, plan } = this.#division;
    if (gathering.kind === "count") {
      const view = this.#viewOf(at);
      this.#count += countMatches(view, query, this.#control, nothingExamined(), plan);
      return;
    }
    this.#groups?.beginPart(at);
    const take = this.#takeFrom(at);
    if (this.#stage) for (const row of this.rowsOf(at)) take(row);
    else visitResults(this.#viewOf(at), query, this.#control, plan, take);
  }

  #takeFrom(part: number): (row: ResultRow) => void {
    const groups = this.#groups;
    if (groups) return (row) => this.#group!.add(groups, row.document);
    return (row) => {
      const key = row instanceof Row ? this.#keyOf!(row) : row.document;
      this.#sorter!.add({ row, key, part }, sizeOf(row));
    };
  }

  /** What this thread has gathered, as data. */
  gathered(): Gathered {
    if (this.#groups) return packGroups(this.#groups);
    if (this.#sorter) return packRows(this.#sorter.sorted(), storedBytes);
    return { kind: "count", count: this.#count };
  }

  #viewOf(at: number): View {
    return { ...this.#view, part: this.#division.ranges[at]! };
  }
}

function* documentsOf(rows: Iterable<Row>) {
  for (const row of rows) yield row.source;
}

function sizeOf(row: ResultRow): number {
  return row instanceof Row ? bytesOf(row) : approximateBytes(row.document);
}

/** Of a document that was read in part there is nothing stored. */
function storedBytes(row: ResultRow): Uint8Array {
  return row instanceof Row && row.stored.length > 0 ? row.stored : encode(row.document);
}
