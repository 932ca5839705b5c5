/** A primary in a process of its own. */
import { join } from "node:path";
import type { ManagerOptions } from "@liorandb/core";
import { Child } from "./child.js";

const script = join(import.meta.dirname, "primary-main.js");

interface Ready {
  ready: true;
  primary: boolean;
}

export class PrimaryProcess {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts a process that owns the root; it does when this resolves. */
  static async start(rootPath: string, options: ManagerOptions = {}): Promise<PrimaryProcess> {
    const all: ManagerOptions = { ...options, rootPath, ipc: "primary" };
    const child = new Child("the primary", script, { args: [JSON.stringify(all)] });
    try {
      await child.message("its primary is ready", isReady);
    } catch (error) {
      await child.kill();
      throw error;
    }
    return new PrimaryProcess(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** SIGKILL: nothing is closed in order. */
  kill(): Promise<void> {
    return this.#child.kill();
  }

  /** Closes the root in order and waits for the end of the process. */
  async close(): Promise<void> {
    this.#child.send({ close: true });
    const { code, signal } = await this.#child.exit().catch(async (error: unknown) => {
      await this.#child.kill();
      throw error;
    });
    if (code !== 0) throw new Error(`The primary ended with ${signal ?? code}.`);
  }
}

function isReady(message: unknown): message is Ready {
  return (message as Partial<Ready>).ready === true;
}
