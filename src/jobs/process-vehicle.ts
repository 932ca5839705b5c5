/** A child process of a job: an ordinary client of the root that also talks to its parent. */
import { type ChildProcess, fork } from "node:child_process";
import type { Vehicle } from "./child.js";
import type { Envelope, ToChild } from "./messages.js";

/** Node's arguments that say what the program is, and those that may be used by one process only. */
const ofOneProcess = /^--(input-type|inspect|test(?!-)|watch)/;
const programs = new Set(["-e", "--eval", "-p", "--print", "-pe"]);

export class ProcessVehicle implements Vehicle {
  readonly name: string;
  onMessage: (message: unknown) => void = () => {};
  onEnd: (how: string) => void = () => {};
  readonly #process: ChildProcess;

  /** @param entry URL of the file that the process begins with */
  constructor(entry: URL, maxMemoryMb: number | undefined) {
    this.#process = fork(entry, [], {
      execArgv: nodeArguments(process.execArgv, maxMemoryMb),
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const { pid } = this.#process;
    this.name = `The child process ${pid ?? "that could not be started"}`;
    this.#process.on("message", (message) => this.onMessage(message));
    let failure: string | undefined;
    // Also a message that does not reach a process that has just ended.
    this.#process.on("error", (error) => {
      failure ??= `failed (${error.message})`;
      if (this.#process.pid === undefined) this.#end(failure);
    });
    this.#process.once("exit", (code, signal) => {
      this.#end(signal ? `was killed by ${signal}` : `ended with exit code ${code}`);
    });
  }

  send(message: ToChild): void {
    if (!this.#process.connected) return;
    const envelope: Envelope<ToChild> = { liorandbJob: message };
    this.#process.send(envelope, () => {});
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #end(how: string): void {
    const { onEnd } = this;
    this.onEnd = () => {};
    onEnd(how);
  }
}

/** The arguments of this process that suit another one. */
export function nodeArguments(own: readonly string[], maxMemoryMb: number | undefined): string[] {
  const kept: string[] = [];
  for (let at = 0; at < own.length; at += 1) {
    const argument = own[at]!;
    if (programs.has(argument)) at += 1;
    else if (!ofOneProcess.test(argument)) kept.push(argument);
  }
  if (maxMemoryMb !== undefined) kept.push(`--max-old-space-size=${maxMemoryMb}`);
  return kept;
}
