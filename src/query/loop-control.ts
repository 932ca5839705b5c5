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
  running.step(0);
}

const stepsPerLook = 256;

/** For one evaluation on the thread that everybody's writes wait for. */
class EvaluationLimit implements Control {
  #steps = 0;
  #endMs = 0;

  step(): void {
    this.#steps += 1;
    if (this.#steps % stepsPerLook !== 0) return;
    const nowMs = performance.now();
    if (this.#endMs === 0) this.#endMs = nowMs + ownerExpressionMsMax;
    if (nowMs < this.#endMs) return;
    throw new LioranError(
      "MAX_TIME_EXPIRED",
      `An expression looped for more than ${ownerExpressionMsMax} ms over one document, where the writes of all ` +
        "processes wait for it. Compute the value first, and write it then.",
    );
  }

  pass(): void {}
}

/** The same evaluation, with a limit of time if it can loop. */
export function withTimeLimit<A extends unknown[], R>(
  canLoop: boolean,
  evaluate: (...given: A) => R,
): (...given: A) => R {
  if (!canLoop) return evaluate;
  return (...given) => underControl(new EvaluationLimit(), () => evaluate(...given));
}
