/** Packages that the bundled lmdb-js loads when it first needs them, not when it is loaded itself. */
import { requireFromLmdb } from "./package.js";

/**
 * Of msgpackr, for stores that want it. None of ours does; but a program that uses lmdb-js itself, on the same
 * thread, may get stores that were opened by ours (lmdb-js has one `open` for all copies of itself).
 */
export class Encoder {
  constructor(options: unknown) {
    const msgpackr = requireFromLmdb("msgpackr") as { Encoder: new (options: unknown) => Encoder };
    // biome-ignore lint/correctness/noConstructorReturn: whoever constructs this gets the real one
    return new msgpackr.Encoder(options);
  }
}

let iterables: { ExtendedIterable: unknown } | undefined;

/** Of @harperfast/extended-iterable: what walks give, which a point read has none of. */
export const extendedIterable = {
  get ExtendedIterable(): unknown {
    iterables ??= requireFromLmdb("@harperfast/extended-iterable") as { ExtendedIterable: unknown };
    return iterables.ExtendedIterable;
  },
};
