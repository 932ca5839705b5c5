/**
 * Named points at which a test can have this process killed, or an error thrown. They exist only when `LIORANDB_FAULT`
 * is set: to `<point>`, to `<point>:<n>` for the n-th time the point is reached, or to `<point>:<n>:throw`.
 */

/** Where a fault is worth testing. */
export type FaultPoint =
  // The Host (runtime/host-connection.ts).
  | "request"
  // A commit, and its answers (dispatch/writer.ts).
  | "inside-transaction"
  | "before-commit"
  | "after-commit-before-flush"
  | "after-flush-before-reply"
  | "leases-ended"
  | "after-purge-slice"
  // Requests of a client, answers of a primary to some of its clients (transport/socket-channel.ts).
  | "after-socket-write"
  // dispatch/index-builds.ts
  | "between-index-slices"
  // A take-over (runtime/membership.ts).
  | "takeover-locked"
  | "takeover-listening"
  | "takeover-published"
  // A primary that closes (runtime/host-thread.ts, runtime/membership.ts).
  | "closing-drained"
  | "closing-after-goodbye"
  | "closing-before-release";

const [armedPoint, countText = "1", effect = "kill"] = (process.env.LIORANDB_FAULT ?? "").split(
  ":",
);
let untilFault = Number(countText);

/** Kills this process with SIGKILL, or throws, when the point is armed: once in each thread. */
export function faultPoint(point: FaultPoint): void {
  if (point !== armedPoint) return;
  untilFault -= 1;
  if (untilFault !== 0) return;
  if (effect === "throw") throw new Error(`LIORANDB_FAULT at ${point}`);
  process.kill(process.pid, "SIGKILL");
}
