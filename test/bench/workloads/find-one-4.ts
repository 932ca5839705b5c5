import { timesAsFast } from "../report.js";
import { FILLED_DOCUMENTS, type Workload } from "../workload.js";
import { fourClients } from "./four-clients.js";

/** Four client processes read documents by id, each one after the other. */
export const findOne4: Workload = {
  name: "find-one-4",
  stores: ["LioranDB", "better-sqlite3", "rave-level", "lmdb"],
  run: async (context) => {
    const series = await fourClients(context, (client, durationMs) =>
      client.call("read", FILLED_DOCUMENTS, durationMs),
    );
    return {
      title: "find-one-4: awaited findOne({ _id }), four client processes together",
      unit: "ops/s",
      series,
      verdicts: [
        ...timesAsFast(series, "better-sqlite3", 2.5),
        ...timesAsFast(series, "rave-level", 30),
        ...timesAsFast(series, "lmdb"),
      ],
    };
  },
};
