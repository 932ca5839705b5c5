/** Who has still to see a value: it must not be replaced before, if nobody puts it a second time. */
import { isAnswered, type Operation, product, type Value } from "./history.js";

/** The value that an answered operation can only have found; undefined: it fits several. */
export function observed({ call, result }: Operation): { value: Value } | undefined {
  switch (call.kind) {
    case "read":
      return { value: result as Value };
    case "cas":
      return result ? { value: call.from } : undefined;
    case "holds":
      return result ? { value: call.value } : undefined;
    case "write":
      return undefined;
  }
}

export class Observers {
  /** How many answered operations that are not taken yet must find the value. */
  readonly #left = new Map<Value, number>();
  /** How many operations put it. */
  readonly #puts = new Map<Value, number>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const put = product(operation);
      if (put) this.#puts.set(put.value, (this.#puts.get(put.value) ?? 0) + 1);
      if (isAnswered(operation)) this.took(operation, -1);
    }
    // A register is empty from the start.
    this.#puts.set(null, (this.#puts.get(null) ?? 0) + 1);
  }

  /** Whether some answered operation that is not taken must find it. */
  areLeft(value: Value): boolean {
    return (this.#left.get(value) ?? 0) > 0;
  }

  /** Whether the value, which is there, may not be replaced, but for that many of its observers. */
  mustStay(value: Value, but: number): boolean {
    return (this.#left.get(value) ?? 0) > but && this.#puts.get(value) === 1;
  }

  /** An operation is taken (1), or is not (-1). */
  took(operation: Operation, by: 1 | -1): void {
    const seen = observed(operation);
    if (seen) this.#left.set(seen.value, (this.#left.get(seen.value) ?? 0) - by);
  }
}
