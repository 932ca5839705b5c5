import { AgentProcess } from "../agent-process.js";
import { median, type Series, type Verdict } from "../report.js";
import { temporaryFolder, type Workload } from "../workload.js";

const FEW_DOCUMENTS = 100_000;
const MANY_DOCUMENTS = 500_000;
/** What the collector of garbage may be late by. */
const GOAL_EXTRA_MIB = 32;

/** A thousand groups of a collection, and of one five times as large: only the groups are held. */
export const groupByMemory: Workload = {
  name: "group-by-memory",
  stores: ["LioranDB", "better-sqlite3"],
  run: async ({ stores, rounds }) => {
    const series: Series[] = [];
    const growthMiB: number[] = [];
    for (const documents of [FEW_DOCUMENTS, MANY_DOCUMENTS]) {
      const timesMs = new Map<string, number[]>();
      const agents = [];
      for (const name of stores) {
        const agent = await AgentProcess.start(name, await temporaryFolder(), "process");
        agents.push({ name, agent });
        await agent.call("fill", documents);
      }
      for (let round = 0; round < rounds; round++) {
        for (const { name, agent } of agents) {
          // The memory of the first time: later ones find it in the thread already.
          if (round === 0) await agent.call("startWatching");
          const perSecond = await agent.call("query", "group", [0], 1);
          if (round === 0 && name === "LioranDB") {
            growthMiB.push((await agent.call("stopWatching")).memoryGrowthMiB);
          }
          if (perSecond === undefined) continue;
          timesMs.set(name, [...(timesMs.get(name) ?? []), 1_000 / perSecond]);
        }
      }
      for (const { agent } of agents) await agent.stop();
      for (const [name, samples] of timesMs) {
        series.push({ name: `${name}, ${documents} documents`, samples });
      }
    }
    const isThere = series.some(({ name }) => name.startsWith("LioranDB"));
    return {
      title: isThere ? title : `${title} (LioranDB has no aggregate() yet)`,
      unit: "ms",
      series,
      verdicts: isThere ? [...memoryVerdict(growthMiB), ...timeVerdict(series)] : [],
    };
  },
};

const title = "group-by-memory: aggregate([{ $group }]) with 1000 groups";

function memoryVerdict([few, many]: number[]): Verdict[] {
  const extra = many! - few!;
  return [
    {
      text: `${few!.toFixed(0)} MiB for ${FEW_DOCUMENTS} documents, ${many!.toFixed(0)} MiB for ${MANY_DOCUMENTS}`,
      goal: `at most ${GOAL_EXTRA_MIB} MiB more`,
      met: extra <= GOAL_EXTRA_MIB,
    },
  ];
}

function timeVerdict(series: Series[]): Verdict[] {
  const of = (store: string) =>
    series.find(({ name }) => name === `${store}, ${MANY_DOCUMENTS} documents`);
  const ours = of("LioranDB");
  const theirs = of("better-sqlite3");
  if (!ours || !theirs) return [];
  const times = median(theirs.samples) / median(ours.samples);
  return [
    {
      text: `${times.toFixed(2)} times as fast as better-sqlite3`,
      goal: "at least 1",
      met: times >= 1,
    },
  ];
}
