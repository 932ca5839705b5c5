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
  batch(
    operations: { type: "put"; key: string; value: BenchValue | string }[],
    options?: { sync?: boolean },
  ): Promise<void>;
}
type BenchValue = object;

/** The part of nedb that the benchmarks use. */
export interface NedbDatastore {
  loadDatabaseAsync(): Promise<void>;
  insertAsync(documents: BenchValue | BenchValue[]): Promise<unknown>;
  findOneAsync(query: BenchValue): Promise<unknown>;
}

export function loadNedb(): new (options: { filename: string }) => NedbDatastore {
  return requirePeer("@seald-io/nedb");
}

export function loadSqlite(): new (file: string, options: { timeout: number }) => SqliteDatabase {
  return requirePeer("better-sqlite3");
}

/** The part of echarts that draws a picture without a browser. */
export interface Charts {
  init(
    element: null,
    theme: null,
    options: { renderer: "svg"; ssr: true; width: number; height: number },
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void };
}

export function loadCharts(): Charts {
  return requirePeer("echarts");
}

export function loadRaveLevel(): new (
  folder: string,
  options: { valueEncoding: "json" },
) => RaveLevelDatabase {
  return requirePeer("rave-level").RaveLevel;
}
