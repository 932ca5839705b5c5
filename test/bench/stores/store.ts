/**
 * What a benchmark asks of every contender. The loops belong to the store, not to the caller, so that
 * a synchronous contender is never slowed down by promises that its own users would not have.
 */
export interface Store {
  /** Stores documents as fast as the contender can; not measured. */
  fill(documents: BenchDocument[]): Promise<void>;
  /** Reads one document after the other by id, each up to a plain object. */
  readFor(ids: string[], durationMs: number): Promise<number>;
  /** Inserts one document per call, durably, with at most `inFlight` calls open. */
  insertFor(next: () => BenchDocument, durationMs: number, inFlight: number): Promise<number>;
  /** Inserts one document, as durably as `insertFor`. */
  insert(document: BenchDocument): Promise<void>;
  /** Inserts documents as they come, in one call. */
  insertStream?(documents: Iterable<BenchDocument>): Promise<void>;
  /** As `readFor`, with calls that overlap. */
  readOverlappingFor?(ids: string[], durationMs: number, inFlight: number): Promise<number>;
  /** Adds one to the score of one document per call, as durably as `insertFor`. */
  incrementFor?(nextId: () => string, durationMs: number, inFlight: number): Promise<number>;
  /** Gives a field an index; every process that writes has to ask for it. */
  createIndex?(field: IndexedField): Promise<void>;
  /**
   * Runs a query with one value after the other, each result up to plain objects.
   *
   * @returns how often; undefined when the contender has no such query
   */
  queryFor?(
    query: QueryName,
    values: readonly Value[],
    durationMs: number,
  ): Promise<number | undefined>;
  close(): Promise<void>;
}

export type StoreName = "LioranDB" | "better-sqlite3" | "rave-level" | "nedb" | "lmdb";

/** When a write is acknowledged: see the manual page on durability of each contender. */
export type BenchDurability = "flushed" | "committed";

export type IndexedField = "age" | "code" | "score";
export type Value = string | number;

/**
 * - `range`: the twenty documents of the lowest scores from a value on
 * - `equality`: all documents with a code; `equality-one`: the first of them
 * - `count`: how many documents have an age
 * - `scan`: those of a city with the highest scores, without an index
 * - `group`: for each group how many documents it has, and the sum of their scores
 */
export type QueryName = "range" | "equality" | "equality-one" | "count" | "scan" | "group";

export const RANGE_LIMIT = 20;
export const SCAN_SCORE = 99_990;

/** Eight fields, about 150 bytes as JSON. */
export interface BenchDocument {
  _id: string;
  name: string;
  city: string;
  age: number;
  score: number;
  active: boolean;
  code: string;
  group: number;
}

const CODES = 45_007;
export const AGES = 97;
export const GROUPS = 1_000;
export const SCORES = 100_000;

const CITIES = ["Lisbon", "Nairobi", "Osaka", "Quito", "Riga", "Tromso"];

export function benchDocument(id: string, n: number): BenchDocument {
  return {
    _id: id,
    name: `Person ${n}`,
    city: CITIES[n % CITIES.length]!,
    age: n % AGES,
    score: (n * 7919) % SCORES,
    active: n % 3 === 0,
    code: codeOf(n),
    group: (n * 31) % GROUPS,
  };
}

/** Two or three of 100,000 documents have the same one. */
export function codeOf(n: number): string {
  return `code-${n % CODES}`;
}

/** Runs `query` again and again until the time is over. For contenders that answer at once. */
export function repeatFor(
  query: (value: Value) => unknown,
  values: readonly Value[],
  durationMs: number,
): number {
  const end = performance.now() + durationMs;
  let n = 0;
  while (performance.now() < end) {
    query(values[n % values.length]!);
    n++;
  }
  return n;
}

export function filledId(n: number): string {
  return `person-${String(n).padStart(8, "0")}`;
}

/** Keeps `inFlight` calls open until the time is over, then waits for the last ones. */
export async function overlapFor(
  call: () => Promise<unknown>,
  durationMs: number,
  inFlight: number,
): Promise<number> {
  const end = performance.now() + durationMs;
  let finished = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await call();
      finished++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return finished;
}
