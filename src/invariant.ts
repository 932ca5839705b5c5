/**
 * Throws when something that our own code guarantees does not hold. A failed invariant is a bug in
 * LioranDB, never bad input: it is not a {@link LioranError}, so nobody can mistake it for one.
 *
 * @param condition what must be true here
 * @param why the guarantee that was broken, in words that help whoever reads the crash
 */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new InvariantError(why);
}

/** Marks the place in a `switch` or table that no value can reach. */
export function unreachable(value: never, why: string): never {
  throw new InvariantError(`${why}: ${String(value)}`);
}

/** Raised by {@link invariant}: a bug in LioranDB itself. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";

  constructor(why: string) {
    super(`LioranDB broke one of its own rules (please report this): ${why}`);
  }
}
