/**
 * Entry point of a thread in each child process of a job: ends the process when its parent is gone. The main thread
 * notices that too, but not while the user's module computes.
 */
import { workerData } from "node:worker_threads";
import { jobParentWatchIntervalMs } from "../limits.js";

const { parentPid } = workerData as { parentPid: number };

setInterval(() => {
  if (!isThere()) process.kill(process.pid, "SIGKILL");
}, jobParentWatchIntervalMs);

function isThere(): boolean {
  // A process without its parent gets another one; on Windows it keeps the number.
  if (process.platform !== "win32") return process.ppid === parentPid;
  try {
    return process.kill(parentPid, 0);
  } catch {
    return false;
  }
}
