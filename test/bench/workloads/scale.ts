import { AgentProcess } from "../agent-process.js";
import { median, type Series, type Verdict } from "../report.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const FEW = 10_000;
const MANY = 10_000_000;
const MANY_QUICK = 1_000_000;
const GOAL_TIMES = 0.6;
const IN_FLIGHT = 64;

/** What an operation costs in a small collection and in a large one. */
export const scale: Workload = {
  name: "scale",
  stores: ["LioranDB"],
  run: async (context) => {
    const many = context.rounds < 5 ? MANY_QUICK : MANY;
    const agents: AgentProcess[] = [];
    const contenders: Contender[] = [];
    for (const documents of [FEW, many]) {
      const agent = await AgentProcess.start("LioranDB", await temporaryFolder(), "process");
      agents.push(agent);
      await agent.call("createIndex", "code");
      // Piecewise: a call of an agent must not take longer than its deadline.
      const step = Math.min(documents, MANY_QUICK);
      for (let from = 0; from < documents; from += step) await agent.call("fill", step, from);
      const shown = documents.toLocaleString("en-US");
      contenders.push(
        {
          name: `reads, ${shown} documents`,
          measure: (durationMs) => agent.call("read", documents, durationMs),
        },
        {
          name: `inserts, ${shown} documents`,
          measure: (durationMs) => agent.call("insert", durationMs, IN_FLIGHT),
        },
      );
    }
    const series = await interleave(contenders, context);
    for (const agent of agents) await agent.stop();
    const [readsFew, insertsFew, readsMany, insertsMany] = series as [
      Series,
      Series,
      Series,
      Series,
    ];
    return {
      title: `scale: findOne({ _id }) one by one, and ${IN_FLIGHT} insertOne in flight, one index`,
      unit: "ops/s",
      series,
      verdicts: [
        verdict("reads", readsFew, readsMany),
        verdict("inserts", insertsFew, insertsMany),
      ],
    };
  },
};

function verdict(what: string, few: Series, many: Series): Verdict {
  const times = median(many.samples) / median(few.samples);
  return {
    text: `${what} are ${times.toFixed(2)} times as fast in the large collection`,
    goal: `at least ${GOAL_TIMES}`,
    met: times >= GOAL_TIMES,
  };
}
