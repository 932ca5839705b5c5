import { type AgentProcess, startAgents } from "../agent-process.js";
import { timesAsFast } from "../report.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 200_000;

export const insertManyPrimary = insertMany("insert-many-primary", "primary", 1.3);
export const insertManyClient = insertMany("insert-many-client", "client", 1);

/** One process stores many new documents in one call, with one index; peers in one transaction. */
function insertMany(name: string, role: "primary" | "client", goalTimes: number): Workload {
  return {
    name,
    stores: ["LioranDB", "better-sqlite3", "lmdb"],
    run: async (context) => {
      const agents: AgentProcess[] = [];
      const contenders: Contender[] = [];
      for (const store of context.stores) {
        const root = await temporaryFolder();
        const labels =
          store === "LioranDB" && role === "client" ? ["primary", "client"] : ["process"];
        const started = await startAgents(store, root, labels);
        agents.push(...started.toReversed());
        const writer = started.at(-1)!;
        await writer.call("createIndex", "code");
        contenders.push({ name: store, measure: () => writer.call("insertMany", DOCUMENTS) });
      }
      const series = await interleave(contenders, context);
      for (const agent of agents) await agent.stop();
      return {
        title: `${name}: insertMany of ${DOCUMENTS.toLocaleString("en-US")} documents by the ${role}, one index`,
        unit: "documents/s",
        series,
        verdicts: [
          ...timesAsFast(series, "better-sqlite3", goalTimes),
          ...timesAsFast(series, "lmdb"),
        ],
      };
    },
  };
}
