/**
 * A place for one test with several processes: a temporary folder with a root in it, and the
 * processes that were started there. When the test ends all of them are killed, then the folder goes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { deadlineMs, withDeadline } from "../support/deadline.js";

export { deadlineMs, withDeadline } from "../support/deadline.js";

/** Where the compiled tests are. */
export const compiledTests = dirname(dirname(fileURLToPath(import.meta.url)));

export interface StartOptions {
  args?: string[];
  /** Added to the environment of this process. */
  env?: Record<string, string>;
  cwd?: string;
  /** User that the process runs as; only root may say so. */
  uid?: number;
  /** A command that runs the one behind it, such as `nice`. */
  through?: readonly [command: string, ...args: string[]];
  /** How long anything may take in this process, where that is more than usual. */
  deadlineMs?: number;
}

/** How a process has ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Site {
  /** Everything of the test is below this folder. */
  readonly folder: string;
  /** The root that the test works with; it does not exist yet. */
  readonly rootPath: string;
  readonly #processes: Process[] = [];

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), "s-"));
    this.rootPath = join(this.folder, "root");
    t.after(async () => {
      for (const one of this.#processes) one.kill("SIGKILL");
      await Promise.all(this.#processes.map((one) => one.exit()));
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Starts a compiled script. @param name what error messages call the process */
  start(name: string, script: string, options: StartOptions = {}): Process {
    const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env;
    const [execPath = process.execPath, ...before] = options.through ?? [];
    const child = fork(script, options.args ?? [], {
      execPath,
      execArgv: options.through ? [...before, process.execPath] : process.execArgv,
      cwd: options.cwd ?? this.folder,
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
      // Sockets that do not fit into the root must not be left outside the site.
      env: { ...environment, TMPDIR: this.folder, ...options.env },
    });
    const started = new Process(name, child, options.deadlineMs);
    this.#processes.push(started);
    return started;
  }

  /** What the primary of the root has published. */
  lockRecord(): { pid: number; epoch: number; endpoint: string; token: string; rootId: string } {
    return JSON.parse(readFileSync(join(this.rootPath, ".lioran.lock"), "utf8"));
  }
}

/** A running process, what it has printed, and the messages it has sent. */
export class Process {
  readonly name: string;
  stdout = "";
  stderr = "";
  readonly messages: unknown[] = [];
  readonly #child: ChildProcess;
  readonly #deadlineMs: number;
  readonly #exit: Promise<Exit>;
  /** Called after each event of the process. */
  readonly #watchers = new Set<() => void>();
  ended: Exit | undefined;

  constructor(name: string, child: ChildProcess, processDeadlineMs = deadlineMs) {
    this.name = name;
    this.#child = child;
    this.#deadlineMs = processDeadlineMs;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#look();
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    child.on("message", (message) => {
      this.messages.push(message);
      this.#look();
    });
    // A message to a process that has just died: whoever waits for its answer says so.
    child.on("error", () => {});
    // "close" comes after the last output.
    this.#exit = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
        this.#look();
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  send(message: unknown): void {
    this.#child.send(message as object, () => {});
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Pauses it and waits until each of its threads stands still: the signal alone comes later. */
  async pause(): Promise<void> {
    this.kill("SIGSTOP");
    if (process.platform !== "linux") return;
    const isPaused = () =>
      readdirSync(`/proc/${this.pid}/task`).every((thread) => {
        const stat = readFileSync(`/proc/${this.pid}/task/${thread}/stat`, "utf8");
        // The state stands behind the name, which may hold anything.
        return stat.slice(stat.lastIndexOf(")")).startsWith(") T");
      });
    while (!isPaused()) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Kills it without a warning and waits until it is gone. */
  async murder(): Promise<void> {
    this.kill("SIGKILL");
    await this.exit();
  }

  /** Waits for its end. */
  exit(): Promise<Exit> {
    const what = () => `${this.name} has not ended\n${this.#said()}`;
    return withDeadline(this.#exit, what, this.#deadlineMs);
  }

  /** Calls `watcher` after each message, output and the end. */
  watch(watcher: () => void): void {
    this.#watchers.add(watcher);
  }

  /** Waits until `look` finds something; it is called after each message, output and the end. */
  until<T>(what: string, look: () => T | undefined): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const watcher = () => {
        const result = look();
        if (result !== undefined) {
          this.#watchers.delete(watcher);
          resolve(result);
        } else if (this.ended) {
          this.#watchers.delete(watcher);
          const { code, signal } = this.ended;
          reject(
            new Error(`${this.name} ended (${signal ?? code}) before ${what}\n${this.#said()}`),
          );
        }
      };
      this.#watchers.add(watcher);
      watcher();
    });
    const missing = () => `${this.name}: no ${what}\n${this.#said()}`;
    return withDeadline(found, missing, this.#deadlineMs);
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #said(): string {
    return `stdout: ${this.stdout}\nstderr: ${this.stderr}`;
  }
}
