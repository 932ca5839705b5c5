/**
 * Writes the history of one process to a file: each call before it is made, each return after. What is written is there
 * also when the process is killed in the next moment.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import type { Call, Operation } from "../history.js";

/** How an operation ended. */
export type Outcome =
  | { kind: "done"; result?: Operation["result"] }
  /** It has certainly changed nothing. */
  | { kind: "failed" }
  /** It may have taken effect, or will. */
  | { kind: "unknown" };

type Line =
  | { n: number; key: string; call: Call; by: string; at: number }
  | { n: number; outcome: Outcome; at: number };

export class Recorder {
  readonly #fd: number;
  #next = 0;

  constructor(file: string) {
    this.#fd = openSync(file, "a");
  }

  /** Records a call and its outcome. */
  async record(key: string, call: Call, by: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const n = this.#next;
    this.#next += 1;
    this.#write({ n, key, call, by, at: now() });
    const outcome = await run();
    this.#write({ n, outcome, at: now() });
    return outcome;
  }

  #write(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }
}

/** What a process has recorded; `of` names it in messages. */
export function readHistory(file: string, of: string): Operation[] {
  const operations = new Map<number, Operation>();
  for (const text of readFileSync(file, "utf8").split("\n")) {
    const line = parse(text);
    if (!line) continue;
    if ("call" in line) {
      const { n, key, call, by, at } = line;
      const returnedAt = Number.POSITIVE_INFINITY;
      operations.set(n, { key, call, calledAt: at, returnedAt, by: `${of}: ${by}` });
    } else if (line.outcome.kind === "failed") operations.delete(line.n);
    else if (line.outcome.kind === "done") {
      const operation = operations.get(line.n)!;
      operation.result = line.outcome.result;
      operation.returnedAt = line.at;
    }
  }
  return [...operations.values()];
}

/** The last line of a killed process may be cut: what it was about to call was not called. */
function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

/** Nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
function now(): number {
  return Number(process.hrtime.bigint());
}
