import { createRequire } from "node:module";

/**
 * The peers live in the source folder's own `node_modules` (prepare.mjs), this code is compiled into
 * `dist`: so they are looked up from there.
 */
const requirePeer = createRequire(
  new URL("../../../../test/bench/peers/package.json", import.meta.url),
);

/** The part of better-sqlite3 that the benchmarks use. */
export interface SqliteStatement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}
export interface SqliteDatabase {
  pragma(text: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** The part of rave-level that the benchmarks use. */
export interface RaveLevelDatabase {
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: string): Promise<BenchValue>;
  put(key: string, value: BenchValue, options?: { sync?: boolean }): Promise<void>;
  batch(operations: { type: "put"; key: string; value: BenchValue }[]): Promise<void>;
}
type BenchValue = object;

export function loadSqlite(): new (file: string, options: { timeout: number }) => SqliteDatabase {
  return requirePeer("better-sqlite3");
}

export function loadRaveLevel(): new (
  folder: string,
  options: { valueEncoding: "json" },
) => RaveLevelDatabase {
  return requirePeer("rave-level").RaveLevel;
}
