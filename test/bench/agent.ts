/**
 * A process of a benchmark: opens one contender's store and does the jobs that the parent sends.
 * Started as `agent.js <contender> <root>` by agent-process.ts.
 */
import { openStore } from "./stores/open.js";
import { type BenchDocument, benchDocument, filledId, type StoreName } from "./stores/store.js";

/** What an agent can be asked to do; each takes and gives plain data. */
export interface Jobs {
  fill(count: number): Promise<void>;
  /** Sequential awaited reads of `count` filled documents in a random order: operations per second. */
  read(count: number, durationMs: number): Promise<number>;
  /** Unindexed searches over `count` filled documents: documents looked at per second. */
  scan(count: number, city: string, score: number, durationMs: number): Promise<number>;
  /** Durable inserts of one document each: operations per second. */
  insert(durationMs: number, inFlight: number): Promise<number>;
  /** Time of each of a sequence of awaited inserts, in milliseconds. */
  insertLatencies(durationMs: number): Promise<number[]>;
  /** Inserts one document after the other until `stopInserting`, and starts at once. */
  startInserting(): Promise<void>;
  /** When each of these inserts was acknowledged, in milliseconds of the machine's one clock. */
  stopInserting(): Promise<number[]>;
  /** Keeps this process's main thread busy. */
  spin(durationMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Documents that are given to a store at once. */
const fillDocumentsMax = 10_000;

const [, , name, root] = process.argv as [string, string, StoreName, string];
const store = await openStore(name, root);
let inserted = 0;
let inserting: { stop: boolean; acknowledgedAtMs: number[]; done: Promise<void> } | null = null;

const jobs: Jobs = {
  fill: async (count) => {
    for (let from = 0; from < count; from += fillDocumentsMax) {
      const length = Math.min(fillDocumentsMax, count - from);
      const ids = Array.from({ length }, (_, at) => from + at);
      await store.fill(ids.map((n) => benchDocument(filledId(n), n)));
    }
  },
  read: async (count, durationMs) => {
    const ids = Array.from({ length: 4096 }, () => filledId(Math.floor(Math.random() * count)));
    return await perSecond(() => store.readFor(ids, durationMs));
  },
  scan: async (count, city, score, durationMs) => {
    const scans = await perSecond(() => store.scanFor!(city, score, durationMs));
    return scans * count;
  },
  insert: (durationMs, inFlight) =>
    perSecond(() => store.insertFor(nextDocument, durationMs, inFlight)),
  insertLatencies: async (durationMs) => {
    const end = performance.now() + durationMs;
    const latenciesMs: number[] = [];
    for (let at = performance.now(); at < end; ) {
      await store.insert(nextDocument());
      const now = performance.now();
      latenciesMs.push(now - at);
      at = now;
    }
    return latenciesMs;
  },
  startInserting: async () => {
    const state = { stop: false, acknowledgedAtMs: [] as number[], done: Promise.resolve() };
    state.done = (async () => {
      while (!state.stop) {
        await store.insert(nextDocument());
        state.acknowledgedAtMs.push(machineClockMs());
      }
    })();
    // A failure is reported by stopInserting, which awaits it; until then it must not end the process.
    state.done.catch(() => {});
    inserting = state;
  },
  stopInserting: async () => {
    if (!inserting) throw new Error("stopInserting before startInserting");
    inserting.stop = true;
    await inserting.done;
    return inserting.acknowledgedAtMs;
  },
  spin: async (durationMs) => {
    const end = performance.now() + durationMs;
    while (performance.now() < end);
  },
  close: () => store.close(),
};

process.on("message", async ({ id, job, args }: { id: number; job: keyof Jobs; args: never[] }) => {
  try {
    const result = await (jobs[job] as (...args: never[]) => Promise<unknown>)(...args);
    process.send?.({ id, result });
  } catch (error) {
    process.send?.({ id, error: (error as Error).stack });
  }
});
// Whatever happens to the parent, no agent outlives it.
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });

function nextDocument(): BenchDocument {
  inserted++;
  return benchDocument(`insert-${process.pid}-${inserted}`, inserted);
}

async function perSecond(run: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const operations = await run();
  return (operations * 1000) / (performance.now() - start);
}

/** The monotonic clock, which all processes of a machine share. */
function machineClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
