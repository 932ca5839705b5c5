/** What an aggregation asks of the collection that it begins with. */
import { compilePipeline } from "../../query/aggregate/pipeline.js";
import { unlimited } from "../../query/control.js";
import type { AggregateOperation } from "../operation.js";
import type { PipelineFront } from "./division.js";

/** @param now `$$NOW` @throws what is wrong with the pipeline */
export function frontOf(
  { pipeline, let: given, hint }: AggregateOperation,
  now: Date,
): PipelineFront {
  const reader = { find: () => [] };
  const { query, rest } = compilePipeline(pipeline, {
    reader,
    control: unlimited,
    let: given,
    now,
  });
  return { query: query && { ...query, hint }, stages: rest };
}
