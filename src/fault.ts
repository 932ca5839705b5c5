/**
 * Named points of the write path at which a test can have this process killed. They exist only when
 * `LIORANDB_FAULT` is set, to `<point>` or `<point>:<n>` for the n-th time the point is reached.
 */

/** Where a crash is worth testing; see `dispatch/writer.ts`. */
export type FaultPoint = "before-commit" | "after-commit-before-flush" | "after-flush-before-reply";

const [armedPoint, countText = "1"] = (process.env.LIORANDB_FAULT ?? "").split(":");
let untilFault = Number(countText);

/** Kills this process with SIGKILL when the point is armed. */
export function faultPoint(point: FaultPoint): void {
  if (point !== armedPoint) return;
  untilFault -= 1;
  if (untilFault <= 0) process.kill(process.pid, "SIGKILL");
}
