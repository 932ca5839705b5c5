import { AgentProcess } from "../agent-process.js";
import { timesAsFast } from "../report.js";
import { FILLED_DOCUMENTS, interleave, temporaryFolder, type Workload } from "../workload.js";

/** One process that has the store to itself reads documents by id, one after the other. */
export const findOne: Workload = {
  name: "find-one",
  stores: ["LioranDB", "better-sqlite3", "rave-level", "nedb", "lmdb"],
  run: async (context) => {
    const agents: AgentProcess[] = [];
    const contenders = [];
    for (const name of context.stores) {
      const agent = await AgentProcess.start(name, await temporaryFolder(), "process");
      agents.push(agent);
      await agent.call("fill", FILLED_DOCUMENTS);
      contenders.push({
        name,
        measure: (durationMs: number) => agent.call("read", FILLED_DOCUMENTS, durationMs),
      });
    }
    const series = await interleave(contenders, context);
    for (const agent of agents) await agent.stop();
    return {
      title: "find-one: awaited findOne({ _id }), one process",
      unit: "ops/s",
      series,
      verdicts: [
        ...timesAsFast(series, "better-sqlite3", 2.5),
        ...timesAsFast(series, "lmdb", 0.75),
        ...timesAsFast(series, "rave-level"),
        ...timesAsFast(series, "nedb"),
      ],
    };
  },
};
