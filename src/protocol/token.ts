/** The token of the handshake: whoever knows it can read the root. */
import { createHash, timingSafeEqual } from "node:crypto";

/** Compares two secrets in a time that says nothing about where, or in which length, they differ. */
export function sameToken(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
