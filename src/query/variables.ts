/**
 * Variables of expressions, such as `$$NOW`, those of a `let`, and `$$this` in `$map`. An expression is
 * compiled with the variables that it may name and reads their values when it is evaluated.
 */

/** The time of the operation. */
export const nowVariable = "NOW";

/** Names and their values of the moment. A name that is not here is looked for further out. */
export class Variables {
  readonly #outer: Variables | undefined;
  readonly #values = new Map<string, unknown>();

  /** @param names which ones this adds; their values are set later, again and again */
  constructor(outer?: Variables, names: Iterable<string> = []) {
    this.#outer = outer;
    for (const name of names) this.#values.set(name, undefined);
  }

  has(name: string): boolean {
    return this.#values.has(name) || (this.#outer?.has(name) ?? false);
  }

  /** `undefined` stands for a missing value. */
  get(name: string): unknown {
    const value = this.#values.get(name);
    if (value !== undefined || this.#values.has(name)) return value;
    return this.#outer?.get(name);
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value);
  }
}
