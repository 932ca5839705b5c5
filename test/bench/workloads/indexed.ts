import { AgentProcess } from "../agent-process.js";
import { timesAsFast } from "../report.js";
import {
  AGES,
  codeOf,
  type IndexedField,
  type QueryName,
  SCORES,
  type Value,
} from "../stores/store.js";
import { interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 100_000;
/** Different values that are asked for, in a random order. */
const VALUES = 4_096;

interface IndexedQuery {
  name: string;
  query: QueryName;
  field: IndexedField;
  /** The query as it is written. */
  shown: string;
  value(): Value;
  /** How many times as fast as better-sqlite3. */
  goalTimes: number;
}

export const indexedRange = indexed({
  name: "indexed-range",
  query: "range",
  field: "score",
  shown: "find({ score: { $gte } }).sort({ score: 1 }).limit(20).toArray()",
  value: () => random(SCORES - 100),
  goalTimes: 1.2,
});

export const indexedEquality = indexed({
  name: "indexed-equality",
  query: "equality",
  field: "code",
  shown: "find({ code }).toArray(), two or three results",
  value: () => codeOf(random(DOCUMENTS)),
  goalTimes: 2,
});

export const indexedFindOne = indexed({
  name: "indexed-find-one",
  query: "equality-one",
  field: "code",
  shown: "findOne({ code })",
  value: () => codeOf(random(DOCUMENTS)),
  goalTimes: 2,
});

export const indexedCount = indexed({
  name: "indexed-count",
  query: "count",
  field: "age",
  shown: "countDocuments({ age }), a thousand matches",
  value: () => random(AGES),
  goalTimes: 1,
});

/** One process that has the store to itself asks by an index, one query after the other. */
function indexed({ name, query, field, shown, value, goalTimes }: IndexedQuery): Workload {
  return {
    name,
    stores: ["LioranDB", "better-sqlite3", "lmdb"],
    run: async (context) => {
      const values = Array.from({ length: VALUES }, value);
      const agents: AgentProcess[] = [];
      const contenders = [];
      for (const store of context.stores) {
        const agent = await AgentProcess.start(store, await temporaryFolder(), "process");
        agents.push(agent);
        await agent.call("fill", DOCUMENTS);
        await agent.call("createIndex", field);
        contenders.push({
          name: store,
          measure: async (durationMs: number) =>
            (await agent.call("query", query, values, durationMs))!,
        });
      }
      const series = await interleave(contenders, context);
      for (const agent of agents) await agent.stop();
      return {
        title: `${name}: awaited ${shown} of ${DOCUMENTS} documents, one process`,
        unit: "ops/s",
        series,
        verdicts: [
          ...timesAsFast(series, "better-sqlite3", goalTimes),
          ...timesAsFast(series, "lmdb"),
        ],
      };
    },
  };
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
