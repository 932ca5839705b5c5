/**
 * Sorts what is added to it by keeping at most twice as much as is wanted: enough for a top-k without holding
 * everything. The sort is stable, so equal items stay in the order in which they were added.
 */
import { LioranError } from "../errors.js";
import { sortBytesMax } from "../limits.js";

/** Kept besides twice the wanted ones, so that small tops are not sorted again and again. */
const slackItems = 64;

export class Sorter<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #wanted: number;
  #kept: { item: T; bytes: number }[] = [];
  #bytes = 0;

  /** @param wanted how many items {@link sorted} gives at most */
  constructor(compare: (a: T, b: T) => number, wanted: number) {
    this.#compare = compare;
    this.#wanted = wanted;
  }

  /** @param bytes what the item takes @throws MEMORY_EXCEEDED */
  add(item: T, bytes: number): void {
    this.#kept.push({ item, bytes });
    this.#bytes += bytes;
    if (this.#kept.length >= 2 * this.#wanted + slackItems) this.#cut();
    if (this.#bytes <= sortBytesMax) return;
    throw new LioranError(
      "MEMORY_EXCEEDED",
      `Sort exceeded its memory limit of ${sortBytesMax} bytes. Add a limit, or an index with this order.`,
    );
  }

  /** The first ones in order. */
  sorted(): T[] {
    this.#cut();
    return this.#kept.map(({ item }) => item);
  }

  #cut(): void {
    this.#kept.sort((a, b) => this.#compare(a.item, b.item));
    if (this.#kept.length <= this.#wanted) return;
    this.#kept.length = this.#wanted;
    this.#bytes = this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
