import { AgentProcess } from "../agent-process.js";
import { delayVerdict, timesAsFast } from "../report.js";
import type { QueryName, StoreName, Value } from "../stores/store.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 500_000;

/** Searches all documents by two fields that have no index. */
export const filterScan = heavy("filter-scan", "scan", {
  values: ["Osaka", "Quito"],
  stores: ["LioranDB", "better-sqlite3", "lmdb"],
  goalTimes: 2,
  shown: "find({ city, score: { $gte } })",
});

/** A thousand groups of all documents. */
export const groupBy = heavy("group-by", "group", {
  values: [0],
  stores: ["LioranDB", "better-sqlite3", "lmdb"],
  goalTimes: 3,
  shown: "aggregate([{ $group }]), 1000 groups",
});

interface Heavy {
  values: Value[];
  stores: StoreName[];
  /** How many times as fast as better-sqlite3. */
  goalTimes: number;
  /** The query as it is written. */
  shown: string;
}

/** One process asks what needs all documents, one query after the other, with the threads that it has by default. */
function heavy(name: string, query: QueryName, given: Heavy): Workload {
  const { values, stores, goalTimes, shown } = given;
  return {
    name,
    stores,
    run: async (context) => {
      const agents: AgentProcess[] = [];
      const contenders: Contender[] = [];
      const delaysMs: number[] = [];
      for (const store of context.stores) {
        const agent = await AgentProcess.start(store, await temporaryFolder(), "process");
        agents.push(agent);
        await agent.call("fill", DOCUMENTS);
        contenders.push({
          name: store,
          measure: async (durationMs) => {
            await agent.call("startWatching");
            const perSecond = (await agent.call("query", query, values, durationMs))!;
            const { loopDelayMs } = await agent.call("stopWatching");
            if (store === "LioranDB") delaysMs.push(loopDelayMs);
            return perSecond * DOCUMENTS;
          },
        });
      }
      const series = await interleave(contenders, context);
      for (const agent of agents) await agent.stop();
      return {
        title: `${name}: ${shown} over ${DOCUMENTS.toLocaleString("en-US")} documents, no index`,
        unit: "documents/s",
        series,
        verdicts: [
          ...timesAsFast(series, "better-sqlite3", goalTimes),
          ...timesAsFast(series, "lmdb"),
          ...delayVerdict(delaysMs),
        ],
      };
    },
  };
}
