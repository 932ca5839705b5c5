/**
 * A process that reads and writes registers at random, several operations at a time, and records its history. It goes on
 * until it is told to stop, to close, or is killed.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Database, LioranManager, type ManagerOptions } from "@liorandb/core";
import { Random } from "../../support/soak.js";
import type { Call, Value } from "../history.js";
import { aCatalogRead, aCatalogWrite } from "./catalog-calls.js";
import { type Outcome, Recorder } from "./recorder.js";
import { aCompareAndSet, aLook, aRead, aWrite } from "./register-calls.js";

export interface RecordingOptions {
  manager: ManagerOptions;
  file: string;
  seed: number;
  /** Every value that this process writes is between this one and the next multiple of a million. */
  firstValue: number;
  keys: string[];
  /** Documents in a collection, or collections. */
  registers: "documents" | "collections";
  /** Makes what all others need. */
  prepares: boolean;
}

export type RecordingMessage =
  | { ready: true }
  /** Operations that have ended so far, and how many of them in vain, for want of a primary. */
  | { ended: number; inVain: number }
  | { trouble: string };

const lanes = 6;
/** So many documents that an update without an index is searched for on the pool. */
const otherDocuments = 1_100;
/** Operations between two messages. */
const messageEvery = 20;
const thinkMsMax = 2;

const options = JSON.parse(process.argv[2]!) as RecordingOptions;
const isReader = options.manager.ipc === "readonly";
const random = new Random(options.seed);
const recorder = new Recorder(options.file);
/** What each register had when this process last heard of it. */
const known = new Map<string, Value>();
let nextValue = options.firstValue;
let ended = 0;
let inVain = 0;
let isStopped = false;

const manager = new LioranManager(options.manager);
manager.on("error", (error) => trouble(error));
process.on("message", (message) => {
  isStopped = true;
  if (message === "close") leave();
});
// Whoever started this process is gone.
process.once("disconnect", () => process.exit());

const db = await open();
if (options.prepares) await prepare();
tell({ ready: true });
await Promise.all(Array.from({ length: lanes }, lane));
leave();

/** An impatient process may have to ask several times. */
async function open(): Promise<Database> {
  for (;;) {
    try {
      return await manager.db("app");
    } catch (error) {
      if ((error as { code?: unknown }).code !== "NO_PRIMARY") throw error;
    }
  }
}

async function prepare(): Promise<void> {
  const things = db.collection("things");
  await things.createIndex({ key: 1 });
  await things.insertMany(Array.from({ length: otherDocuments }, (_, n) => ({ _id: n, key: n })));
}

function leave(): void {
  manager.close().then(
    () => process.connected && process.disconnect(),
    (error: unknown) => trouble(error),
  );
}

async function lane(): Promise<void> {
  while (!isStopped) {
    if (options.registers === "documents") await document(random.pick(options.keys));
    else await collection(random.pick(options.keys));
    ended += 1;
    if (ended % messageEvery === 0) tell({ ended, inVain });
    // Whoever only reads would have the machine for itself.
    if (isReader || random.below(8) === 0) await delay(random.next() * thinkMsMax);
  }
}

async function document(key: string): Promise<void> {
  const value = known.get(key) ?? null;
  const kind = isReader ? random.below(5) : random.below(10);
  const way =
    kind < 4 || (kind === 4 && value === null)
      ? aRead(random, key)
      : kind === 4
        ? aLook(random, key, value!)
        : kind < 7
          ? aWrite(random, key, newValue())
          : aCompareAndSet(random, key, value, newValue());
  const things = db.collection("things");
  await record(key, way.call, way.name, () => way.run(things));
}

async function collection(key: string): Promise<void> {
  const isRead = isReader || random.below(10) < 7;
  const way = isRead ? aCatalogRead(random, key) : aCatalogWrite(random, key, newValue());
  if (way.prepare && (await attempt(() => prepared(way.prepare!))).kind !== "done") return;
  await record(key, way.call, way.name, () => way.run(db));
}

async function prepared(run: (db: Database) => Promise<unknown>): Promise<Outcome> {
  await run(db);
  return { kind: "done" };
}

async function record(
  key: string,
  call: Call,
  name: string,
  run: () => Promise<Outcome>,
): Promise<void> {
  const outcome = await recorder.record(key, call, name, () => attempt(run));
  if (outcome.kind !== "done") return;
  if (call.kind === "read") known.set(key, outcome.result as Value);
  else if (call.kind === "write") known.set(key, call.value);
  else if (call.kind === "cas" && outcome.result) known.set(key, call.to);
}

async function attempt(run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (error) {
    switch ((error as { code?: unknown }).code) {
      case "CLOSED":
        isStopped = true;
        return { kind: "failed" };
      case "NO_PRIMARY":
        inVain += 1;
        return { kind: "failed" };
      case "OUTCOME_UNKNOWN":
        inVain += 1;
        return { kind: "unknown" };
      default:
        trouble(error);
        return { kind: "unknown" };
    }
  }
}

function newValue(): number {
  nextValue += 1;
  return nextValue;
}

function trouble(error: unknown): void {
  tell({ trouble: String((error as Error).stack ?? error) });
}

function tell(message: RecordingMessage): void {
  if (process.connected) process.send!(message, () => {});
}
