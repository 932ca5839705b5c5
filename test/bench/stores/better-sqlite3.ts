import { join } from "node:path";
import { loadSqlite, type SqliteDatabase } from "./peers.js";
import {
  type BenchDocument,
  type BenchDurability,
  type QueryName,
  RANGE_LIMIT,
  repeatFor,
  SCAN_SCORE,
  type Store,
  type Value,
} from "./store.js";

/** Longest wait for another process's write lock before SQLite gives up. */
const BUSY_TIMEOUT_MS = 30_000;

/** As its manual advises for many processes: write-ahead log, prepared statements, busy timeout. */
export async function openSqlite(root: string, durability: BenchDurability): Promise<Store> {
  const Database = loadSqlite();
  const database = new Database(join(root, "bench.sqlite"), { timeout: BUSY_TIMEOUT_MS });
  database.pragma("journal_mode = WAL");
  database.pragma(`synchronous = ${durability === "flushed" ? "FULL" : "NORMAL"}`);
  database.exec(
    "CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
  );
  const select = database.prepare("SELECT body FROM people WHERE id = ?");
  const insert = database.prepare("INSERT INTO people (id, body) VALUES (?, ?)");
  const increment = database.prepare(
    "UPDATE people SET body = json_set(body, '$.score', json_extract(body, '$.score') + 1) WHERE id = ?",
  );
  const insertOne = (document: BenchDocument) => insert.run(document._id, JSON.stringify(document));

  return {
    fill: async (documents) => {
      database.exec("BEGIN IMMEDIATE");
      for (const document of documents) insertOne(document);
      database.exec("COMMIT");
    },
    readFor: async (ids, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        const row = select.get(ids[n % ids.length]) as { body: string };
        JSON.parse(row.body);
        n++;
      }
      return n;
    },
    // A synchronous library has one call open at a time, whatever its caller would like.
    insertFor: async (next, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        insertOne(next());
        n++;
      }
      return n;
    },
    insert: async (document) => {
      insertOne(document);
    },
    incrementFor: async (nextId, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        increment.run(nextId());
        n++;
      }
      return n;
    },
    createIndex: async (field) => {
      database.exec(`CREATE INDEX IF NOT EXISTS people_${field} ON people (${fieldOf(field)})`);
    },
    queryFor: async (query, values, durationMs) =>
      repeatFor(queries(database)[query], values, durationMs),
    close: async () => database.close(),
  };
}

function queries(database: SqliteDatabase): Record<QueryName, (value: Value) => unknown> {
  const where = (condition: string) =>
    database.prepare(`SELECT body FROM people WHERE ${condition}`);
  const score = fieldOf("score");
  const range = where(`${score} >= ? ORDER BY ${score} LIMIT ${RANGE_LIMIT}`);
  const equality = where(`${fieldOf("code")} = ?`);
  const scan = where(`${fieldOf("city")} = ? AND ${score} >= ${SCAN_SCORE}`);
  const count = database.prepare(`SELECT count(*) FROM people WHERE ${fieldOf("age")} = ?`);
  const group = database.prepare(
    `SELECT ${fieldOf("group")}, count(*), sum(${score}) FROM people GROUP BY 1`,
  );
  return {
    range: (value) => range.all(value).map(parsed),
    equality: (value) => equality.all(value).map(parsed),
    "equality-one": (value) => parsed(equality.get(value)),
    count: (value) => count.get(value),
    scan: (value) => scan.all(value).map(parsed),
    group: () => group.all(),
  };
}

function fieldOf(name: keyof BenchDocument): string {
  return `json_extract(body, '$.${name}')`;
}

function parsed(row: unknown): unknown {
  return JSON.parse((row as { body: string }).body);
}
