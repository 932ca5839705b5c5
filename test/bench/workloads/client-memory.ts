import { setTimeout as pause } from "node:timers/promises";
import { AgentProcess, startAgents } from "../agent-process.js";
import { median, type Series } from "../report.js";
import type { StoreName } from "../stores/store.js";
import { temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 500_000;
const READS = 10_000;
const GOAL_MIB = 40;
/** Reads and scan may be over before a client has made its standby thread, which belongs to it. */
const STEADY_MS = 2_000;

/** What a client process has of its own after many reads and a scan, above what it had before it opened the root. */
export const clientMemory: Workload = {
  name: "client-memory",
  stores: ["LioranDB", "better-sqlite3", "lmdb"],
  run: async ({ stores, rounds }) => {
    const series: Series[] = [];
    for (const store of stores) {
      const root = await temporaryFolder();
      const [first] = await startAgents(store, root, ["primary"]);
      await first!.call("fill", DOCUMENTS);
      const samples: number[] = [];
      for (let round = 0; round < rounds; round++) samples.push(await growthMiB(store, root));
      await first!.stop();
      series.push({ name: store, samples });
    }
    const ours = series.find(({ name }) => name === "LioranDB");
    const mebibytes = ours ? median(ours.samples) : Number.NaN;
    return {
      title: `client-memory: after ${READS.toLocaleString("en-US")} reads by id and one scan of ${DOCUMENTS.toLocaleString("en-US")} documents`,
      unit: "MiB",
      series,
      verdicts: ours
        ? [
            {
              text: `${mebibytes.toFixed(1)} MiB above a process that opened nothing`,
              goal: `at most ${GOAL_MIB} MiB`,
              met: mebibytes <= GOAL_MIB,
            },
          ]
        : [],
    };
  },
};

async function growthMiB(store: StoreName, root: string): Promise<number> {
  const client = await AgentProcess.start(store, root, "client");
  await client.call("readTimes", DOCUMENTS, READS);
  await client.call("query", "scan", ["Osaka"], 1);
  await pause(STEADY_MS);
  const mebibytes = await client.call("memoryGrowthMiB");
  await client.stop();
  return mebibytes;
}
