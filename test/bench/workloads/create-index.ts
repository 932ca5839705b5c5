import { type AgentProcess, startAgents } from "../agent-process.js";
import { median, type Series, type Verdict } from "../report.js";
import { temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 1_000_000;
/** Documents of one call to an agent, which has a minute for each. */
const FILL_DOCUMENTS = 100_000;
const IDLE_MS = 3_000;
const GOAL_HELD_BACK_MS = 50;

/** An index of a large collection is built while one client inserts and another one reads. */
export const createIndex: Workload = {
  name: "create-index",
  stores: ["LioranDB", "better-sqlite3"],
  run: async ({ stores }) => {
    const series: Series[] = [];
    const verdicts: Verdict[] = [];
    for (const name of stores) {
      const labels = name === "LioranDB" ? ["primary", "inserting", "reading"] : ["process"];
      const agents = await startAgents(name, await temporaryFolder(), labels);
      for (let from = 0; from < DOCUMENTS; from += FILL_DOCUMENTS) {
        await agents[0]!.call("fill", FILL_DOCUMENTS, from);
      }
      if (name === "LioranDB") {
        const [primary, inserting, reading] = agents as [AgentProcess, AgentProcess, AgentProcess];
        const measured = await besides(primary, inserting, reading);
        series.push(...measured);
        verdicts.push(...verdictsOf(measured));
      } else {
        series.push(one(`${name}, build`, await agents[0]!.call("createIndex", "score")));
      }
      for (const agent of agents.reverse()) await agent.stop();
    }
    return {
      title: `create-index: createIndex({ score: 1 }) of ${DOCUMENTS} documents, and the longest call of each client`,
      unit: "ms",
      series,
      verdicts,
    };
  },
};

async function besides(
  primary: AgentProcess,
  inserting: AgentProcess,
  reading: AgentProcess,
): Promise<Series[]> {
  const probe = async (work: () => Promise<unknown>) => {
    await inserting.call("startProbing", "insert", DOCUMENTS);
    await reading.call("startProbing", "read", DOCUMENTS);
    await work();
    return [await inserting.call("stopProbing"), await reading.call("stopProbing")] as const;
  };
  const sleep = () => new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  // What is slow only the first time is not what the build is to blame for.
  await probe(sleep);
  const idle = await probe(sleep);
  let buildMs = 0;
  const building = await probe(async () => {
    buildMs = await primary.call("createIndex", "score");
  });
  return [
    one("LioranDB, build", buildMs),
    one("insertOne, idle", idle[0]),
    one("insertOne, building", building[0]),
    one("findOne, idle", idle[1]),
    one("findOne, building", building[1]),
  ];
}

function one(name: string, sample: number): Series {
  return { name, samples: [sample] };
}

function verdictsOf([, insertIdle, insert, readIdle, read]: Series[]): Verdict[] {
  return [heldBack("insertOne", insertIdle!, insert!), heldBack("findOne", readIdle!, read!)];
}

function heldBack(what: string, idle: Series, building: Series): Verdict {
  const ms = median(building.samples) - median(idle.samples);
  return {
    text: `the longest ${what} took ${ms.toFixed(1)} ms more than without a build`,
    goal: `at most ${GOAL_HELD_BACK_MS} ms`,
    met: ms <= GOAL_HELD_BACK_MS,
  };
}
