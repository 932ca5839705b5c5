import { timesAsFast } from "../report.js";
import type { BenchDurability } from "../stores/store.js";
import { FILLED_DOCUMENTS, type Workload } from "../workload.js";
import { fourClients } from "./four-clients.js";

/** Calls that each client of an asynchronous contender keeps open. */
const IN_FLIGHT = 32;

export const incrementDurable = increment("increment-durable", "flushed", { sqlite: 5, lmdb: 1 });
export const incrementCommitted = increment("increment-committed", "committed", {
  sqlite: 2.5,
  lmdb: 0.9,
});

/** Four client processes add one to a number of documents that they choose at random. */
function increment(
  name: string,
  durability: BenchDurability,
  goalTimes: { sqlite: number; lmdb: number },
): Workload {
  return {
    name,
    stores: ["LioranDB", "better-sqlite3", "lmdb"],
    run: async (context) => {
      const series = await fourClients(
        context,
        (client, durationMs) => client.call("increment", FILLED_DOCUMENTS, durationMs, IN_FLIGHT),
        { durability },
      );
      return {
        title: `${name}: four client processes, ${IN_FLIGHT} updateOne({ _id }, { $inc }) in flight each`,
        unit: "ops/s",
        series,
        verdicts: [
          ...timesAsFast(series, "better-sqlite3", goalTimes.sqlite),
          ...timesAsFast(series, "lmdb", goalTimes.lmdb),
        ],
      };
    },
  };
}
