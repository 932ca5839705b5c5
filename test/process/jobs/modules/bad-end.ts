/** Fails when the batches are done. */
import type { JobFinishContext } from "@liorandb/core";

export const map = (): number => 1;

export function reduce(): number {
  throw new TypeError("cannot add");
}

export function finish(_reduced: unknown, { args }: JobFinishContext): unknown {
  if (args === "uncloneable") return () => 1;
  if (args === "exit") process.exit(7);
  return new Promise(() => {});
}
