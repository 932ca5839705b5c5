import type { Series } from "../report.js";
import { timesAsFast, type Verdict } from "../report.js";
import type { BenchDurability, StoreName } from "../stores/store.js";
import type { Workload } from "../workload.js";
import { fourClients } from "./four-clients.js";

/** Calls that each client of an asynchronous contender keeps open. */
const IN_FLIGHT = 64;

/** Acknowledged once it is on the disk. */
export const insertDurable = insert("insert-durable", "flushed", {
  stores: ["LioranDB", "better-sqlite3", "lmdb"],
  verdicts: (series) => [
    ...timesAsFast(series, "better-sqlite3", 10),
    ...timesAsFast(series, "lmdb", 1),
  ],
});

/** Acknowledged once it is committed: a crash of the process loses nothing, one of the system may. */
export const insertCommitted = insert("insert-committed", "committed", {
  stores: ["LioranDB", "better-sqlite3", "rave-level", "lmdb"],
  verdicts: (series) => [
    ...timesAsFast(series, "better-sqlite3", 3),
    ...timesAsFast(series, "rave-level", 2),
    ...timesAsFast(series, "lmdb"),
  ],
});

/** Four client processes insert one document per call, into a collection with one more index. */
function insert(
  name: string,
  durability: BenchDurability,
  { stores, verdicts }: { stores: StoreName[]; verdicts(series: Series[]): Verdict[] },
): Workload {
  return {
    name,
    stores,
    run: async (context) => {
      const series = await fourClients(
        context,
        (client, durationMs) => client.call("insert", durationMs, IN_FLIGHT),
        { durability, index: "code" },
      );
      return {
        title: `${name}: four client processes, ${IN_FLIGHT} insertOne in flight each, one index`,
        unit: "ops/s",
        series,
        verdicts: verdicts(series),
      };
    },
  };
}
