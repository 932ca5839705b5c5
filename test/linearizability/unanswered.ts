/** The operations of one register that never returned, and when the search of the checker takes them. */
import { type Operation, product, type Value } from "./history.js";
import type { Observers } from "./observers.js";

export class UnansweredOperations {
  readonly #operations: readonly Operation[];
  readonly #taken: boolean[];
  readonly #putting = new Map<Value, number[]>();
  /** Those whose value somebody must find, now or by way of others. */
  readonly #wanted: boolean[];

  /** @param operations in the order of their calls */
  constructor(operations: readonly Operation[], observers: Observers) {
    this.#operations = operations.filter((operation) => product(operation));
    this.#taken = this.#operations.map(() => false);
    for (const at of this.#operations.keys()) {
      const known = this.#putting.get(this.product(at));
      if (known) known.push(at);
      else this.#putting.set(this.product(at), [at]);
    }
    this.#wanted = this.#operations.map((_, at) => observers.areLeft(this.product(at)));
    for (let at = 0; at < this.#operations.length; at += 1) if (this.#wanted[at]) this.#want(at);
  }

  at(at: number): Operation {
    return this.#operations[at]!;
  }

  /** Those that were called until then. */
  called(until: number): Operation[] {
    return this.#operations.filter(({ calledAt }) => calledAt <= until);
  }

  /** The value that it puts. */
  product(at: number): Value {
    return product(this.#operations[at]!)!.value;
  }

  take(chain: readonly number[], taken: boolean): void {
    for (const at of chain) this.#taken[at] = taken;
  }

  /** Which ones are taken. */
  get takenName(): string {
    let name = "";
    let unwanted = 0;
    for (const [at, taken] of this.#taken.entries()) {
      if (!taken) continue;
      // Of those that nobody looks for the first ones are taken first.
      if (this.#wanted[at]) name += `,${at}`;
      else if (this.#operations[at]!.call.kind === "write") unwanted += 1;
      else name += `,${at}`;
    }
    return `${unwanted}${name}`;
  }

  /** The rows of them, called until then, after which an operation fits that does not fit in the state. */
  before({ call, result }: Operation, state: Value, until: number): Iterable<readonly number[]> {
    switch (call.kind) {
      case "read":
        return this.#leadingTo(result as Value, state, until, []);
      case "cas":
        return result
          ? this.#leadingTo(call.from, state, until, [])
          : this.#leadingAway(state, until);
      case "holds":
        return result
          ? this.#leadingTo(call.value, state, until, [])
          : this.#leadingAway(state, until);
      case "write":
        throw new Error("a write always fits");
    }
  }

  *#leadingTo(
    value: Value,
    state: Value,
    until: number,
    later: readonly number[],
  ): Generator<readonly number[]> {
    for (const at of this.#putting.get(value) ?? []) {
      if (!this.#isFree(at, until) || later.includes(at)) continue;
      const { call } = this.#operations[at]!;
      const chain = [at, ...later];
      if (call.kind === "write" || (call.kind === "cas" && call.from === state)) yield chain;
      else if (call.kind === "cas") yield* this.#leadingTo(call.from, state, until, chain);
    }
  }

  /** To any other value: of those that nobody looks for, one is as good as another, and of less use later. */
  *#leadingAway(state: Value, until: number): Generator<readonly number[]> {
    let unwanted: number | undefined;
    for (const [at, { call }] of this.#operations.entries()) {
      if (!this.#isFree(at, until) || this.product(at) === state) continue;
      if (call.kind === "cas" && call.from !== state) continue;
      if (this.#wanted[at]) yield [at];
      else if (unwanted === undefined || call.kind === "cas") unwanted = at;
    }
    if (unwanted !== undefined) yield [unwanted];
  }

  #isFree(at: number, until: number): boolean {
    return !this.#taken[at] && this.#operations[at]!.calledAt <= until;
  }

  /** What leads to a wanted value is wanted, too. */
  #want(at: number): void {
    const { call } = this.#operations[at]!;
    if (call.kind !== "cas") return;
    for (const leading of this.#putting.get(call.from) ?? []) {
      if (this.#wanted[leading]) continue;
      this.#wanted[leading] = true;
      this.#want(leading);
    }
  }
}
