/**
 * Stops the loops inside an expression, which go over arrays that the expression makes itself. A query runs
 * synchronously from one of its rows to the next, so the control of the query that runs is that of the thread.
 */
import { LioranError } from "../errors.js";
import { ownerExpressionMsMax } from "../limits.js";
import { type Control, unlimited } from "./control.js";

let running: Control = unlimited;

/** Runs a part of a query: loops in it ask this control at each of their steps. */
export function underControl<T>(control: Control, work: () => T): T {
  const before = running;
  running = control;
  try {
    return work();
  } finally {
    running = before;
  }
}

/** Called by a loop for each element. @throws what ends the query */
export function stepOfLoop(): void {
  if (running.loop) running.loop();
  else running.step(0);
}

const stepsPerLook = 256;

/** On the thread that everybody's writes wait for: the loops over one document may take so long and no longer. */
export class OwnerControl implements Control {
  readonly #control: Control;
  #loops = 0;
  #endMs = 0;

  /** @param control of the search, which ends it too */
  constructor(control: Control = unlimited) {
    this.#control = control;
  }

  step(bytes: number): void {
    this.#control.step(bytes);
    // The next document.
    this.#endMs = 0;
  }

  pass(keys: number): void {
    this.#control.pass(keys);
  }

  loop(): void {
    this.#loops += 1;
    if (this.#loops % stepsPerLook !== 0) return;
    this.#control.step(0);
    const nowMs = performance.now();
    if (this.#endMs === 0) this.#endMs = nowMs + ownerExpressionMsMax;
    if (nowMs < this.#endMs) return;
    throw new LioranError(
      "MAX_TIME_EXPIRED",
      `An expression looped for more than ${ownerExpressionMsMax} ms over one document, where the writes of all ` +
        "processes wait for it. Compute the value first, and write it then.",
    );
  }
}

/** The same evaluation, with a limit of time if it can loop. */
export function withTimeLimit<A extends unknown[], R>(
  canLoop: boolean,
  evaluate: (...given: A) => R,
): (...given: A) => R {
  if (!canLoop) return evaluate;
  return (...given) => underControl(new OwnerControl(), () => evaluate(...given));
}
