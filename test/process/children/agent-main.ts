/**
 * A process that opens a root and does what the test tells it over the IPC channel: the process's
 * end. The other end is `../agent.ts`.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import {
  type Collection,
  type Document,
  type FindCursor,
  LioranManager,
} from "../../../src/index.js";

/** One method call of a chain: its name and arguments. */
export type Step = [method: string, ...args: unknown[]];

export interface AgentCall {
  id: number;
  call: keyof typeof calls;
  argument?: unknown;
}

/** An error as data; `code` would not survive the way otherwise. */
export interface ToldError {
  name: string;
  code: string | number;
  message: string;
  retryable: boolean;
  keyPattern?: Document;
  keyValue?: Document;
  result?: unknown;
  writeErrors?: { index: number; code: string | number }[];
}

export type AgentMessage =
  | { id: number; result: unknown }
  | { id: number; error: ToldError }
  | { event: unknown[] };

/** What a load has done. */
export interface Loaded {
  /** Ids of the acknowledged inserts. */
  inserted: string[];
  /** Acknowledged increments of the counter. */
  increments: number;
  /** Everything that was not acknowledged. */
  errors: ToldError[];
}

interface Load extends Loaded {
  stopped: boolean;
  done: Promise<unknown>;
}

/** Inserts, and increments, that a load keeps under way. */
const loadInFlight = 3;

let manager: LioranManager;
let load: Load;
let build: Promise<unknown>;
const descriptors: number[] = [];
const cursors: FindCursor<Document>[] = [];

const calls = {
  open(options: object) {
    manager = new LioranManager(options);
    const roles = {
      primary: manager.isPrimary(),
      client: manager.isClient(),
      readonly: manager.isReadOnly(),
    };
    for (const name of ["role", "primary-lost", "primary-found", "error"] as const) {
      manager.on(name, (...args: unknown[]) => tell({ event: [name, ...args.map(plain)] }));
    }
    return roles;
  },
  chain,
  close: () => manager.close(),
  roles: () => ({
    primary: manager.isPrimary(),
    client: manager.isClient(),
    readonly: manager.isReadOnly(),
  }),
  /** Opens a cursor over app.things and reads one document. @returns its number */
  async openCursor(batchSize: number) {
    const cursor = (await things()).find({}).batchSize(batchSize);
    await cursor.next();
    return cursors.push(cursor) - 1;
  },
  readCursor: (number: number) => cursors[number].toArray(),
  /** Asks for 300 inserts and 20 reads, and closes in the same turn. @returns how they ended */
  async closeBusy(name: string) {
    const collection = await things();
    const writes = Array.from({ length: 300 }, () => collection.insertOne({ of: name }));
    const reads = Array.from({ length: 20 }, () => collection.find({ of: "nobody" }).toArray());
    const outcomes = Promise.allSettled([...writes, ...reads]);
    await manager.close();
    const counts: Record<string, number> = {};
    for (const { status } of await outcomes) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  },
  /** Begins to create an index of app.things. @returns whether its build could be seen before it ended */
  async beginBuild(createIndex: Parameters<Collection["createIndex"]>) {
    const collection = await things();
    let isOver = false;
    build = collection.createIndex(...createIndex).finally(() => {
      isOver = true;
    });
    build.catch(() => {});
    while (!isOver) if ((await manager.status()).host?.indexBuilds.length) return true;
    return false;
  },
  endBuild: () => build,
  /** Keeps the thread busy until there is a file. */
  async spin(until: string) {
    tell({ event: ["spinning"] });
    // The message leaves in this turn of the event loop, the work begins in the next.
    await new Promise((resolve) => setImmediate(resolve));
    while (!existsSync(until));
    tell({ event: ["spun"] });
  },
  async load(name: string) {
    load = { stopped: false, inserted: [], increments: 0, errors: [], done: Promise.resolve() };
    load.done = work(name, load, await things());
  },
  async stopLoad(): Promise<Loaded> {
    load.stopped = true;
    await load.done;
    const { inserted, increments, errors } = load;
    return { inserted, increments, errors };
  },
  /** Opens files until no more can be. @returns how many */
  takeDescriptors() {
    try {
      for (;;) descriptors.push(openSync("/dev/null", "r"));
    } catch {
      return descriptors.length;
    }
  },
  giveDescriptors() {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  },
  residentBytes: () => process.memoryUsage.rss(),
  /** What this thread and the Host hold; the process was started with `preloadGarbageCollector`. */
  heldBytes: async () => (await import("./collect-garbage.js")).heldBytes(),
  exit(code: number) {
    process.exit(code);
  },
};

process.on("message", (call: AgentCall) => {
  run(call).then(tell, (error: unknown) => tell({ id: call.id, error: plain(error) as ToldError }));
});

async function run({ id, call, argument }: AgentCall): Promise<AgentMessage> {
  const method = calls[call] as (argument: unknown) => unknown;
  return { id, result: await method(argument) };
}

async function chain(steps: Step[]): Promise<unknown> {
  let value: unknown = manager;
  for (const [method, ...args] of steps) {
    const target = value as Record<string, (...args: unknown[]) => unknown>;
    value = target[method](...args);
    // A find cursor can be awaited too, but the next step wants the cursor.
    if (value instanceof Promise) value = await value;
  }
  return value;
}

async function things(): Promise<Collection> {
  return (await manager.db("app")).collection("things");
}

async function work(name: string, state: Load, collection: Collection): Promise<void> {
  let next = 0;
  const guarded = async (action: () => Promise<unknown>) => {
    while (!state.stopped) {
      await action().catch((error: unknown) => {
        state.errors.push(plain(error) as ToldError);
        state.stopped = true;
      });
    }
  };
  const insert = async () => {
    const _id = `${name}-${next}`;
    next += 1;
    await collection.insertOne({ _id, of: name });
    state.inserted.push(_id);
    tell({ event: ["acknowledged", _id] });
  };
  const increment = async () => {
    const counter = { _id: `counter-${name}` };
    await collection.updateOne(counter, { $inc: { n: 1 } }, { upsert: true });
    state.increments += 1;
  };
  const lanes = Array.from({ length: loadInFlight }, () => [guarded(insert), guarded(increment)]);
  await Promise.all(lanes.flat());
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const error = value as Error & Partial<ToldError>;
  const { name, message, code = "none", retryable = false } = error;
  const { keyPattern, keyValue, result, writeErrors } = error;
  return { name, message, code, retryable, keyPattern, keyValue, result, writeErrors };
}

function tell(message: AgentMessage): void {
  // The test may have ended meanwhile.
  process.send?.(message, () => {});
}
