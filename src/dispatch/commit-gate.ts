/**
 * Keeps a process from exiting in the middle of a commit: a thread that is ended inside LMDB can
 * abort the process. The writer passes the gate for each commit; the main thread shuts it in its
 * `exit` handler, where nothing asynchronous can run any more, and waits until the writer is out.
 */
const shutCell = 0;
const insideCell = 1;

export class CommitGate {
  /** Shared between the Host and the main thread. */
  readonly cells: Int32Array<SharedArrayBuffer>;

  constructor(cells = new Int32Array(new SharedArrayBuffer(8))) {
    this.cells = cells;
  }

  /** @returns false when the gate is shut: the process ends, nothing may begin */
  enter(): boolean {
    Atomics.store(this.cells, insideCell, 1);
    if (Atomics.load(this.cells, shutCell) === 0) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.store(this.cells, insideCell, 0);
    Atomics.notify(this.cells, insideCell);
  }

  /** Shuts the gate for good and waits until nobody is inside. */
  shut(timeoutMs: number): void {
    Atomics.store(this.cells, shutCell, 1);
    Atomics.wait(this.cells, insideCell, 1, timeoutMs);
  }
}
