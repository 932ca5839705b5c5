/** A forked process of a test: what it sends and prints, and its end, each awaited with a deadline. */
import { type ChildProcess, fork } from "node:child_process";
import { withDeadline } from "./deadline.js";

export interface ChildOptions {
  args?: readonly string[];
  /** Added to the environment. */
  env?: Record<string, string>;
  cwd?: string;
}

/** How a process has ended. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Child {
  readonly name: string;
  readonly messages: unknown[] = [];
  output = "";
  readonly #process: ChildProcess;
  readonly #ended: Promise<ChildExit>;
  readonly #watchers = new Set<() => void>();
  #exit: ChildExit | undefined;

  /**
   * Starts a compiled script.
   *
   * @param name what error messages call the process
   */
  constructor(name: string, script: string, options: ChildOptions = {}) {
    this.name = name;
    // A forked script is no test file, even when a test file forks it.
    const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env;
    this.#process = fork(script, options.args ?? [], {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#process.on("message", (message) => {
      this.messages.push(message);
      this.#look();
    });
    // A message to a process that has just died: whoever waits for its answer says so.
    this.#process.on("error", () => {});
    // "close" comes after the last output and the last message.
    this.#ended = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
        this.#look();
      });
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  send(message: object): void {
    this.#process.send(message, () => {});
  }

  /** Waits for the first message, of all so far and yet to come, that `match` accepts. */
  message<T>(what: string, match: (message: unknown) => message is T): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const watcher = () => {
        const message = this.messages.find(match);
        if (message === undefined && !this.#exit) return;
        this.#watchers.delete(watcher);
        if (message !== undefined) return resolve(message);
        const { signal, code } = this.#exit!;
        reject(new Error(`${this.name} ended (${signal ?? code}) before ${what}\n${this.output}`));
      };
      this.#watchers.add(watcher);
      watcher();
    });
    return withDeadline(found, () => `${what} from ${this.name}\n${this.output}`);
  }

  /** Waits for its end. */
  exit(): Promise<ChildExit> {
    return withDeadline(this.#ended, () => `the end of ${this.name}\n${this.output}`);
  }

  /** Kills it without a warning, when it still runs, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.exit();
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
