/**
 * Counts the pool threads that are inside LMDB, so that a process that exits can wait until they are
 * out: a thread that is ended inside LMDB can abort the process.
 */
const shutCell = 0;
const insideCell = 1;

export class ThreadGate {
  /** Shared between the pool's threads and the thread that started them. */
  readonly cells: Int32Array<SharedArrayBuffer>;

  constructor(cells = new Int32Array(new SharedArrayBuffer(8))) {
    this.cells = cells;
  }

  /** Runs `work` inside. Once the gate is shut this never returns: the process is ending. */
  run<T>(work: () => T): T {
    Atomics.add(this.cells, insideCell, 1);
    try {
      if (Atomics.load(this.cells, shutCell) === 1) this.#sleep();
      return work();
    } finally {
      Atomics.sub(this.cells, insideCell, 1);
      Atomics.notify(this.cells, insideCell);
    }
  }

  /** Shuts the gate for good and waits until everybody is out, at the latest after `timeoutMs`. */
  shut(timeoutMs: number): void {
    Atomics.store(this.cells, shutCell, 1);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const inside = Atomics.load(this.cells, insideCell);
      const leftMs = deadline - performance.now();
      if (inside === 0 || leftMs <= 0) return;
      Atomics.wait(this.cells, insideCell, inside, leftMs);
    }
  }

  #sleep(): never {
    Atomics.sub(this.cells, insideCell, 1);
    Atomics.notify(this.cells, insideCell);
    for (;;) Atomics.wait(this.cells, shutCell, 1);
  }
}
