/** Fails before its first batch, in a way that the arguments name; used for `init`. */
import type { JobInitContext } from "@liorandb/core";

export function init({ args }: JobInitContext<{ way: string }>): unknown {
  if (args.way === "throw") throw new TypeError("no model to load");
  if (args.way === "exit") process.exit(5);
  if (args.way === "endless") for (;;);
  return new Promise(() => {});
}

export const map = (): void => {};
