import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { open } from "lmdb";
import { AgentProcess } from "../agent-process.js";
import type { ColdMode } from "../cold-child.js";
import { median, type Series, type Verdict } from "../report.js";
import { benchDocument, filledId } from "../stores/store.js";
import { type Contender, interleave, temporaryFolder, type Workload } from "../workload.js";

const GOAL_TIMES = 1.2;
const DOCUMENTS = 1_000;
/** Starting a process varies more than anything else here, so each round of others is several here. */
const STARTS_PER_ROUND = 25;
const DEADLINE_MS = 30_000;

/** A process that opens the root, reads one document and ends, while its parent keeps it open. */
export const coldOpen: Workload = {
  name: "cold-open",
  stores: ["LioranDB"],
  run: async (context) => {
    const lmdbRoot = await temporaryFolder();
    const environment = open({ path: lmdbRoot, noSubdir: false });
    environment.transactionSync(() => {
      for (let n = 0; n < DOCUMENTS; n++) {
        environment.put(filledId(n), benchDocument(filledId(n), n));
      }
    });
    const contenders = [startsOf("bare", ""), startsOf("lmdb", lmdbRoot)];
    let primary: AgentProcess | null = null;
    if (context.stores.includes("LioranDB")) {
      const root = await temporaryFolder();
      primary = await AgentProcess.start("LioranDB", root, "primary");
      await primary.call("fill", DOCUMENTS);
      contenders.unshift(startsOf("LioranDB", root));
    }
    // One start each in turn: what slows the machine for a second must hit all of them.
    const rounds = context.rounds * STARTS_PER_ROUND;
    const series = await interleave(contenders, { ...context, rounds });
    await primary?.stop();
    await environment.close();

    return {
      title: "cold-open: start a process, open the root, read one document, end",
      unit: "ms",
      series,
      verdicts: primary ? [verdict(series)] : [],
    };
  },
};

function startsOf(mode: ColdMode, root: string): Contender {
  return {
    name: mode === "bare" ? "bare Node" : mode,
    measure: () => lifeMs(mode, root),
  };
}

/** From the fork to the exit of one process. */
function lifeMs(mode: ColdMode, root: string): Promise<number> {
  const file = fileURLToPath(new URL("../cold-child.js", import.meta.url));
  const start = performance.now();
  const child = fork(file, [mode, root, filledId(DOCUMENTS / 2)], { timeout: DEADLINE_MS });
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => {
      if (code === 0) resolve(performance.now() - start);
      else reject(new Error(`cold-open: ${mode} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** Compares starts that followed each other: what the machine does meanwhile takes from all three. */
function verdict(series: readonly Series[]): Verdict {
  const [ours, bare, lmdb] = series.map(({ samples }) => samples) as [number[], number[], number[]];
  const overBareMs = (samples: number[]) => median(samples.map((ms, round) => ms - bare[round]!));
  const lmdbExtraMs = overBareMs(lmdb);
  const ourExtraMs = overBareMs(ours);
  const times = ourExtraMs / lmdbExtraMs;
  return {
    text:
      `${ourExtraMs.toFixed(0)} ms over bare Node, ${times.toFixed(2)} times raw lmdb's ` +
      `${lmdbExtraMs.toFixed(0)} ms`,
    goal: `at most ${GOAL_TIMES} times`,
    met: times <= GOAL_TIMES,
  };
}
