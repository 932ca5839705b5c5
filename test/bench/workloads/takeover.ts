import { startAgents } from "../agent-process.js";
import { median } from "../report.js";
import type { StoreName } from "../stores/store.js";
import { temporaryFolder, type Workload } from "../workload.js";

const GOAL_MS = 100;
/** Inserting goes on this long before and at least this long after the kill. */
const STEADY_MS = 400;
const AFTERWARDS_MS = 1_500;
/** Answers of the dying primary arrive no later than this after the kill. */
const STRAGGLERS_MS = 20;
const KILLS = 10;
const KILLS_QUICK = 3;

/** The primary is killed while three clients insert: when does the first of them get an answer? */
export const takeover: Workload = {
  name: "takeover",
  stores: ["LioranDB", "rave-level"],
  run: async ({ stores, rounds }) => {
    const series = stores.map((name) => ({ name, samples: [] as number[] }));
    for (let kill = 0; kill < (rounds < 5 ? KILLS_QUICK : KILLS); kill++) {
      for (const { name, samples } of series) samples.push(await takeoverMs(name));
    }
    const ours = series.find(({ name }) => name === "LioranDB");
    const ms = ours ? median(ours.samples) : Number.NaN;
    return {
      title: "takeover: SIGKILL of the primary to the first acknowledged insert of a survivor",
      unit: "ms",
      series,
      verdicts: ours
        ? [
            {
              text: `median ${ms.toFixed(1)} ms`,
              goal: `at most ${GOAL_MS} ms`,
              met: ms <= GOAL_MS,
            },
          ]
        : [],
    };
  },
};

async function takeoverMs(name: StoreName): Promise<number> {
  const root = await temporaryFolder();
  const [primary, ...survivors] = await startAgents(name, root, ["primary", "a", "b", "c"]);
  await primary!.call("fill", 1_000);
  for (const survivor of survivors) await survivor.call("startInserting");
  await pause(STEADY_MS);

  const killedAtMs = Number(process.hrtime.bigint()) / 1e6;
  await primary!.kill();
  await pause(AFTERWARDS_MS);

  const acknowledgedAtMs = await Promise.all(
    survivors.map((survivor) => survivor.call("stopInserting")),
  );
  for (const survivor of survivors) await survivor.stop();
  const endMs = Math.min(...acknowledgedAtMs.map((list) => endOfOutage(list, killedAtMs)));
  if (endMs === Number.POSITIVE_INFINITY) {
    throw new Error(
      `takeover: no survivor of ${name} wrote within ${AFTERWARDS_MS} ms of the kill`,
    );
  }
  return endMs - killedAtMs;
}

/**
 * An answer of the dying primary may still arrive just after the kill, so the first answer of the new
 * one is the one that ends the longest silence begun by then.
 */
function endOfOutage(acknowledgedAtMs: number[], killedAtMs: number): number {
  let longestMs = 0;
  let end = Number.POSITIVE_INFINITY;
  for (let at = 1; at < acknowledgedAtMs.length; at++) {
    const [before, after] = [acknowledgedAtMs[at - 1]!, acknowledgedAtMs[at]!];
    const candidate = after > killedAtMs && before < killedAtMs + STRAGGLERS_MS;
    if (!candidate || after - before <= longestMs) continue;
    longestMs = after - before;
    end = after;
  }
  return end;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
