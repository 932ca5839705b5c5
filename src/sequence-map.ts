/**
 * What is kept by the numbers of requests: a hash table in two arrays, for numbers that come one after the other
 * and go soon.
 *
 * A `Map` would do the same, but V8 makes a new table for one after as many insertions as it has room for, and the
 * old table still refers to what was in it and to the new one. Once a table has become old, all that come after it
 * live until the next collection of everything: a tenth of what a busy client allocates, and a quarter of its time.
 * Here a place is cleared when its value goes.
 */
import { invariant } from "./invariant.js";

/** For as many requests as a busy client has under way: it has none in between, and would shrink and grow each time. */
const capacityMin = 256;
/** Nothing is at this place. Numbers of requests are natural. */
const free = -1;

export class SequenceMap<T> {
  #size = 0;
  /** A power of two, at least twice the size and, above the least, not much more than that. */
  #capacity = capacityMin;
  #numbers: number[] = new Array(capacityMin).fill(free);
  #values: (T | undefined)[] = new Array(capacityMin).fill(undefined);

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    return this.#values[this.#find(number)];
  }

  has(number: number): boolean {
    return this.#numbers[this.#find(number)] === number;
  }

  set(number: number, value: T): void {
    invariant(number >= 0, "numbers of requests are natural");
    const at = this.#find(number);
    this.#values[at] = value;
    if (this.#numbers[at] === number) return;
    this.#numbers[at] = number;
    this.#size += 1;
    if (2 * this.#size > this.#capacity) this.#resize(2);
  }

  /** @returns what was there */
  delete(number: number): T | undefined {
    const at = this.#find(number);
    if (this.#numbers[at] !== number) return undefined;
    const value = this.#values[at];
    this.#size -= 1;
    this.#close(at);
    if (this.#capacity > capacityMin && 16 * this.#size < this.#capacity) this.#resize(0.25);
    return value;
  }

  /** The numbers in their order. */
  numbers(): number[] {
    return this.#numbers.filter((number) => number !== free).sort((a, b) => a - b);
  }

  /** The place of a number, or the free one where it would be put. */
  #find(number: number): number {
    let at = this.#home(number);
    while (this.#numbers[at] !== number && this.#numbers[at] !== free) at = this.#next(at);
    return at;
  }

  /** Scattered: numbers side by side would be one run, all of which would have to be looked at to close a gap. */
  #home(number: number): number {
    return (Math.imul(number, 0x9e3779b1) >>> 7) & (this.#capacity - 1);
  }

  #next(at: number): number {
    return (at + 1) & (this.#capacity - 1);
  }

  /** Frees a place. What would not be found any more behind the gap moves into it. */
  #close(place: number): void {
    const mask = this.#capacity - 1;
    let gap = place;
    for (let at = this.#next(gap); this.#numbers[at] !== free; at = this.#next(at)) {
      const number = this.#numbers[at]!;
      const fromHome = (at - this.#home(number)) & mask;
      const fromGap = (at - gap) & mask;
      if (fromHome < fromGap) continue;
      this.#numbers[gap] = number;
      this.#values[gap] = this.#values[at];
      gap = at;
    }
    this.#numbers[gap] = free;
    this.#values[gap] = undefined;
  }

  #resize(by: number): void {
    const numbers = this.#numbers;
    const values = this.#values;
    this.#capacity = Math.max(capacityMin, by * this.#capacity);
    this.#size = 0;
    this.#numbers = new Array(this.#capacity).fill(free);
    this.#values = new Array(this.#capacity).fill(undefined);
    for (let at = 0; at < numbers.length; at += 1) {
      if (numbers[at] !== free) this.set(numbers[at]!, values[at] as T);
      values[at] = undefined;
    }
  }
}
