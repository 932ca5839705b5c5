/** Puts together what the threads of a divided read have gathered, and runs the stages behind that. */
import { invariant } from "../../invariant.js";
import { compileGroup } from "../../query/aggregate/group.js";
import { compileSome } from "../../query/aggregate/pipeline.js";
import type { Control } from "../../query/control.js";
import { bytesOf } from "../../query/execute.js";
import { compileProjection } from "../../query/projection.js";
import type { Row } from "../../query/row.js";
import { compileSort } from "../../query/sort.js";
import { compileSortKey } from "../../query/sort-key.js";
import { Sorter } from "../../query/sorter.js";
import type { Document } from "../../values/document.js";
import { ComputedRow, checkedResult } from "../aggregate.js";
import type { ResultRow } from "../reads.js";
import type { Division } from "./division.js";
import { type Gathered, unpackGroups, unpackRows } from "./gathered.js";

/** The result, one row at a time. */
export function* mergedRows(
  division: Division,
  gathered: readonly Gathered[],
  control: Control,
): Generator<ResultRow, void, void> {
  const { gathering, rest, let: given, now } = division;
  const reader = { find: () => [] };
  const { stage, context } = compileSome(rest, { reader, control, let: given, now });
  if (gathering.kind === "group") {
    const groups = compileGroup(gathering.group, context).begin();
    for (const one of gathered) {
      invariant(one.kind === "groups", "all threads of a query gather alike");
      for (const share of unpackGroups(one.chunks)) {
        control.step(0);
        groups.absorb(share);
      }
    }
    yield* computed(stage(groups.results()));
    return;
  }
  const rows = sortedRows(division, gathered, control);
  if (rest.length > 0) yield* computed(stage(documentsOf(rows)));
  else yield* rows;
}

function* sortedRows(
  division: Division,
  gathered: readonly Gathered[],
  control: Control,
): Generator<Row, void, void> {
  const { gathering, projection, skip, query } = division;
  invariant(gathering.kind === "sort", "rows are gathered to be sorted");
  const compare = compileSort(gathering.sort);
  const keyOf = compileSortKey(gathering.sort);
  const sorter = new Sorter<{ row: Row; key: Document; part: number }>(
    // Equal ones come in the order of the walk; those of one part come from one thread, in order.
    (a, b) => compare(a.key, b.key) || a.part - b.part,
    gathering.wanted,
  );
  for (const one of gathered) {
    invariant(one.kind === "rows", "all threads of a query gather alike");
    for (const placed of unpackRows(one)) {
      control.step(0);
      sorter.add({ ...placed, key: keyOf(placed.row) }, bytesOf(placed.row));
    }
  }
  const project = projection && compileProjection(projection, query.filter);
  for (const { row } of sorter.sorted().slice(skip)) {
    if (project) row.project(project);
    checkedResult(row.stored);
    yield row;
  }
}

function* documentsOf(rows: Iterable<Row>): Generator<Document, void, void> {
  for (const row of rows) yield row.source;
}

function* computed(documents: Iterable<Document>): Generator<ResultRow, void, void> {
  for (const document of documents) yield new ComputedRow(document);
}
