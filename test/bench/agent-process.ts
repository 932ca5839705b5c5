import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Jobs } from "./agent.js";
import type { StoreOptions } from "./stores/open.js";
import type { StoreName } from "./stores/store.js";

const DEADLINE_MS = 60_000;
const running = new Set<ChildProcess>();
process.on("exit", killAgents);

/** Ends whatever a failed workload left behind. */
export function killAgents(): void {
  for (const child of running) child.kill("SIGKILL");
}

interface Answer {
  ready?: true;
  id?: number;
  result?: unknown;
  error?: string;
}

/** The parent's end of one {@link Jobs agent}. Every wait ends after a minute, with the agent's name. */
export class AgentProcess {
  readonly #child: ChildProcess;
  readonly #label: string;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(e: Error): void }>();
  readonly #exited: Promise<void>;
  #lastId = 0;

  private constructor(store: StoreName, root: string, label: string, options: StoreOptions) {
    this.#label = `${store} ${label}`;
    const file = fileURLToPath(new URL("./agent.js", import.meta.url));
    this.#child = fork(file, [store, root, JSON.stringify(options)]);
    running.add(this.#child);
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        running.delete(this.#child);
        for (const { reject } of this.#waiting.values()) {
          reject(new Error(`${this.#label} ended (${signal ?? `exit code ${code}`})`));
        }
        resolve();
      });
    });
    this.#child.on("message", (answer: Answer) => {
      const id = answer.ready ? 0 : answer.id!;
      const waiter = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (answer.error) waiter?.reject(new Error(`${this.#label}: ${answer.error}`));
      else waiter?.resolve(answer.result);
    });
  }

  /** Resolves when the agent has opened its store. */
  static async start(
    store: StoreName,
    root: string,
    label: string,
    options: StoreOptions = {},
  ): Promise<AgentProcess> {
    const agent = new AgentProcess(store, root, label, options);
    await agent.#answer(0, "to open its store");
    return agent;
  }

  async call<Job extends keyof Jobs>(
    job: Job,
    ...args: Parameters<Jobs[Job]>
  ): Promise<Awaited<ReturnType<Jobs[Job]>>> {
    const id = ++this.#lastId;
    const answer = this.#answer(id, `to ${job}`);
    this.#child.send({ id, job, args });
    return (await answer) as Awaited<ReturnType<Jobs[Job]>>;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Closes the store in good order, then ends the process. */
  async stop(): Promise<void> {
    await this.call("close");
    await this.kill();
  }

  #answer(id: number, what: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`waited ${DEADLINE_MS} ms for ${this.#label} ${what}`));
      const timer = setTimeout(late, DEADLINE_MS);
      this.#waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }
}

/** Starts agents one after the other: the first one to open a root becomes its primary or leader. */
export async function startAgents(
  store: StoreName,
  root: string,
  labels: string[],
  options: StoreOptions = {},
): Promise<AgentProcess[]> {
  const agents: AgentProcess[] = [];
  for (const label of labels) agents.push(await AgentProcess.start(store, root, label, options));
  return agents;
}
