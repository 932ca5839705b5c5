import { AgentProcess } from "../agent-process.js";
import { delayVerdict, timesAsFast } from "../report.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 500_000;
const CITIES = ["Osaka", "Quito"];

/** One process searches all documents by two fields that have no index, one search after the other. */
export const filterScan: Workload = {
  name: "filter-scan",
  stores: ["LioranDB", "better-sqlite3", "lmdb"],
  run: async (context) => {
    const agents: AgentProcess[] = [];
    const contenders: Contender[] = [];
    const delaysMs: number[] = [];
    for (const name of context.stores) {
      const options = { cores: 1 };
      const agent = await AgentProcess.start(name, await temporaryFolder(), "process", options);
      agents.push(agent);
      await agent.call("fill", DOCUMENTS);
      contenders.push({
        name,
        measure: async (durationMs) => {
          await agent.call("startWatching");
          const scans = (await agent.call("query", "scan", CITIES, durationMs))!;
          const { loopDelayMs } = await agent.call("stopWatching");
          if (name === "LioranDB") delaysMs.push(loopDelayMs);
          return scans * DOCUMENTS;
        },
      });
    }
    const series = await interleave(contenders, context);
    for (const agent of agents) await agent.stop();
    return {
      title: `filter-scan: find({ city, score: { $gte } }) over ${DOCUMENTS} documents, no index, one thread`,
      unit: "documents/s",
      series,
      verdicts: [...timesAsFast(series, "better-sqlite3", 1), ...delayVerdict(delaysMs)],
    };
  },
};
