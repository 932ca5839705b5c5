/**
 * A part of a collection on its way into an index that is being built: the entries of many documents in the order
 * of their keys, because entries that are stored in order touch each page of the index once. They are gathered in
 * sorted pieces, a few milliseconds each, and merged when they are stored.
 *
 * Owning thread: the Host.
 *
 * Invariant: a document that is written after the run has begun is noted (`noteChange`); its entries here may be
 * outdated and are not stored.
 */
import { keyPrefixBytes } from "../limits.js";
import { compileIndex } from "../query/index-keys.js";
import type { CollectionEntry, IndexEntry } from "../storage/catalog.js";
import type { Environment } from "../storage/environment.js";
import type { IndexEntryBytes } from "../storage/index-entries.js";
import { scanCollection } from "../storage/range-scanner.js";
import { indexedPart } from "./stored-documents.js";

/** An entry, and the beginning of its values as a number: most entries are told apart by that. */
interface RunEntry extends IndexEntryBytes {
  readonly head: number;
}

/** Six bytes make a number that is exact. What is missing counts as zero, which sorts first as well. */
function headOf(key: Uint8Array): number {
  const at = keyPrefixBytes;
  const high = ((key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!) >>> 0;
  return high * 0x10000 + ((key[at + 4]! << 8) | key[at + 5]!);
}

function compareEntries(a: RunEntry, b: RunEntry): number {
  return a.head - b.head || Buffer.compare(a.key, b.key);
}

interface Piece {
  readonly entries: readonly RunEntry[];
  at: number;
}

export class IndexRun {
  /** Kinds of entries that the catalog has to know of. */
  readonly multikey = new Set<number>();
  isCut = false;
  /** Key of the last `_id` that was gathered; empty before the first. */
  lastId: Uint8Array;
  /** The collection had no more documents when they were gathered. */
  isLast = false;
  documents = 0;
  bytes = 0;
  /** A heap: the piece whose next entry has the lowest key comes first. */
  readonly #pieces: Piece[] = [];
  /** Taken since the last confirmation, and how many of them have been taken again. */
  #taken: RunEntry[] = [];
  #again = 0;

  constructor(after: Uint8Array) {
    this.lastId = after;
  }

  /** Gathers the next documents, as long as there is time. @throws CANNOT_INDEX_PARALLEL_ARRAYS */
  gather(
    environment: Environment,
    entry: CollectionEntry,
    index: IndexEntry,
    untilMs: number,
  ): void {
    const compiled = compileIndex(index);
    const range = this.lastId.length > 0 ? { lower: { key: this.lastId, inclusive: false } } : {};
    const entries: RunEntry[] = [];
    const scanner = scanCollection(environment, entry.id, range, false);
    try {
      this.isLast = true;
      while (scanner.next()) {
        const idKey = scanner.key();
        const document = indexedPart(entry, scanner.bytes);
        const { entries: made, multikey, isCut } = compiled.entriesOf(document, idKey);
        for (const { key, value } of made) {
          entries.push({ key, value, head: headOf(key) });
          this.bytes += key.length + value.length + entryBytes;
        }
        for (const at of multikey) this.multikey.add(at);
        this.isCut ||= isCut;
        this.lastId = idKey;
        this.documents += 1;
        if (this.documents % 64 === 0 && performance.now() > untilMs) {
          this.isLast = false;
          break;
        }
      }
    } finally {
      scanner.close();
    }
    if (entries.length === 0) return;
    entries.sort(compareEntries);
    this.#pieces.push({ entries, at: 0 });
    this.#rise(this.#pieces.length - 1);
  }

  /** Begins anew with what was not confirmed: a commit that failed with others is tried again alone. */
  rewind(): void {
    this.#again = 0;
  }

  /** What has been taken since the last {@link rewind} is committed: there may have been less time than before it. */
  confirm(): void {
    this.#taken.splice(0, this.#again);
    this.#again = 0;
  }

  /** The entry with the lowest key; undefined when all have been taken. */
  take(): IndexEntryBytes | undefined {
    const entry = this.#taken[this.#again] ?? this.#takeLowest();
    if (!entry) return undefined;
    if (this.#again === this.#taken.length) this.#taken.push(entry);
    this.#again += 1;
    return entry;
  }

  #takeLowest(): RunEntry | undefined {
    const [piece] = this.#pieces;
    if (!piece) return undefined;
    const entry = piece.entries[piece.at]!;
    piece.at += 1;
    if (piece.at === piece.entries.length) {
      const last = this.#pieces.pop()!;
      if (last !== piece) this.#pieces[0] = last;
    }
    this.#sink();
    return entry;
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#pieces[a]!, this.#pieces[b]!];
    return compareEntries(one.entries[one.at]!, other.entries[other.at]!) < 0;
  }

  #swap(a: number, b: number): void {
    const one = this.#pieces[a]!;
    this.#pieces[a] = this.#pieces[b]!;
    this.#pieces[b] = one;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      let lowest = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#pieces.length && this.#isBefore(child, lowest)) lowest = child;
      }
      if (lowest === at) return;
      this.#swap(at, lowest);
      at = lowest;
    }
  }
}

/** What an entry takes besides its bytes. */
const entryBytes = 256;
