import { AgentProcess } from "../agent-process.js";
import { delayVerdict, median, type Series, timesAsFast, type Verdict } from "../report.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 1_000_000;
const GOAL_TIMES_ONE_THREAD = 1.7;
const GOAL_TIMES_SQLITE = 2;
const oneThread = "LioranDB, one thread";

/** As `filter-scan`, over more documents, with as many threads as there are. */
export const parallelScan = parallel("parallel-scan", "scan", ["Osaka", "Quito"], {
  title: `parallel-scan: find({ city, score: { $gte } }) over ${DOCUMENTS} documents, no index`,
});

/** A thousand groups of as many documents. */
export const parallelGroup = parallel("parallel-group", "group", [0], {
  title: `parallel-group: aggregate([{ $group }]) of ${DOCUMENTS} documents, 1000 groups`,
});

function parallel(
  name: string,
  query: "scan" | "group",
  values: (string | number)[],
  { title }: { title: string },
): Workload {
  return {
    name,
    stores: ["LioranDB", "better-sqlite3"],
    run: async (context) => {
      const agents: AgentProcess[] = [];
      const contenders: Contender[] = [];
      const delaysMs: number[] = [];
      const add = async (label: string, store: "LioranDB" | "better-sqlite3", cores: number) => {
        const agent = await AgentProcess.start(store, await temporaryFolder(), "process", {
          cores,
        });
        agents.push(agent);
        await agent.call("fill", DOCUMENTS);
        contenders.push({
          name: label,
          measure: async (durationMs) => {
            await agent.call("startWatching");
            const times = (await agent.call("query", query, values, durationMs))!;
            const { loopDelayMs } = await agent.call("stopWatching");
            if (label === "LioranDB") delaysMs.push(loopDelayMs);
            return times * DOCUMENTS;
          },
        });
      };
      for (const store of context.stores) {
        await add(store, store as "LioranDB", 2);
        if (store === "LioranDB") await add(oneThread, store, 1);
      }
      const series = await interleave(contenders, context);
      for (const agent of agents) await agent.stop();
      return {
        title,
        unit: "documents/s",
        series,
        verdicts: [
          ...againstOneThread(series),
          ...timesAsFast(series, "better-sqlite3", GOAL_TIMES_SQLITE),
          ...delayVerdict(delaysMs),
        ],
      };
    },
  };
}

function againstOneThread(series: Series[]): Verdict[] {
  const [ours, one] = ["LioranDB", oneThread].map((name) =>
    series.find((each) => each.name === name),
  );
  if (!ours || !one) return [];
  const times = median(ours.samples) / median(one.samples);
  return [
    {
      text: `${times.toFixed(2)} times as fast as one thread`,
      goal: `at least ${GOAL_TIMES_ONE_THREAD}`,
      met: times >= GOAL_TIMES_ONE_THREAD,
    },
  ];
}
