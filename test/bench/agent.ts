/**
 * A process of a benchmark: opens one contender's store and does the jobs that the parent sends.
 * Started as `agent.js <contender> <root>` by agent-process.ts.
 */
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { openStore } from "./stores/open.js";
import {
  type BenchDocument,
  benchDocument,
  filledId,
  type IndexedField,
  type QueryName,
  type StoreName,
  type Value,
} from "./stores/store.js";

/** What an agent can be asked to do; each takes and gives plain data. */
export interface Jobs {
  /** @param from number of the first document */
  fill(count: number, from?: number): Promise<void>;
  /** @returns how long it took, in milliseconds */
  createIndex(field: IndexedField): Promise<number>;
  /** Awaited queries one after the other: operations per second; undefined where it cannot be asked. */
  query(name: QueryName, values: Value[], durationMs: number): Promise<number | undefined>;
  /** Does operations one after the other until `stopProbing`, and starts at once. */
  startProbing(what: "insert" | "read", count: number): Promise<void>;
  /** How long the longest of them took, in milliseconds. */
  stopProbing(): Promise<number>;
  /** Watches this process until `stopWatching`. */
  startWatching(): Promise<void>;
  stopWatching(): Promise<Watched>;
  /** Reads of filled documents in a random order, with calls that overlap: operations per second. */
  readOverlapping(count: number, durationMs: number, inFlight: number): Promise<number>;
  /** Increments of filled documents in a random order: operations per second. */
  increment(count: number, durationMs: number, inFlight: number): Promise<number>;
  /** New documents, all in one call: documents per second. */
  insertMany(count: number): Promise<number>;
  /** Sequential awaited reads of `count` filled documents in a random order: operations per second. */
  read(count: number, durationMs: number): Promise<number>;
  /** So many awaited reads of `count` filled documents in a random order. */
  readTimes(count: number, times: number): Promise<void>;
  /** Durable inserts of one document each: operations per second. */
  insert(durationMs: number, inFlight: number): Promise<number>;
  /** Time of each of a sequence of awaited inserts, in milliseconds. */
  insertLatencies(durationMs: number): Promise<number[]>;
  /** Inserts one document after the other until `stopInserting`, and starts at once. */
  startInserting(): Promise<void>;
  /** When each of these inserts was acknowledged, in milliseconds of the machine's one clock. */
  stopInserting(): Promise<number[]>;
  /** Begins to insert so many documents of a generator in one call. */
  startStream(count: number): Promise<void>;
  /** Waits for the next tenth of them. @returns how much memory this process has of its own, in MiB */
  nextTenth(): Promise<number>;
  /** Waits for the end. @returns documents per second */
  endStream(): Promise<number>;
  /** How much memory this process has of its own, in MiB. */
  memoryMiB(): Promise<number>;
  /** The same, above what it had before it opened the store. */
  memoryGrowthMiB(): Promise<number>;
  /** Keeps this process's main thread busy. */
  spin(durationMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What a process has gone through meanwhile. */
export interface Watched {
  /** 99th percentile of what its event loop was late. */
  loopDelayMs: number;
  /** Most memory it had of its own, above what it had at first. Mapped files do not count. */
  memoryGrowthMiB: number;
}

/** Documents that are given to a store at once. */
const BATCH_DOCUMENTS = 10_000;
const LOOP_RESOLUTION_MS = 1;
/** What `readFor` has time for one read in, as a rule. */
const ONE_READ_MS = 0.001;

const [, , name, root, options] = process.argv as [string, string, StoreName, string, string];
const memoryAtStart = ownMemoryBytes();
const store = await openStore(name, root, JSON.parse(options));
let inserted = 0;
let probing: { stop: boolean; longestMs: Promise<number> } | undefined;
let watching: (() => Watched) | undefined;
let stream: { memoryMiB: number[]; done: Promise<number>; wake(): void } | undefined;
let inserting: { stop: boolean; acknowledgedAtMs: number[]; done: Promise<void> } | null = null;

const jobs: Jobs = {
  fill: async (count, from = 0) => {
    for (let first = from; first < from + count; first += BATCH_DOCUMENTS) {
      const length = Math.min(BATCH_DOCUMENTS, from + count - first);
      await store.fill(
        Array.from({ length }, (_, at) => benchDocument(filledId(first + at), first + at)),
      );
    }
  },
  createIndex: async (field) => {
    const start = performance.now();
    await store.createIndex!(field);
    return performance.now() - start;
  },
  query: async (query, values, durationMs) => {
    const start = performance.now();
    const operations = await store.queryFor!(query, values, durationMs);
    return operations && (operations * 1000) / (performance.now() - start);
  },
  startProbing: async (what, count) => {
    const ids = [filledId(0)];
    const probe = {
      insert: () => store.insert(nextDocument()),
      read: () => {
        ids[0] = filledId(Math.floor(Math.random() * count));
        return store.readFor(ids, ONE_READ_MS);
      },
    }[what];
    probing = { stop: false, longestMs: Promise.resolve(0) };
    probing.longestMs = longestOf(probe, probing);
    // A failure is reported by stopProbing.
    probing.longestMs.catch(() => {});
  },
  stopProbing: async () => {
    if (!probing) throw new Error("stopProbing before startProbing");
    probing.stop = true;
    return await probing.longestMs;
  },
  startWatching: async () => {
    watching = watch();
  },
  stopWatching: async () => watching!(),
  read: async (count, durationMs) => {
    const ids = Array.from({ length: 4096 }, () => randomId(count));
    return await perSecond(() => store.readFor(ids, durationMs));
  },
  readTimes: async (count, times) => {
    for (let n = 0; n < times; ) n += await store.readFor([randomId(count)], ONE_READ_MS);
  },
  readOverlapping: async (count, durationMs, inFlight) => {
    const ids = Array.from({ length: 4096 }, () => randomId(count));
    return await perSecond(() => store.readOverlappingFor!(ids, durationMs, inFlight));
  },
  increment: (count, durationMs, inFlight) =>
    perSecond(() => store.incrementFor!(() => randomId(count), durationMs, inFlight)),
  insertMany: async (count) => {
    const documents = Array.from({ length: count }, nextDocument);
    return await perSecond(async () => {
      await store.fill(documents);
      return count;
    });
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
  startStream: async (count) => {
    const start = performance.now();
    const memoryMiB: number[] = [];
    const onTenth = () => {
      memoryMiB.push(ownMemoryBytes() / 1024 ** 2);
      stream?.wake();
    };
    const done = store.insertStream!(streamOf(count, onTenth)).then(
      () => (count * 1000) / (performance.now() - start),
    );
    stream = { memoryMiB, done, wake: () => {} };
    // A failure is reported by whoever waits.
    done.catch(() => {});
  },
  nextTenth: async () => {
    const { memoryMiB, done } = stream!;
    while (memoryMiB.length === 0) {
      const tenth = new Promise<void>((resolve) => {
        stream!.wake = resolve;
      });
      await Promise.race([tenth, done]);
    }
    return memoryMiB.shift()!;
  },
  endStream: () => stream!.done,
  memoryMiB: async () => ownMemoryBytes() / 1024 ** 2,
  memoryGrowthMiB: async () => (ownMemoryBytes() - memoryAtStart) / 1024 ** 2,
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

function randomId(count: number): string {
  return filledId(Math.floor(Math.random() * count));
}

function nextDocument(): BenchDocument {
  inserted++;
  return benchDocument(`insert-${process.pid}-${inserted}`, inserted);
}

function* streamOf(count: number, onTenth: () => void) {
  for (let n = 1; n <= count; n++) {
    yield benchDocument(filledId(n), n);
    if ((n * 10) % count === 0) onTenth();
  }
}

async function perSecond(run: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const operations = await run();
  return (operations * 1000) / (performance.now() - start);
}

async function longestOf(probe: () => Promise<unknown>, state: { stop: boolean }): Promise<number> {
  let longestMs = 0;
  for (let at = performance.now(); !state.stop; ) {
    await probe();
    // As a program would that does other things too: reads alone would never let it see a message.
    await new Promise((resolve) => setImmediate(resolve));
    const now = performance.now();
    longestMs = Math.max(longestMs, now - at);
    at = now;
  }
  return longestMs;
}

/** @returns stops watching and tells what was seen */
function watch(): () => Watched {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  histogram.enable();
  const memoryBefore = ownMemoryBytes();
  let memoryMost = memoryBefore;
  const timer = setInterval(() => {
    memoryMost = Math.max(memoryMost, ownMemoryBytes());
  }, 10);
  return () => {
    clearInterval(timer);
    histogram.disable();
    return {
      // The histogram measures from one of its timers to the next.
      loopDelayMs: Math.max(0, histogram.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      memoryGrowthMiB: (Math.max(memoryMost, ownMemoryBytes()) - memoryBefore) / 1024 ** 2,
    };
  };
}

/** Of all threads; on Linux without the pages of mapped files, which the system lends. */
function ownMemoryBytes(): number {
  if (process.platform !== "linux") return process.memoryUsage.rss();
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))!;
  return Number(kibibytes) * 1024;
}

/** The monotonic clock, which all processes of a machine share. */
function machineClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
