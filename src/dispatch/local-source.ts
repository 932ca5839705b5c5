/**
 * A cursor that reads on the thread it was opened on: on a pool worker, or where there is no pool.
 *
 * Invariant: its snapshot is never older than `snapshotAgeMaxMs`. A cursor that is read too slowly
 * loses it and then fails with a clear error; it never goes on with other data.
 */
import { LioranError } from "../errors.js";
import { snapshotAgeMaxMs } from "../limits.js";
import type { Control } from "../query/control.js";
import { underControl } from "../query/loop-control.js";
import type { Environment, Snapshot } from "../storage/environment.js";
import { readingFrom } from "../storage/lmdb-failure.js";
import type { BatchSource } from "./cursors.js";
import type { EncodedBatch, RowsOperation } from "./operation.js";
import { type ResultRow, takeBatch } from "./reads.js";
import { rowsOf } from "./rows.js";

export class LocalSource implements BatchSource {
  readonly #snapshot: Snapshot | undefined;
  readonly #rows: Generator<ResultRow, void, void>;
  readonly #control: Control;
  readonly #expiry: NodeJS.Timeout;
  #expired = false;

  /**
   * @param snapshot what the rows are read in; the source closes it
   */
  constructor(rows: Generator<ResultRow, void, void>, control: Control, snapshot?: Snapshot) {
    this.#control = control;
    this.#snapshot = snapshot;
    this.#rows = rows;
    this.#expiry = setTimeout(() => {
      this.#expired = true;
      this.close();
    }, snapshotAgeMaxMs).unref();
  }

  /** @param environment missing when there is no such database */
  static of(
    environment: Environment | undefined,
    operation: RowsOperation,
    control: Control,
  ): LocalSource {
    const snapshot = environment?.openSnapshot();
    const rows = rowsOf(environment, operation, control, snapshot);
    return new LocalSource(rows, control, snapshot);
  }

  /** The next batch, at once. @throws SNAPSHOT_TOO_OLD, or what ends the query */
  take(batchSize: number | undefined): { batch: EncodedBatch; done: boolean } {
    if (this.#expired) throw snapshotTooOld();
    const take = () => underControl(this.#control, () => takeBatch(this.#rows, batchSize));
    return readingFrom(this.#snapshot?.environment.folder, take);
  }

  async next(batchSize: number | undefined): Promise<{ batch: EncodedBatch; done: boolean }> {
    return this.take(batchSize);
  }

  close(): void {
    clearTimeout(this.#expiry);
    this.#rows.return();
    this.#snapshot?.close();
  }
}

export function snapshotTooOld(): LioranError {
  return new LioranError(
    "SNAPSHOT_TOO_OLD",
    `The cursor was open for more than ${snapshotAgeMaxMs / 1000} s. Run the query again, and read it faster ` +
      "or in ranges: an old snapshot keeps every process from reusing space.",
  );
}
