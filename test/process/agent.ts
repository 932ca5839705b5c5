/**
 * A process that opens a root and does what the test tells it: the test's end. The other end is
 * `children/agent-main.ts`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ManagerOptions } from "../../src/index.js";
import type { AgentCall, AgentMessage, Loaded, Step, ToldError } from "./children/agent-main.js";
import { compiledTests, type Process, type Site, type StartOptions } from "./site.js";

const script = join(compiledTests, "process/children/agent-main.js");

/** What the role getters said right after the constructor. */
export interface Roles {
  primary: boolean;
  client: boolean;
  readonly: boolean;
}

/** An error as an agent tells it. */
export class AgentError extends Error {
  readonly code: string | number;
  readonly retryable: boolean;
  readonly told: ToldError;

  constructor(agent: string, told: ToldError) {
    super(`${agent}: ${told.message}`);
    this.told = told;
    this.code = told.code;
    this.retryable = told.retryable;
  }
}

export class Agent {
  readonly process: Process;
  readonly #rootPath: string;
  #nextId = 1;

  constructor(process: Process, rootPath: string) {
    this.process = process;
    this.#rootPath = rootPath;
  }

  get name(): string {
    return this.process.name;
  }

  /** Constructs the manager. @returns what its role getters say at once */
  open(options: ManagerOptions = {}): Promise<Roles> {
    return this.call("open", { rootPath: this.#rootPath, ...options }) as Promise<Roles>;
  }

  /** Calls methods one on the result of the other, beginning with the manager. */
  chain(...steps: Step[]): Promise<unknown> {
    return this.call("chain", steps);
  }

  /** Calls a method of the collection app.things. */
  // biome-ignore lint/suspicious/noExplicitAny: the result is that of the method
  things(method: string, ...args: unknown[]): Promise<any> {
    return this.chain(["db", "app"], ["collection", "things"], [method, ...args]);
  }

  /** All documents of app.things that match. */
  // biome-ignore lint/suspicious/noExplicitAny: documents
  find(filter: object = {}, options: object = {}): Promise<any[]> {
    const steps: Step[] = [
      ["db", "app"],
      ["collection", "things"],
      ["find", filter, options],
    ];
    // biome-ignore lint/suspicious/noExplicitAny: documents
    return this.chain(...steps, ["toArray"]) as Promise<any[]>;
  }

  /** Ends the load that was begun with `call("load", name)`. */
  stopLoad(): Promise<Loaded> {
    return this.call("stopLoad") as Promise<Loaded>;
  }

  async close(): Promise<void> {
    await this.call("close");
  }

  /** @throws AgentError what the call threw over there */
  async call(call: AgentCall["call"], argument?: unknown): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    this.process.send({ id, call, argument } satisfies AgentCall);
    const what = `answer to ${call}(${JSON.stringify(argument)?.slice(0, 200) ?? ""})`;
    const { messages } = this.process;
    let seen = 0;
    const answer = await this.process.until(what, () => {
      for (; seen < messages.length; seen += 1) {
        const message = messages[seen] as AgentMessage;
        if ("id" in message && message.id === id) return message;
      }
      return undefined;
    });
    if ("error" in answer) throw new AgentError(this.name, answer.error);
    return answer.result;
  }

  /** The events that its manager has emitted so far: `[name, ...arguments]`. */
  events(name?: string): unknown[][] {
    return (this.process.messages as AgentMessage[]).flatMap((message) =>
      "event" in message && (!name || message.event[0] === name) ? [message.event] : [],
    );
  }

  /** Waits for the n-th event of a name. */
  event(name: string, n = 1): Promise<unknown[]> {
    return this.process.until(`"${name}" event number ${n}`, () => this.events(name)[n - 1]);
  }

  /** The processes of every acknowledged insert of its load so far. */
  acknowledged(): string[] {
    return this.events("acknowledged").map(([, id]) => id as string);
  }
}

/** The environment of an agent whose `heldBytes` is asked for. */
export const preloadGarbageCollector = {
  NODE_OPTIONS: `--import ${pathToFileURL(join(compiledTests, "process/children/collect-garbage.js")).href}`,
};

/** Starts an agent; its manager is not open yet. */
export function startAgent(site: Site, name: string, options: StartOptions = {}): Agent {
  return new Agent(site.start(name, script, options), site.rootPath);
}

/** Starts an agent and opens the site's root in it, ready to work. */
export async function openAgent(
  site: Site,
  name: string,
  options: ManagerOptions = {},
  start: StartOptions = {},
): Promise<Agent> {
  const agent = startAgent(site, name, start);
  await agent.open(options);
  await agent.chain(["db", "app"], ["command", { ping: 1 }]);
  return agent;
}
