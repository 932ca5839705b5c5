/** What a workload found out, and how it is printed. */
export interface Report {
  title: string;
  /** Unit of every sample, such as `ops/s` or `ms`. */
  unit: string;
  series: Series[];
  verdicts: Verdict[];
}

/** The samples of one contender, one per round. */
export interface Series {
  name: string;
  samples: number[];
}

/** A goal beside what was measured; without one, a figure to read the others by. */
export interface Verdict {
  text: string;
  goal?: string;
  met?: boolean;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** Linear interpolation between the closest ranks; an empty list has no percentile. */
export function percentile(samples: readonly number[], percent: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(rank)]!;
  return below + (sorted[Math.ceil(rank)]! - below) * (rank - Math.floor(rank));
}

/** How many times as fast as a peer LioranDB is, by the medians of both. Higher samples are better. */
export function timesAsFast(series: Series[], peer: string, goalTimes?: number): Verdict[] {
  return compare(series, peer, goalTimes, (ours, theirs) => median(ours) / median(theirs));
}

/** The same by the median of the ratios in each round: where the machine changes more than the contenders differ. */
export function timesAsFastByRound(series: Series[], peer: string, goalTimes?: number): Verdict[] {
  return compare(series, peer, goalTimes, (ours, theirs) =>
    median(ours.map((sample, round) => sample / theirs[round]!)),
  );
}

function compare(
  series: Series[],
  peer: string,
  goalTimes: number | undefined,
  ratio: (ours: number[], theirs: number[]) => number,
): Verdict[] {
  const ours = series.find(({ name }) => name === "LioranDB");
  const theirs = series.find(({ name }) => name === peer);
  if (!ours || !theirs) return [];
  const times = ratio(ours.samples, theirs.samples);
  const text = `${times.toFixed(2)} times as fast as ${peer}`;
  if (goalTimes === undefined) return [{ text }];
  return [{ text, goal: `at least ${goalTimes}`, met: times >= goalTimes }];
}

export function printReport(report: Report): void {
  const rows = report.series.map(({ name, samples }) => [
    name,
    figure(median(samples)),
    `${figure(Math.min(...samples))} .. ${figure(Math.max(...samples))}`,
    String(samples.length),
  ]);
  const table = [["", `median ${report.unit}`, "spread", "samples"], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...table.map((row) => row[at]!.length)));
  console.log(`\n${report.title}`);
  for (const row of table) {
    const cells = row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!),
    );
    console.log(`  ${cells.join("   ")}`);
  }
  for (const { text, goal, met } of report.verdicts) {
    if (goal === undefined) console.log(`               ${text}`);
    else console.log(`  ${met ? "goal met   " : "goal missed"}  ${text} (goal: ${goal})`);
  }
}

function figure(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** How late the event loop of whoever asks may be, while other threads search. */
const GOAL_DELAY_MS = 10;

/** The thread that asks must stay free while another one searches. */
export function delayVerdict(delaysMs: number[]): Verdict[] {
  if (delaysMs.length === 0) return [];
  const most = Math.max(...delaysMs);
  return [
    {
      text: `the caller's event loop was late by ${most.toFixed(1)} ms (99th percentile, worst round)`,
      goal: `at most ${GOAL_DELAY_MS} ms`,
      met: most <= GOAL_DELAY_MS,
    },
  ];
}
