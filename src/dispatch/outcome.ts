/** What comes of a write, encoded as it goes into a frame and into a session record. */
import type { LioranError } from "../errors.js";

/** The encoded reply, or the encoded error. */
export interface WriteOutcome {
  failed: boolean;
  body: Uint8Array;
}

/** Thrown while a write is applied when part of it took effect and shall stay. */
export class PartialWrite extends Error {
  readonly reason: LioranError;

  constructor(reason: LioranError) {
    super(reason.message);
    this.reason = reason;
  }
}
