/**
 * msgpackr for the bundled lmdb-js, loaded with the first store that wants it. None of ours does; but a program that
 * uses lmdb-js itself, on the same thread, may get stores that were opened by ours: lmdb-js has one `open` for all copies
 * of itself.
 */
import { requireFromLmdb } from "./package.js";

export class Encoder {
  constructor(options: unknown) {
    const msgpackr = requireFromLmdb("msgpackr") as { Encoder: new (options: unknown) => Encoder };
    // biome-ignore lint/correctness/noConstructorReturn: whoever constructs this gets the real one
    return new msgpackr.Encoder(options);
  }
}
