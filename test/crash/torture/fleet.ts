/**
 * The processes of the torture: always as many, because whoever dies has a successor at once. Some are armed: they kill
 * themselves at a named point of the write path (`src/fault.ts`).
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { FaultPoint } from "../../../src/fault.js";
import { compiledTests, type Process, type Site } from "../../process/site.js";
import { deadlineMs, withDeadline } from "../../support/deadline.js";
import type { Random } from "../../support/soak.js";
import type { WorkerCommand, WorkerMessage, WorkerStart } from "./worker-main.js";

const script = join(compiledTests, "crash/torture/worker-main.js");

/** Every point, and how often it is reached, at most, before the process dies there. */
const faultPoints: Record<FaultPoint, number> = {
  request: 60,
  "inside-transaction": 80,
  "before-commit": 30,
  "after-commit-before-flush": 20,
  "after-flush-before-reply": 30,
  "leases-ended": 3,
  "after-purge-slice": 3,
  "after-socket-write": 100,
  "between-index-slices": 6,
  "takeover-locked": 1,
  "takeover-listening": 1,
  "takeover-published": 1,
  "closing-drained": 1,
  "closing-after-goodbye": 1,
  "closing-before-release": 1,
};
const pointNames = Object.keys(faultPoints) as FaultPoint[];
/** Of ten processes so many are armed. */
const armedOfTen = 5;

export class Worker {
  readonly process: Process;
  readonly number: number;
  readonly ledgerName: string;
  readonly armed: FaultPoint | undefined;
  /** The parent has sent it a signal. */
  isKilled = false;
  isLeaving = false;
  isPaused = true;
  isReady = false;
  #seen = 0;

  constructor(process: Process, number: number, armed: FaultPoint | undefined) {
    this.process = process;
    this.number = number;
    this.armed = armed;
    this.ledgerName = `ledger-${number}`;
  }

  /** Whether its own death waits for it to close. */
  get diesClosing(): boolean {
    return this.armed?.startsWith("closing") ?? false;
  }

  get isAlive(): boolean {
    return this.process.ended === undefined;
  }

  send(command: WorkerCommand): void {
    this.process.send(command);
  }

  /** The messages that have not been looked at. */
  news(): WorkerMessage[] {
    const { messages } = this.process;
    const news = messages.slice(this.#seen) as WorkerMessage[];
    this.#seen = messages.length;
    return news;
  }
}

export class Fleet {
  readonly #site: Site;
  readonly #random: Random;
  readonly #workers = new Set<Worker>();
  readonly #changes = new Set<() => void>();
  #slots = 0;
  #nextNumber = 1;
  #ledgerFolder = "";
  #isRunning = false;
  #isOver = false;
  #failure: Error | undefined;
  /** All deaths and departures so far. */
  ends = 0;
  acknowledged = 0;
  /** Kills by what they were. */
  readonly kills = new Map<string, number>();
  departures = 0;
  /** Ledgers of the generation. */
  readonly ledgerPaths = new Set<string>();

  constructor(site: Site, random: Random) {
    this.#site = site;
    this.#random = random;
  }

  get killCount(): number {
    return [...this.kills.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The points at which processes kill themselves. */
  get points(): readonly string[] {
    return pointNames;
  }

  /** Whether a process has ended that nobody has told to. */
  get isFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws how it has ended */
  throwFailure(): void {
    if (this.#failure) throw this.#failure;
  }

  get alive(): Worker[] {
    return [...this.#workers].filter((worker) => worker.isAlive);
  }

  get primary(): Worker | undefined {
    let pid = 0;
    try {
      pid = this.#site.lockRecord().pid;
    } catch {
      return undefined; // It is just being written.
    }
    return this.alive.find((worker) => worker.process.pid === pid);
  }

  /** @param count how many, the last of them a client that never owns the root */
  start(count: number): void {
    this.#slots = count;
    for (let slot = 0; slot < count; slot += 1) this.#startWorker(slot);
  }

  /** Lets everybody work, with ledgers in this folder. */
  run(ledgerFolder: string): void {
    this.#isRunning = true;
    if (this.#ledgerFolder !== ledgerFolder) this.ledgerPaths.clear();
    this.#ledgerFolder = ledgerFolder;
    for (const worker of this.alive) this.#run(worker);
  }

  /** Resolves once everybody who is there stands still, with nothing under way. */
  async pause(): Promise<void> {
    this.#isRunning = false;
    for (const worker of this.alive) if (!worker.isPaused) worker.send({ command: "pause" });
    const isStill = (worker: Worker) => worker.isPaused && !worker.isLeaving;
    await this.until("all stand still", () => this.alive.every(isStill));
  }

  kill(worker: Worker, kind: string): void {
    if (!worker.isAlive || worker.isKilled) return;
    worker.isKilled = true;
    this.#count(kind);
    worker.process.kill("SIGKILL");
  }

  /** Kills whoever takes over next, after this time. */
  async killHeir(of: Worker, afterMs: number): Promise<void> {
    let heir: Worker | undefined;
    const deadline = performance.now() + deadlineMs;
    while (!heir) {
      this.throwFailure();
      assert.ok(performance.now() < deadline, `nobody takes over: ${this.describe()}`);
      // It writes its process id into the lock file first of all.
      await delay(1);
      const { primary } = this;
      if (primary !== of) heir = primary;
    }
    await delay(afterMs);
    this.kill(heir, "primary that takes over");
  }

  leave(worker: Worker): void {
    worker.isLeaving = true;
    worker.send({ command: "leave" });
  }

  /** Waits until something is so; looked at whenever a process says something or ends. */
  until(what: string, look: () => boolean): Promise<void> {
    let watcher = () => {};
    const found = new Promise<void>((resolve, reject) => {
      watcher = () => {
        if (this.#failure) reject(this.#failure);
        else if (look()) resolve();
      };
      this.#changes.add(watcher);
      watcher();
    }).finally(() => this.#changes.delete(watcher));
    return withDeadline(found, () => `${what}: ${this.describe()}`);
  }

  /** Nobody is succeeded any more. */
  stop(): void {
    this.#isOver = true;
  }

  /** Ends everybody in order. */
  async end(): Promise<void> {
    this.stop();
    await this.until("all are ready", () => this.alive.every((worker) => worker.isReady));
    for (const worker of this.alive) this.leave(worker);
    await this.until("all have left", () => this.alive.length === 0);
  }

  #startWorker(slot: number): void {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const random = this.#random;
    const armed = random.below(10) < armedOfTen ? random.pick(pointNames) : undefined;
    const times = armed ? 1 + random.below(faultPoints[armed]) : 0;
    const start: WorkerStart = {
      rootPath: this.#site.rootPath,
      number,
      seed: random.below(2 ** 31),
      ipc: slot === this.#slots - 1 ? "client" : "auto",
      durability: random.below(2) === 0 ? "flushed" : "committed",
    };
    const child = this.#site.start(`worker ${number}`, script, {
      args: [JSON.stringify(start)],
      env: armed ? { LIORANDB_FAULT: `${armed}:${times}` } : {},
    });
    const worker = new Worker(child, number, armed);
    this.#workers.add(worker);
    child.watch(() => this.#onChange(worker, slot));
  }

  #onChange(worker: Worker, slot: number): void {
    for (const message of worker.news()) {
      if (message.event === "ready") {
        worker.isReady = true;
        if (this.#isRunning) this.#run(worker);
      }
      if (message.event === "acknowledged") this.acknowledged += message.count;
      if (message.event === "paused") worker.isPaused = true;
    }
    if (!worker.isAlive && this.#workers.delete(worker)) this.#onEnd(worker, slot);
    for (const change of [...this.#changes]) change();
  }

  #onEnd(worker: Worker, slot: number): void {
    this.ends += 1;
    const { code, signal } = worker.process.ended!;
    if (signal === "SIGKILL" && !worker.isKilled && worker.armed) this.#count(worker.armed);
    else if (worker.isLeaving && code === 0) this.departures += 1;
    else if (!worker.isKilled || signal !== "SIGKILL") {
      const { stdout, stderr } = worker.process;
      this.#failure ??= new Error(
        `${worker.process.name} ended (${signal ?? code}), and nobody had told it to: ${stdout}\n${stderr}`,
      );
    }
    if (!this.#isOver) this.#startWorker(slot);
  }

  #run(worker: Worker): void {
    if (worker.isLeaving || !worker.isReady) return;
    worker.isPaused = false;
    const ledgerPath = join(this.#ledgerFolder, worker.ledgerName);
    this.ledgerPaths.add(ledgerPath);
    worker.send({ command: "run", ledgerPath });
  }

  #count(kind: string): void {
    this.kills.set(kind, (this.kills.get(kind) ?? 0) + 1);
  }

  /** Who is there, for messages. */
  describe(): string {
    return this.alive
      .map(({ process, armed, isReady, isPaused, isLeaving }) =>
        [
          `${process.name} (pid ${process.pid})`,
          armed && `armed ${armed}`,
          !isReady && "not ready",
          isPaused && "paused",
          isLeaving && "leaving",
          process.stderr,
        ]
          .filter(Boolean)
          .join(", "),
      )
      .join("; ");
  }
}
