import { AgentProcess } from "../agent-process.js";
import { delayVerdict, timesAsFastByRound } from "../report.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 1_000_000;
const GOAL_TIMES_ONE_THREAD = 1.7;
const GOAL_TIMES_SQLITE = 2;
const oneThread = "LioranDB, one thread";
/** Two processes with one thread each, on their own databases: what the machine's two cores are good for. */
const twoAtOnce = "LioranDB, two of one thread";
/** Rounds of a query or two: the machine's speed changes within seconds, and must not do so between contenders. */
const SHORTER = 6;

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
      const start = async (store: "LioranDB" | "better-sqlite3", cores: number) => {
        const agent = await AgentProcess.start(store, await temporaryFolder(), "process", {
          cores,
        });
        agents.push(agent);
        await agent.call("fill", DOCUMENTS);
        return agent;
      };
      const measure = async (agent: AgentProcess, durationMs: number) =>
        (await agent.call("query", query, values, durationMs))! * DOCUMENTS;
      const add = async (label: string, store: "LioranDB" | "better-sqlite3", cores: number) => {
        const agent = await start(store, cores);
        contenders.push({
          name: label,
          measure: async (durationMs) => {
            await agent.call("startWatching");
            const speed = await measure(agent, durationMs);
            const { loopDelayMs } = await agent.call("stopWatching");
            if (label === "LioranDB") delaysMs.push(loopDelayMs);
            return speed;
          },
        });
        return agent;
      };
      for (const store of context.stores) {
        await add(store, store as "LioranDB", 2);
        if (store !== "LioranDB") continue;
        const both = [await add(oneThread, store, 1), await start(store, 1)];
        contenders.push({
          name: twoAtOnce,
          measure: async (durationMs) => {
            const speeds = await Promise.all(both.map((agent) => measure(agent, durationMs)));
            return speeds.reduce((sum, speed) => sum + speed);
          },
        });
      }
      const { rounds, roundMs } = context;
      const shorter = { ...context, rounds: rounds * SHORTER, roundMs: roundMs / SHORTER };
      const series = await interleave(contenders, shorter);
      for (const agent of agents) await agent.stop();
      return {
        title,
        unit: "documents/s",
        series,
        verdicts: [
          ...timesAsFastByRound(series, oneThread, GOAL_TIMES_ONE_THREAD),
          ...timesAsFastByRound(series, twoAtOnce),
          ...timesAsFastByRound(series, "better-sqlite3", GOAL_TIMES_SQLITE),
          ...delayVerdict(delaysMs),
        ],
      };
    },
  };
}
