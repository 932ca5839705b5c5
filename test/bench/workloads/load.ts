import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startAgents } from "../agent-process.js";
import { type LoadKind, loadKinds } from "../load-kinds.js";
import { median, percentile, type Series } from "../report.js";
import { temporaryFolder, type Workload } from "../workload.js";

const SPAN_MS = 2_000;
const GOAL_TIMES = 20;
/** How many processes make each load. */
const PROCESSES: Record<LoadKind, number> = {
  "in-flight": 1,
  unread: 1,
  silent: 1,
  "slow-cursor": 10,
  processes: 100,
};

/** Processes of a load that start at a time: starting them is not what is measured. */
const TOGETHER = 5;

/** A client's 99th percentile of insertOne, while the primary is idle and under each kind of load. */
export const load: Workload = {
  name: "load",
  stores: ["LioranDB"],
  run: async ({ stores, rounds }) => {
    const series: Series[] = ["idle", ...loadKinds].map((name) => ({ name, samples: [] }));
    if (stores[0] !== "LioranDB") return { title: "load", unit: "ms", series: [], verdicts: [] };
    const root = await temporaryFolder();
    const [primary, client] = await startAgents("LioranDB", root, ["primary", "client"]);
    await end(await begin(root, "fill", 1));
    await client!.call("insertLatencies", SPAN_MS / 4);
    for (let round = 0; round < rounds; round++) {
      series[0]!.samples.push(percentile(await client!.call("insertLatencies", SPAN_MS), 99));
      for (const [at, kind] of loadKinds.entries()) {
        const children = await begin(root, kind, PROCESSES[kind]);
        const latencies = await client!.call("insertLatencies", SPAN_MS);
        series[at + 1]!.samples.push(percentile(latencies, 99));
        await end(children);
      }
    }
    await client!.stop();
    await primary!.stop();
    const idle = median(series[0]!.samples);
    return {
      title: "load: 99th percentile of a client's awaited insertOne beside a load",
      unit: "ms",
      series,
      verdicts: series.slice(1).map(({ name, samples }) => {
        const times = median(samples) / idle;
        return {
          text: `${name}: ${times.toFixed(1)} times idle`,
          goal: `at most ${GOAL_TIMES}`,
          met: times <= GOAL_TIMES,
        };
      }),
    };
  },
};

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts the processes of a load. @returns them, when all have begun */
async function begin(root: string, kind: string, count: number): Promise<ChildProcess[]> {
  const children: ChildProcess[] = [];
  while (children.length < count) {
    const length = Math.min(TOGETHER, count - children.length);
    children.push(...(await Promise.all(Array.from({ length }, () => beginOne(root, kind)))));
  }
  return children;
}

async function beginOne(root: string, kind: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("../load-child.js", import.meta.url)), [root, kind]);
  running.add(child);
  await new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("exit", (code) => reject(new Error(`a process of "${kind}" ended (${code})`)));
  });
  return child;
}

async function end(children: ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      const exit = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exit;
      running.delete(child);
    }),
  );
}
