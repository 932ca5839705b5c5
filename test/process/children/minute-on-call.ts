/**
 * Preloaded (`--import`) into every thread of a process: a minute is over when the file `MINUTE_OVER` is there, so
 * that a test need not wait for it, and knows when it is not over yet.
 */
import { existsSync } from "node:fs";

const file = process.env.MINUTE_OVER!;
const { setTimeout: original } = globalThis;

function onCall(callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) {
  if (delayMs !== 60_000) return original(callback, delayMs, ...args);
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(timer);
    callback(...args);
  }, 10);
  return timer;
}

globalThis.setTimeout = Object.assign(onCall, original) as unknown as typeof setTimeout;
