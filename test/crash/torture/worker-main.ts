/**
 * A process of the torture: sends what comes to its lanes' minds, and notes it in its ledger. The parent tells it
 * when to work, when to stand still and when to leave.
 */
import { type Document, LioranManager, type ManagerOptions } from "@liorandb/core";
import { deadlineMs } from "../../support/deadline.js";
import { Random } from "../../support/soak.js";
import { applyItems, applySchema, type Items, initialSchema, type Schema } from "./lane-model.js";
import { LedgerWriter } from "./ledger.js";
import { nextItemOperation, nextSchemaOperation, nextSharedOperation } from "./operation-stream.js";
import type { Done, Operation } from "./operations.js";
import { perform } from "./perform.js";

export interface WorkerStart {
  rootPath: string;
  number: number;
  seed: number;
  ipc: ManagerOptions["ipc"] | "auto";
  durability: ManagerOptions["durability"];
}

export type WorkerCommand =
  | { command: "run"; ledgerPath: string }
  | { command: "pause" }
  | { command: "leave" };

export type WorkerMessage =
  | { event: "ready" }
  /** More operations were acknowledged. */
  | { event: "acknowledged"; count: number }
  | { event: "paused" };

/** The parent is told of this many at a time. */
const toldAtOnce = 5;

// The parent is gone.
process.on("disconnect", () => process.exit(0));
const start = JSON.parse(process.argv[2]!) as WorkerStart;
const { rootPath, durability } = start;
const manager = new LioranManager({
  rootPath,
  durability,
  primaryTimeoutMs: deadlineMs,
  ...(start.ipc !== "auto" && { ipc: start.ipc }),
});
const db = await manager.db("torture");
const random = new Random(start.seed);
let ledger: LedgerWriter;
let ledgerPath = "";
let isRunning = false;
let acknowledged = 0;
let nextOp = 0;
let running: Promise<unknown> = Promise.resolve();
let lanes: (() => Promise<void>)[] = [];

process.on("message", (message: WorkerCommand) => {
  if (message.command === "run") run(message.ledgerPath);
  else if (message.command === "pause") pause();
  else leave();
});
tell({ event: "ready" });

function run(path: string): void {
  if (isRunning) return;
  if (path !== ledgerPath) {
    // A new generation begins with nothing.
    ledgerPath = path;
    ledger = new LedgerWriter(path);
    lanes = [itemLane(0), itemLane(1), sharedLane(2), sharedLane(3), schemaLane(4)];
  }
  isRunning = true;
  running = Promise.all(
    lanes.map(async (step) => {
      while (isRunning) await step();
    }),
  );
}

function pause(): void {
  isRunning = false;
  running.then(() => tell({ event: "paused" }));
}

async function leave(): Promise<void> {
  isRunning = false;
  await running;
  await manager.close();
  // It ends by itself: nothing may be left that keeps it.
  process.removeAllListeners("disconnect");
  process.disconnect();
}

function itemLane(number: number): () => Promise<void> {
  const lane = `${start.number}.${number}`;
  let items: Items = new Map();
  return async () => {
    const op = newOp();
    const operation = nextItemOperation(random, lane, items);
    await send(lane, op, operation);
    items = applyItems(items, op, operation).items;
  };
}

function sharedLane(number: number): () => Promise<void> {
  const lane = `${start.number}.${number}`;
  const claims = new Set<string>();
  const seenOf = async (id: string) => {
    const register = await db.collection<Document>("registers").findOne({ _id: id });
    return register!.n as number;
  };
  return async () => {
    const op = newOp();
    const operation = await nextSharedOperation(random, [...claims], seenOf);
    const done = await send(lane, op, operation);
    if (operation.kind === "claim" && done?.inserted === 1) claims.add(op);
    if (operation.kind === "release") claims.delete(operation.claim);
  };
}

function schemaLane(number: number): () => Promise<void> {
  const lane = `${start.number}.${number}`;
  let schema: Schema = initialSchema;
  return async () => {
    const op = newOp();
    const operation = nextSchemaOperation(random, lane, op, schema);
    await send(lane, op, operation);
    schema = applySchema(schema, operation).schema;
  };
}

/** Notes an operation, sends it, and notes how it has ended. */
async function send(lane: string, op: string, operation: Operation): Promise<Done | undefined> {
  ledger.note({ sent: operation, lane, op });
  try {
    const done = await perform(db, op, operation);
    ledger.note({ done, op });
    acknowledged += 1;
    if (acknowledged % toldAtOnce === 0) tell({ event: "acknowledged", count: toldAtOnce });
    return done;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    ledger.note({ wrong: `${code}: ${message} (${JSON.stringify(operation)})`, op });
    isRunning = false;
    return undefined;
  }
}

function newOp(): string {
  nextOp += 1;
  return `${start.number}.${nextOp}`;
}

function tell(message: WorkerMessage): void {
  process.send?.(message, () => {});
}
