/** Runs pipelines over arrays, with a reader that knows nothing of storage. */
import { compilePipeline } from "../../../../src/query/aggregate/pipeline.js";
import type { CollectionReader } from "../../../../src/query/aggregate/stage.js";
import { type Control, unlimited } from "../../../../src/query/control.js";
import type { Query } from "../../../../src/query/execute.js";
import { compileFilter } from "../../../../src/query/filter.js";
import { compileSort } from "../../../../src/query/sort.js";
import type { Document } from "../../../../src/values/document.js";

export type Collections = Record<string, Document[]>;

/** What the executor gives, in the order of insertion. Fields that are not needed are left out. */
export function inMemory(collections: Collections, asked: Query[] = []): CollectionReader {
  return {
    find(collection, query) {
      asked.push(query);
      const matches = compileFilter(query.filter);
      const { sort, skip = 0, limit, fields } = query;
      let found = (collections[collection] ?? []).filter((document) => matches(document));
      if (sort) found = found.toSorted(compileSort(sort));
      const shown = found.slice(skip, limit ? skip + limit : undefined);
      return fields ? shown.map((document) => only(document, fields)) : shown;
    },
  };
}

function only(document: Document, fields: ReadonlySet<string>): Document {
  return Object.fromEntries(Object.entries(document).filter(([name]) => fields.has(name)));
}

/** The whole way: split, query, stages. */
export function aggregate(
  documents: Document[],
  pipeline: Document[],
  others: Collections = {},
  options: { let?: Document; control?: Control } = {},
): Document[] {
  const reader = inMemory({ ...others, input: documents });
  const compiled = compilePipeline(pipeline, { reader, control: unlimited, ...options });
  const source = compiled.query ? reader.find("input", compiled.query) : [];
  return [...(compiled.stage ? compiled.stage(source) : source)];
}
