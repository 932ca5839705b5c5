/** Starts `parent-watch.ts` in a child process. */
import { Worker } from "node:worker_threads";
import { threadArguments } from "../runtime/thread-arguments.js";

/** Has this process end soon after its parent, whatever its main thread is doing. */
export function watchParent(parentPid: number): void {
  const worker = new Worker(new URL("./parent-watch.js", import.meta.url), {
    workerData: { parentPid },
    ...threadArguments(),
  });
  // Without it the process still ends when its main thread hears of it.
  worker.on("error", () => {});
  worker.unref();
}
