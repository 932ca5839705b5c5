import { startAgents } from "../agent-process.js";
import { median, percentile, type Series, type Verdict } from "../report.js";
import type { StoreName } from "../stores/store.js";
import { temporaryFolder, type Workload } from "../workload.js";

const GOAL_FIRST_MS = 25;
const GOAL_EVERY_MS = 60;
const GOAL_WORST_MS = 100;
/** Inserting goes on this long before the kill, so that every survivor is as ready as it gets ... */
const STEADY_MS = 2_000;
/** ... and at least this long after it. */
const AFTERWARDS_MS = 1_500;
/** Answers of the dying primary arrive no later than this after the kill. */
const STRAGGLERS_MS = 20;
const KILLS = 20;
const KILLS_QUICK = 5;

/** The primary is killed while three clients insert: when does the first of them get an answer, when have all? */
export const takeover: Workload = {
  name: "takeover",
  stores: ["LioranDB", "rave-level"],
  run: async ({ stores, rounds }) => {
    const outages = stores.map((name) => ({ name, first: [] as number[], every: [] as number[] }));
    for (let kill = 0; kill < (rounds < 5 ? KILLS_QUICK : KILLS); kill++) {
      for (const { name, first, every } of outages) {
        const endsMs = await takeoverMs(name);
        first.push(Math.min(...endsMs));
        every.push(Math.max(...endsMs));
      }
    }
    const series = outages.flatMap(({ name, first, every }) => [
      { name: `${name}, first survivor`, samples: first },
      { name: `${name}, every survivor`, samples: every },
    ]);
    return {
      title: "takeover: SIGKILL of the primary to an acknowledged insert of a survivor",
      unit: "ms",
      series,
      verdicts: stores[0] === "LioranDB" ? verdictsOf(series[0]!, series[1]!) : [],
    };
  },
};

function verdictsOf(first: Series, every: Series): Verdict[] {
  const figures: [string, number, number][] = [
    ["the first survivor, median", median(first.samples), GOAL_FIRST_MS],
    ["every survivor, median", median(every.samples), GOAL_EVERY_MS],
    ["every survivor, 99th percentile", percentile(every.samples, 99), GOAL_WORST_MS],
  ];
  return figures.map(([what, ms, goalMs]) => ({
    text: `${what}: ${ms.toFixed(1)} ms`,
    goal: `at most ${goalMs} ms`,
    met: ms <= goalMs,
  }));
}

/** For each survivor, how long after the kill it wrote again. */
async function takeoverMs(name: StoreName): Promise<number[]> {
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
  const endsMs = acknowledgedAtMs.map((list) => endOfOutage(list, killedAtMs));
  if (endsMs.includes(Number.POSITIVE_INFINITY)) {
    throw new Error(
      `takeover: a survivor of ${name} did not write within ${AFTERWARDS_MS} ms of the kill`,
    );
  }
  return endsMs.map((ms) => ms - killedAtMs);
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
