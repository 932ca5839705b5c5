/**
 * Tells the main thread of the primary's process when its Host has committed, through shared memory:
 * where nothing was committed since the last point read, the next one needs no new snapshot.
 *
 * It works where all commits come from the Host of the same process; every other process takes a new
 * snapshot each time.
 *
 * A sequence lock: the Host makes it odd before a commit and even after it. Whoever sees the same even
 * value before and after something knows that no commit became visible in between.
 */
export class CommitClock {
  /** Shared between the Host and the main thread. */
  readonly cell: Int32Array<SharedArrayBuffer>;

  constructor(cell = new Int32Array(new SharedArrayBuffer(4))) {
    this.cell = cell;
  }

  /** Moves with each commit; odd while one is under way. */
  get time(): number {
    return Atomics.load(this.cell, 0);
  }

  /** Runs a commit. Only the Host does. */
  commit(work: () => void): void {
    Atomics.add(this.cell, 0, 1);
    try {
      work();
    } finally {
      Atomics.add(this.cell, 0, 1);
    }
  }
}

/** Whether no commit was under way at this time of a clock. */
export function isQuiet(time: number): boolean {
  return (time & 1) === 0;
}
