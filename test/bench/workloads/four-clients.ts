import { type AgentProcess, startAgents } from "../agent-process.js";
import type { Series } from "../report.js";
import type { StoreOptions } from "../stores/open.js";
import type { IndexedField, StoreName } from "../stores/store.js";
import {
  FILLED_DOCUMENTS,
  interleave,
  temporaryFolder,
  type WorkloadContext,
} from "../workload.js";

const CLIENTS = ["client 1", "client 2", "client 3", "client 4"];

/**
 * Four processes do the same job at once; a sample is what they did together. Contenders with a
 * primary or leader have it in a fifth process that does nothing else, as a parent of workers does.
 */
export async function fourClients(
  context: WorkloadContext,
  job: (client: AgentProcess, durationMs: number) => Promise<number>,
  { index, ...options }: StoreOptions & { index?: IndexedField } = {},
): Promise<Series[]> {
  const all: AgentProcess[] = [];
  const contenders = [];
  for (const name of context.stores) {
    const started = await startAgents(name, await temporaryFolder(), labels(name), options);
    const [first, ...clients] = started;
    all.push(...clients, first!);
    await first!.call("fill", FILLED_DOCUMENTS);
    if (index) for (const agent of started) await agent.call("createIndex", index);
    contenders.push({
      name,
      measure: async (durationMs: number) => {
        const rates = await Promise.all(clients.map((client) => job(client, durationMs)));
        return rates.reduce((sum, rate) => sum + rate, 0);
      },
    });
  }
  const series = await interleave(contenders, context);
  for (const agent of all) await agent.stop();
  return series;
}

function labels(name: StoreName): string[] {
  const hasNone = name === "better-sqlite3" || name === "lmdb";
  return [hasNone ? "idle process" : "primary", ...CLIENTS];
}
