/**
 * Looks at roots with damaged files, in a process of its own: one that dies, or does not come to an end, is replaced.
 * The other end is `children/examiner-main.ts`.
 */
import { join } from "node:path";
import { compiledTests, type Process, type Site } from "../site.js";
import type { ExamineCall, StepOutcome } from "./children/examiner-main.js";

const script = join(compiledTests, "process/hostile/children/examiner-main.js");

export interface Examination {
  outcomes: StepOutcome[];
  /** The step in which the process ended, and how. */
  died?: { step: string; how: string; stderr: string };
  /** The step that did not come to an end. */
  hung?: string;
}

export class Examiner {
  readonly #site: Site;
  #process: Process | undefined;

  constructor(site: Site) {
    this.#site = site;
  }

  /** Waits for all steps over one root, or for the end of the process, or until it takes too long. */
  async examine(call: ExamineCall): Promise<Examination> {
    this.#process ??= this.#site.start("the examiner", script);
    const process = this.#process;
    const from = process.messages.length;
    const later = () =>
      process.messages.slice(from) as { outcomes?: StepOutcome[]; begins?: string }[];
    const step = () => later().findLast(({ begins }) => begins)?.begins ?? "its start";
    process.send(call);
    try {
      const answer = await process.until("outcomes", () => later().find((one) => one.outcomes));
      return { outcomes: answer.outcomes! };
    } catch {
      this.#process = undefined;
      if (!process.ended) {
        await process.murder();
        return { outcomes: [], hung: step() };
      }
      const { code, signal } = process.ended;
      const died = { step: step(), how: String(signal ?? code), stderr: process.stderr };
      return { outcomes: [], died };
    }
  }

  /** Ends the process. */
  async end(): Promise<void> {
    await this.#process?.murder();
    this.#process = undefined;
  }
}
