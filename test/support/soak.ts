/**
 * Tests that are short in `npm test` and long by hand: `npm run test:soak [-- part-of-a-file-name ...]` runs the files
 * that import this one, in their long form. `LIORAN_TEST_SEED` repeats what a run has printed.
 */
export const isSoak = process.env.LIORAN_TEST_SOAK === "1";

/** How often, how many, how long: the short form's figure or the long one's. */
export function scaled(short: number, long: number): number {
  return isSoak ? long : short;
}

/** What random choices of this run follow from. Print it: in the title of the test or in its first line. */
export const seed = Number(process.env.LIORAN_TEST_SEED ?? Date.now() % 2 ** 31);

/** Says how far a long run is. */
export function progress(text: string): void {
  if (isSoak) process.stderr.write(`${text}\n`);
}

/** Random choices that follow from a seed alone. */
export class Random {
  #state: number;

  constructor(from: number) {
    this.#state = from | 0;
  }

  /** From 0 up to 1. */
  next(): number {
    // mulberry32 (Tommy Ettinger, public domain).
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}
