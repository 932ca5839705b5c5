/** Ways in which the bytes of a file go wrong. What they choose follows from the random numbers alone. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Random } from "../../support/soak.js";

const pageBytes = 4096;
/** LMDB's two pages of roots come first. */
const metaPages = 2;

type Damage = (fd: number, bytes: number, random: Random) => string;

export const damages = {
  flippedBits(fd, bytes, random) {
    const bits = 1 + random.below(8);
    for (let n = 0; n < bits; n += 1) {
      const at = random.below(bytes);
      const byte = readAt(fd, at, 1);
      byte[0] ^= 1 << random.below(8);
      writeSync(fd, byte, 0, 1, at);
    }
    return `${bits} bits`;
  },
  flippedMetaBit(fd, bytes, random) {
    const at = random.below(Math.min(bytes, 2)) * pageBytes + random.below(168);
    const byte = readAt(fd, at % bytes, 1);
    byte[0] ^= 1 << random.below(8);
    writeSync(fd, byte, 0, 1, at % bytes);
    return `a bit of byte ${at}`;
  },
  flippedHeaderBit(fd, bytes, random) {
    // What a page says about itself stands in its first bytes.
    const at = random.below(Math.ceil(bytes / pageBytes)) * pageBytes + random.below(64);
    const byte = readAt(fd, at % bytes, 1);
    byte[0] ^= 1 << random.below(8);
    writeSync(fd, byte, 0, 1, at % bytes);
    return `a bit of byte ${at}`;
  },
  overwritten(fd, bytes, random) {
    const length = 1 + random.below(Math.min(512, bytes));
    const at = random.below(bytes - length + 1);
    const noise = Buffer.from(Array.from({ length }, () => random.below(256)));
    writeSync(fd, noise, 0, length, at);
    return `${length} bytes at ${at}`;
  },
  zeroed(fd, bytes, random) {
    const length = Math.min(pageBytes, bytes);
    const at = Math.floor(random.below(bytes) / pageBytes) * pageBytes;
    writeSync(fd, Buffer.alloc(length), 0, Math.min(length, bytes - at), at);
    return `the page at ${at}`;
  },
  truncated(fd, bytes, random) {
    const left = random.below(bytes);
    ftruncateSync(fd, left);
    return `to ${left} of ${bytes} bytes`;
  },
  lostTail(fd, bytes, random) {
    const pages = Math.ceil(bytes / pageBytes);
    const left = Math.max(metaPages, pages - 1 - random.below(Math.min(8, pages))) * pageBytes;
    ftruncateSync(fd, Math.min(left, bytes));
    return `to ${left} of ${bytes} bytes`;
  },
  swapped(fd, bytes, random) {
    const pages = Math.floor(bytes / pageBytes);
    if (pages < metaPages + 2) return "nothing";
    const [one, other] = [0, 0].map(() => metaPages + random.below(pages - metaPages));
    const [first, second] = [one, other].map((page) => readAt(fd, page! * pageBytes, pageBytes));
    writeSync(fd, second!, 0, pageBytes, one! * pageBytes);
    writeSync(fd, first!, 0, pageBytes, other! * pageBytes);
    return `pages ${one} and ${other}`;
  },
  extended(fd, bytes, random) {
    const length = 1 + random.below(2 * pageBytes);
    writeSync(fd, Buffer.alloc(length, random.below(256)), 0, length, bytes);
    return `by ${length} bytes`;
  },
} satisfies Record<string, Damage>;

export type DamageKind = keyof typeof damages;

/** Damages the file. @returns what was done, for messages */
export function damageFile(path: string, kind: DamageKind, random: Random): string {
  const fd = openSync(path, "r+");
  try {
    const bytes = fstatSync(fd).size;
    return bytes === 0 ? "nothing" : damages[kind](fd, bytes, random);
  } finally {
    closeSync(fd);
  }
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  return bytes;
}
