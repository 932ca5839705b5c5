import { join } from "node:path";
import { loadSqlite } from "./peers.js";
import type { BenchDocument, Store } from "./store.js";

/** Longest wait for another process's write lock before SQLite gives up. */
const BUSY_TIMEOUT_MS = 30_000;

/** As its manual advises for many processes: write-ahead log, prepared statements, busy timeout. */
export async function openSqlite(root: string): Promise<Store> {
  const Database = loadSqlite();
  const database = new Database(join(root, "bench.sqlite"), { timeout: BUSY_TIMEOUT_MS });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(
    "CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
  );
  const select = database.prepare("SELECT body FROM people WHERE id = ?");
  const scan = database.prepare(
    "SELECT body FROM people WHERE json_extract(body, '$.city') = ? AND json_extract(body, '$.score') > ?",
  );
  const insert = database.prepare("INSERT INTO people (id, body) VALUES (?, ?)");
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
    scanFor: async (city, score, durationMs) => {
      const end = performance.now() + durationMs;
      let n = 0;
      while (performance.now() < end) {
        const rows = scan.all(city, score) as { body: string }[];
        for (const { body } of rows) JSON.parse(body);
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
    close: async () => database.close(),
  };
}
