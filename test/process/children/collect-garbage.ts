/**
 * Preloaded (`--import`) into every thread of a process, so that a test can tell what it keeps from what is only not
 * collected yet. `heldBytes` asks all of them.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BroadcastChannel, threadId } from "node:worker_threads";

/** The first thread that a primary starts. */
const hostThreadId = 1;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const asked = new BroadcastChannel("collect-garbage");
const answers = new BroadcastChannel("collected-garbage");

function heldHere(): number {
  // Finalizers run between the two, and free what is outside the heap.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (threadId === hostThreadId) asked.onmessage = () => answers.postMessage(heldHere());
// They keep no thread alive.
for (const channel of [asked, answers]) (channel as unknown as { unref(): void }).unref();

/** What the main thread and the Host hold in and outside of their heaps, garbage not counted. */
export function heldBytes(): Promise<number> {
  const ownBytes = heldHere();
  return new Promise((resolve) => {
    answers.onmessage = (event: unknown) => resolve(ownBytes + (event as { data: number }).data);
    asked.postMessage(null);
  });
}
