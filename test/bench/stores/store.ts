/**
 * What a benchmark asks of every contender. The loops belong to the store, not to the caller, so that
 * a synchronous contender is never slowed down by promises that its own users would not have.
 */
export interface Store {
  /** Stores documents as fast as the contender can; not measured. */
  fill(documents: BenchDocument[]): Promise<void>;
  /** Reads one document after the other by id, each up to a plain object. */
  readFor(ids: string[], durationMs: number): Promise<number>;
  /**
   * Finds the filled documents with this city and a score above this one, without an index, each up to
   * a plain object, again and again. @returns how often
   */
  scanFor?(city: string, score: number, durationMs: number): Promise<number>;
  /** Inserts one document per call, durably, with at most `inFlight` calls open. */
  insertFor(next: () => BenchDocument, durationMs: number, inFlight: number): Promise<number>;
  /** Inserts one document, as durably as `insertFor`. */
  insert(document: BenchDocument): Promise<void>;
  close(): Promise<void>;
}

export type StoreName = "LioranDB" | "better-sqlite3" | "rave-level";

/** Six fields, about 100 bytes as JSON. */
export interface BenchDocument {
  _id: string;
  name: string;
  city: string;
  age: number;
  score: number;
  active: boolean;
}

const CITIES = ["Lisbon", "Nairobi", "Osaka", "Quito", "Riga", "Tromso"];

export function benchDocument(id: string, n: number): BenchDocument {
  return {
    _id: id,
    name: `Person ${n}`,
    city: CITIES[n % CITIES.length]!,
    age: 18 + (n % 70),
    score: (n * 7919) % 100_000,
    active: n % 3 === 0,
  };
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
