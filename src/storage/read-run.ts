/**
 * Tells a read that stands alone from one of many in the same turn of the event loop. Nobody knows what a
 * caller does after a read, and an old snapshot stops page reuse for every process; so only the reads of a run may
 * keep the snapshot for the next one, to the end of the turn.
 */
export class ReadRun {
  #isRunning = false;

  /** Whether a read of this turn has ended before. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** A read has ended. @param onTurnEnd called when the turn is over, if it is the first one of the turn */
  begin(onTurnEnd: () => void): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(() => {
      this.#isRunning = false;
      onTurnEnd();
    });
  }
}
