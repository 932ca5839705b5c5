/** What an accumulator of `$group`, `$bucket` or a window is. */
import type { Document } from "../../values/document.js";
import type { Expression } from "../expression.js";
import type { StageMemory } from "./memory.js";
import type { StageContext } from "./stage.js";

/** The state of one group. */
export interface Accumulation {
  /** @param value what the accumulator's expression gave for the document */
  add(value: unknown, document: Document): void;
  /** `undefined` is written as null. */
  result(): unknown;
  /** What it holds, as data for {@link absorb} on another thread. Not all can do that: see `divide.ts`. */
  share?(): unknown;
  /** Adds what another one of its kind has gathered. */
  absorb?(share: unknown): void;
}

/** A compiled accumulator. */
export interface Accumulator {
  readonly input: Expression;
  /** @param key the group's key, which `n` may depend on */
  start(memory: StageMemory, key?: unknown): Accumulation;
}

export type CompileAccumulator = (operand: unknown, context: StageContext) => Accumulator;

/** What a group needs besides what its accumulators hold. */
export const accumulationBytes = 64;
