/** A thread of a job. It never opens LMDB, so it may be ended whatever it is doing. */
import { Worker } from "node:worker_threads";
import { encodeError } from "../errors.js";
import { threadArguments } from "../runtime/thread-arguments.js";
import type { Vehicle } from "./child.js";
import type { Envelope, FromChild, ToChild } from "./messages.js";

export class ThreadVehicle implements Vehicle {
  readonly name: string;
  onMessage: (message: unknown) => void = () => {};
  onEnd: (how: string) => void = () => {};
  readonly #worker: Worker;

  constructor(maxMemoryMb: number | undefined) {
    this.#worker = new Worker(new URL("./job-thread.js", import.meta.url), {
      ...(maxMemoryMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } }),
      ...threadArguments(),
    });
    this.name = `The thread ${this.#worker.threadId}`;
    this.#worker.on("message", (message) => this.onMessage(message));
    this.#worker.on("error", (error: unknown) => {
      const crash: Envelope<FromChild> = {
        liorandbJob: { type: "crashed", error: encodeError(error) },
      };
      this.onMessage(crash);
    });
    this.#worker.once("exit", (code) => this.onEnd(`ended with exit code ${code}`));
  }

  send(message: ToChild): void {
    const envelope: Envelope<ToChild> = { liorandbJob: message };
    this.#worker.postMessage(envelope);
  }

  kill(): void {
    void this.#worker.terminate();
  }
}
