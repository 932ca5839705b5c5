import { open } from "lmdb";
import { AgentProcess } from "../agent-process.js";
import { timesAsFast } from "../report.js";
import { type BenchDocument, benchDocument, filledId } from "../stores/store.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 500_000;
/** One document of sixty matches. */
const CITY = "Osaka";
const SCORE = 90_000;

/** One process searches all documents by two fields that have no index, one search after the other. */
export const filterScan: Workload = {
  name: "filter-scan",
  stores: ["LioranDB", "better-sqlite3"],
  run: async (context) => {
    const agents: AgentProcess[] = [];
    const contenders: Contender[] = [];
    for (const name of context.stores) {
      const agent = await AgentProcess.start(name, await temporaryFolder(), "process");
      agents.push(agent);
      await agent.call("fill", DOCUMENTS);
      contenders.push({
        name,
        measure: (durationMs) => agent.call("scan", DOCUMENTS, CITY, SCORE, durationMs),
      });
    }
    const lmdb = await fillLmdb();
    contenders.push(lmdb.contender);
    const series = await interleave(contenders, context);
    for (const agent of agents) await agent.stop();
    await lmdb.close();
    return {
      title: `filter-scan: find({ city, score: { $gt } }) over ${DOCUMENTS} documents without an index`,
      unit: "documents/s",
      series,
      verdicts: timesAsFast(series, "better-sqlite3", 1),
    };
  },
};

/** What a program would do with lmdb alone: decode every document and look. */
async function fillLmdb(): Promise<{ contender: Contender; close(): Promise<void> }> {
  const database = open<BenchDocument, string>({
    path: await temporaryFolder(),
    noSubdir: false,
  });
  database.transactionSync(() => {
    for (let n = 0; n < DOCUMENTS; n++) {
      database.putSync(filledId(n), benchDocument(filledId(n), n));
    }
  });
  const search = () => {
    const found: BenchDocument[] = [];
    for (const { value } of database.getRange()) {
      if (value.city === CITY && value.score > SCORE) found.push(value);
    }
    return found;
  };
  const measure = async (durationMs: number) => {
    const start = performance.now();
    let n = 0;
    while (performance.now() < start + durationMs) {
      search();
      n++;
    }
    return (n * DOCUMENTS * 1_000) / (performance.now() - start);
  };
  return { contender: { name: "lmdb alone", measure }, close: () => database.close() };
}
