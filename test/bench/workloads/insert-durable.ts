import { timesAsFast } from "../report.js";
import type { Workload } from "../workload.js";
import { fourClients } from "./four-clients.js";

/** Calls that each client of an asynchronous contender keeps open. */
const IN_FLIGHT = 64;

/** Four client processes insert one document per call, acknowledged once it is on the disk. */
export const insertDurable: Workload = {
  name: "insert-durable",
  stores: ["LioranDB", "better-sqlite3"],
  run: async (context) => {
    const series = await fourClients(context, (client, durationMs) =>
      client.call("insert", durationMs, IN_FLIGHT),
    );
    return {
      title: `insert-durable: four client processes, ${IN_FLIGHT} insertOne in flight each`,
      unit: "ops/s",
      series,
      verdicts: timesAsFast(series, "better-sqlite3", 5),
    };
  },
};
