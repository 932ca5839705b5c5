/** The rows of an operation that opens a cursor, whichever it is. */
import type { Control } from "../query/control.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import type { RowsOperation } from "./operation.js";
import { rareReads } from "./rare.js";
import { findRows, type ResultRow } from "./reads.js";

/** @param environment missing when there is no such database */
export function* rowsOf(
  environment: Environment | undefined,
  operation: RowsOperation,
  control: Control,
  snapshot?: Snapshot,
): Generator<ResultRow, void, void> {
  if (operation.kind === "aggregate") {
    yield* rareReads().aggregateRows(environment, operation, control, snapshot);
  } else if (environment) {
    yield* findRows(environment, operation, control, snapshot);
  }
}
