/**
 * Time in which this thread could have heard an answer. Deadlines for others are measured with it: a
 * thread that was busy, or a process that was stopped, must not conclude from its own absence that
 * nobody answers.
 *
 * Owning thread: the one that waits.
 */
export class ListeningClock {
  /** How long this thread did not listen, all told. */
  #deafMs = 0;
  #heardAtMs = performance.now();

  /** Milliseconds; only differences have a meaning. */
  get nowMs(): number {
    return performance.now() - this.#deafMs;
  }

  /** Ticks come from here on: whatever was before does not count as a missed one. */
  start(): void {
    this.#heardAtMs = performance.now();
  }

  /** Called on a timer. A tick that comes much later than due was held up by this thread itself. */
  tick(everyMs: number): void {
    const now = performance.now();
    const lateMs = now - this.#heardAtMs - everyMs;
    this.#heardAtMs = now;
    if (lateMs > everyMs) this.#deafMs += lateMs;
  }
}
