/**
 * The main thread's handle on the Host thread. The thread can be started ahead of time: an auto
 * client keeps one ready, so that a take-over does not wait for modules to load.
 *
 *   loading --loaded--> loaded --start--> starting --ready--> ready --stop--> stopping --> ended
 *      |                  |                  |                  |                |
 *      +------------------+------------------+------------------+---- exit ------+--> ended
 */
import type { MessagePort, Worker } from "node:worker_threads";
import { areCommitsWatched, publishCommit } from "../diagnostics.js";
import { CommitGate } from "../dispatch/commit-gate.js";
import type { Commit } from "../dispatch/writer.js";
import { decodeError, type EncodedError, LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { assertDescriptors } from "../late-loading.js";
import { commitWatchIntervalMs, hostStopTimeoutMs } from "../limits.js";
import { CommitClock } from "../storage/commit-clock.js";
import { addExitHook, removeExitHook } from "./exit-hooks.js";
import { threadArguments } from "./thread-arguments.js";
import { ThreadGate } from "./thread-gate.js";

/** What the Host is told to become. */
export interface HostStart {
  type: "start";
  rootPath: string;
  rootId: string;
  epoch: number;
  token: string;
  /** Where to listen; the first that works is taken. */
  endpoints: string[];
  cores: number;
  /** The Host's end of the main thread's channel. */
  port: MessagePort;
}

/** Memory that the Host shares with the main thread. */
export interface HostThreadData {
  gate: Int32Array<SharedArrayBuffer>;
  clock: Int32Array<SharedArrayBuffer>;
  /** Gate of the Host's own pool. */
  poolGate: Int32Array<SharedArrayBuffer>;
  /** 1 while the main thread wants to hear of commits. */
  watched: Int32Array<SharedArrayBuffer>;
}

export type HostCommand = HostStart | { type: "stop"; timeoutMs: number };

export type HostEvent =
  | { type: "loaded" }
  | { type: "ready"; endpoint: string }
  | { type: "commit"; commit: Commit }
  | { type: "failed"; error: EncodedError }
  | { type: "closed" };

type State = "loading" | "loaded" | "starting" | "ready" | "stopping" | "ended";

const steps: Record<State, readonly State[]> = {
  loading: ["loaded", "ended"],
  loaded: ["starting", "stopping", "ended"],
  starting: ["ready", "ended"],
  ready: ["stopping", "ended"],
  stopping: ["ended"],
  ended: [],
};

/** How long a process that exits waits for the commit that is under way. */
const exitTimeoutMs = 5_000;

export class Host {
  /** Called when the thread ends without having been told to. */
  onFailure: (error: LioranError) => void = () => {};
  /** Moves with each commit. */
  readonly clock = new CommitClock();
  readonly #worker: Worker;
  readonly #gate = new CommitGate();
  readonly #poolGate = new ThreadGate();
  readonly #watched = new Int32Array(new SharedArrayBuffer(4));
  #watching: NodeJS.Timeout | undefined;
  #rootPath = "";
  readonly #onExit = () => {
    this.#gate.shut(exitTimeoutMs);
    this.#poolGate.shut(exitTimeoutMs);
  };
  readonly #ended: Promise<void>;
  #state: State = "loading";
  #failure: LioranError | undefined;
  #wake: (() => void)[] = [];
  #endpoint = "";

  /** @throws IO when no thread could load its modules now */
  constructor() {
    assertDescriptors();
    // Loaded here, because a client needs none of it (measured: 3 ms of each start).
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    this.#worker = new Worker(new URL("./host-thread.js", import.meta.url), {
      workerData: {
        gate: this.#gate.cells,
        clock: this.clock.cell,
        poolGate: this.#poolGate.cells,
        watched: this.#watched,
      } satisfies HostThreadData,
      name: "lioran-host",
      ...threadArguments(),
    });
    this.#worker.on("message", (event: HostEvent) => this.#onEvent(event));
    this.#worker.on("error", (error) => {
      this.#failure ??= new LioranError("INTERNAL", `The Host thread failed: ${error.message}`, {
        cause: error,
      });
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#onEnd();
        resolve();
      });
    });
    addExitHook(this.#onExit);
    // A Host that is only kept ready must not keep its process alive. After the listeners: adding one
    // for messages takes it back.
    this.#worker.unref();
  }

  /**
   * Makes the thread the Host of a root.
   *
   * @returns the endpoint it listens on, and the main thread's end of the channel to it
   * @throws what kept it from listening
   */
  async start(
    options: Omit<HostStart, "type" | "port">,
  ): Promise<{ endpoint: string; port: MessagePort }> {
    // From here on the Host keeps its process running, also while it is still loading.
    this.#worker.ref();
    this.#rootPath = options.rootPath;
    await this.#until("loaded");
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    this.#step("starting");
    const command: HostCommand = { ...options, type: "start", port: port2 };
    this.#worker.postMessage(command, [port2]);
    await this.#until("ready");
    this.#watchCommits();
    return { endpoint: this.#endpoint, port: port1 };
  }

  /**
   * Ends the Host in order: what it has read is answered, everything is flushed, clients are told.
   * Resolves once the thread has ended.
   *
   * @throws IO when it has not ended in time. It goes on: a thread inside LMDB is never terminated.
   */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#state === "loading") await this.#until("loaded").catch(() => {});
    if (this.#state === "starting") await this.#until("ready").catch(() => {});
    if (this.#state === "loaded" || this.#state === "ready") {
      this.#step("stopping");
      this.#worker.ref();
      this.#worker.postMessage({ type: "stop", timeoutMs } satisfies HostCommand);
    }
    // First it waits for others, then for the disk.
    await this.#endedWithin(timeoutMs + hostStopTimeoutMs);
  }

  async #endedWithin(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const whom = `The Host thread of this process (pid ${process.pid})`;
        const message = `${whom} has not ended within ${limitMs} ms: the disk of ${this.#rootPath} may not answer.`;
        reject(new LioranError("IO", message));
      }, limitMs);
    });
    await Promise.race([this.#ended, late]).finally(() => clearTimeout(timer));
  }

  #onEvent(event: HostEvent): void {
    switch (event.type) {
      case "loaded":
        if (this.#state === "loading") this.#step("loaded");
        return;
      case "ready":
        this.#endpoint = event.endpoint;
        this.#step("ready");
        return;
      case "commit":
        publishCommit({ rootPath: this.#rootPath, ...event.commit });
        return;
      case "failed":
        this.#failure = decodeError(event.error);
        return;
      case "closed":
        return;
    }
  }

  /** A channel does not tell when somebody subscribes to it. */
  #watchCommits(): void {
    const look = () => Atomics.store(this.#watched, 0, areCommitsWatched() ? 1 : 0);
    look();
    this.#watching = setInterval(look, commitWatchIntervalMs).unref();
  }

  #onEnd(): void {
    removeExitHook(this.#onExit);
    clearInterval(this.#watching);
    const unexpected = this.#state === "ready" || this.#state === "starting";
    this.#step("ended");
    if (unexpected) this.onFailure(this.#reason());
  }

  /** Waits for a state; the thread's end is the deadline that always comes. */
  async #until(state: State): Promise<void> {
    while (this.#state !== state) {
      if (this.#state === "ended") throw this.#reason();
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #reason(): LioranError {
    return this.#failure ?? new LioranError("INTERNAL", "The Host thread ended unexpectedly.");
  }

  #step(next: State): void {
    invariant(steps[this.#state].includes(next), `no step from host "${this.#state}" to "${next}"`);
    this.#state = next;
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}
