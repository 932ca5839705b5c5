/**
 * Makes far dates exact. cbor-x writes a date as the double of its seconds and reads it back as
 * `Math.round(seconds * 1000)`, which is one millisecond off for every few dates some 70,000 years
 * from now. The dates are corrected where they are written, in the bytes: there is always a double
 * beside the nearest one that reads back as the right millisecond.
 */
import { invariant } from "../invariant.js";
import { headerBytes, MAJOR_BYTES, MAJOR_TEXT, readDouble, readLength } from "./scan.js";

const TAG_DATE = 0xc1;
const HEAD_DOUBLE = 0xfb;
/** Below this the product of seconds and 1000 is too exact to be rounded to a wrong millisecond. */
const secondsExact = 2 ** 41;

const wide = new DataView(new ArrayBuffer(8));
const indexOf = Uint8Array.prototype.indexOf;

/** Corrects the dates in bytes that were encoded just now; most values have none to correct. */
export function correctDates(bytes: Uint8Array): void {
  // The tag's byte never occurs in UTF-8: most values without dates end here, at native speed.
  if (indexOf.call(bytes, TAG_DATE) === -1) return;
  // Items lie one behind the other in the order of their headers, however they are nested.
  for (let position = 0; position < bytes.length; ) {
    const head = bytes[position]!;
    if (head === TAG_DATE && bytes[position + 1] === HEAD_DOUBLE) correctDate(bytes, position + 1);
    const major = head >> 5;
    const isString = major === MAJOR_BYTES || major === MAJOR_TEXT;
    position += headerBytes(head) + (isString ? readLength(bytes, position) : 0);
  }
}

function correctDate(bytes: Uint8Array, position: number): void {
  const seconds = readDouble(bytes, position);
  if (Math.abs(seconds) < secondsExact) return;
  const read = Math.round(seconds * 1000);
  // Doubles lie closer than milliseconds here, so one date at most has this double as its nearest.
  const meant = [read, read - 1, read + 1].find((ms) => ms / 1000 === seconds);
  if (meant === undefined || meant === read) return;
  for (const step of [1n, -1n]) {
    wide.setFloat64(0, seconds);
    wide.setBigInt64(0, wide.getBigInt64(0) + step);
    if (Math.round(wide.getFloat64(0) * 1000) !== meant) continue;
    for (let i = 0; i < 8; i++) bytes[position + 1 + i] = wide.getUint8(i);
    return;
  }
  invariant(false, "a double beside the nearest one reads back as the right millisecond");
}
