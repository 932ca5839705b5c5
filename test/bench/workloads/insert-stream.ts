import { AgentProcess } from "../agent-process.js";
import type { Series, Verdict } from "../report.js";
import { temporaryFolder, type Workload } from "../workload.js";

const DOCUMENTS = 10_000_000;
const DOCUMENTS_QUICK = 300_000;
/** What the collector of garbage may be late by: the documents are fifty times as much, or more. */
const GOAL_EXTRA_MIB = 32;

/** One `insertMany` of a generator, in a client process: its memory at each tenth of the documents. */
export const insertStream: Workload = {
  name: "insert-stream",
  stores: ["LioranDB"],
  run: async ({ stores, rounds }) => {
    const documents = rounds < 5 ? DOCUMENTS_QUICK : DOCUMENTS;
    const series: Series[] = [];
    const verdicts: Verdict[] = [];
    if (stores.includes("LioranDB")) {
      const root = await temporaryFolder();
      const primary = await AgentProcess.start("LioranDB", root, "primary", { ipc: "primary" });
      const client = await AgentProcess.start("LioranDB", root, "client", { ipc: "client" });
      const curves: Record<string, number[]> = { "the client": [], "the primary": [] };
      await client.call("startStream", documents);
      for (let tenth = 0; tenth < 10; tenth++) {
        curves["the client"]!.push(await client.call("nextTenth"));
        curves["the primary"]!.push(await primary.call("memoryMiB"));
      }
      series.push({ name: "LioranDB, documents/s", samples: [await client.call("endStream")] });
      await client.stop();
      await primary.stop();
      for (const [who, curve] of Object.entries(curves)) {
        series.push({ name: `memory of ${who}, MiB`, samples: curve });
        verdicts.push(verdict(who, curve));
      }
    }
    return {
      title: `insert-stream: insertMany of a generator of ${documents.toLocaleString("en-US")} documents`,
      unit: "",
      series,
      verdicts,
    };
  },
};

/** The first half is warm-up as well: buffers and heap reach their sizes there. */
function verdict(who: string, curve: number[]): Verdict {
  const extra = Math.max(...curve.slice(5)) - Math.max(...curve.slice(0, 5));
  const met = extra <= GOAL_EXTRA_MIB;
  const shown = curve.map((mebibytes) => mebibytes.toFixed(0)).join(" ");
  return {
    text: `memory of ${who} is ${met ? "flat" : "not flat"}: ${shown} MiB at each tenth`,
    goal: `the second half at most ${GOAL_EXTRA_MIB} MiB above the first`,
    met,
  };
}
