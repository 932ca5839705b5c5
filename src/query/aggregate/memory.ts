/** Keeps stages that hold documents within their memory. Nothing is spilled to disk. */
import { LioranError } from "../../errors.js";
import { aggregateBytesMax } from "../../limits.js";

/** Roughly what the engine needs around a value. */
const valueBytes = 16;

/** What one run of a stage holds. */
export class StageMemory {
  readonly #stage: string;
  #bytes = 0;

  constructor(stage: string) {
    this.#stage = stage;
  }

  /** @param bytes negative for what was given up @throws LioranError MEMORY_EXCEEDED */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= aggregateBytesMax) return;
    throw new LioranError(
      "MEMORY_EXCEEDED",
      `${this.#stage} exceeded its memory limit of ${aggregateBytesMax} bytes; nothing is spilled to disk. ` +
        "Filter or project earlier in the pipeline, or add a $limit.",
    );
  }

  /** Counts a value that is kept. */
  keep(value: unknown): void {
    this.add(approximateBytes(value));
  }

  reset(): void {
    this.#bytes = 0;
  }
}

/** The size of a value in memory, roughly. */
export function approximateBytes(value: unknown): number {
  if (typeof value === "string") return valueBytes + value.length;
  if (typeof value !== "object" || value === null) return valueBytes;
  if (value instanceof Uint8Array) return valueBytes + value.length;
  if (value instanceof Date || value instanceof RegExp) return 2 * valueBytes;
  let bytes = 2 * valueBytes;
  if (Array.isArray(value)) {
    for (const element of value) bytes += approximateBytes(element);
    return bytes;
  }
  for (const name in value) {
    bytes += name.length + approximateBytes((value as Record<string, unknown>)[name]);
  }
  return bytes;
}
