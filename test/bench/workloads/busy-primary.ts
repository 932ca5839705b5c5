import { startAgents } from "../agent-process.js";
import { median, percentile, type Series, type Verdict } from "../report.js";
import { temporaryFolder, type Workload } from "../workload.js";

const SPIN_MS = 2_000;
const GOAL_TIMES = 3;

/** A client's 99th percentile of insertOne, while the primary's main thread is idle or computes. */
export const busyPrimary: Workload = {
  name: "busy-primary",
  stores: ["LioranDB", "rave-level"],
  run: async ({ stores, rounds }) => {
    const series: Series[] = [];
    const agents = [];
    for (const name of stores) {
      const labels = ["primary", "client"];
      const [primary, client] = await startAgents(name, await temporaryFolder(), labels);
      await primary!.call("fill", 1_000);
      await client!.call("insertLatencies", SPIN_MS / 4);
      agents.push({ primary: primary!, client: client! });
      series.push({ name: `${name}, primary idle`, samples: [] });
      series.push({ name: `${name}, primary busy`, samples: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const [at, { primary, client }] of agents.entries()) {
        const idle = await client.call("insertLatencies", SPIN_MS);
        const [busy] = await Promise.all([
          client.call("insertLatencies", SPIN_MS),
          primary.call("spin", SPIN_MS),
        ]);
        series[at * 2]!.samples.push(percentile(idle, 99));
        series[at * 2 + 1]!.samples.push(percentile(busy, 99));
      }
    }
    for (const { primary, client } of agents) {
      await client.stop();
      await primary.stop();
    }
    return {
      title: "busy-primary: 99th percentile of a client's awaited insertOne",
      unit: "ms",
      series,
      verdicts: stores[0] === "LioranDB" ? [verdict(series[0]!, series[1]!)] : [],
    };
  },
};

function verdict(idle: Series, busy: Series): Verdict {
  const times = median(busy.samples) / median(idle.samples);
  return {
    text: `busy ${times.toFixed(2)} times idle`,
    goal: `at most ${GOAL_TIMES}`,
    met: times <= GOAL_TIMES,
  };
}
