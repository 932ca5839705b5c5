/** What a row is sorted by: of a row that nobody has decoded, only the fields of the sort are read. */
import { compileFieldReader } from "../storage/field-reader.js";
import type { Document } from "../values/document.js";
import { parsePath } from "./path.js";
import type { SortSpec } from "./plan/plan.js";
import type { Row } from "./row.js";

/** @returns a document that sorts as the row's own does */
export function compileSortKey(sort: SortSpec): (row: Row) => Document {
  const read = compileFieldReader(sort.map(([path]) => parsePath(path).segments));
  return (row) => {
    if (row.decoded || row.stored.length === 0) return row.source;
    return read(row.stored, 0);
  };
}
