/**
 * The ledger of one process: what it has sent, noted before, and what was acknowledged, noted after. Each line is with
 * the kernel before the process goes on, so that it outlives the process.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { LedgerLine } from "./operations.js";

export class LedgerWriter {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, "a");
  }

  note(line: LedgerLine): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
  }
}

const chunkBytes = 64 * 1024;

/** Reads on where it has ended the last time. */
export class LedgerReader {
  readonly #fd: number;
  #position = 0;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(path: string) {
    this.#fd = openSync(path, "a+");
  }

  /** The lines that were added. One whose process died while it wrote it was not followed by what it says. */
  read(): LedgerLine[] {
    const chunks = [this.#rest];
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const length = readSync(this.#fd, chunk, 0, chunkBytes, this.#position);
      if (length === 0) break;
      this.#position += length;
      chunks.push(chunk.subarray(0, length));
    }
    const bytes = Buffer.concat(chunks);
    const end = bytes.lastIndexOf("\n") + 1;
    this.#rest = bytes.subarray(end);
    const lines = bytes.subarray(0, end).toString("utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as LedgerLine);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
