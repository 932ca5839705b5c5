/** How many commits there are, and how long they take: the figures of `manager.status()`. */
import { commitRateSeconds, commitSamplesMax } from "../limits.js";

/** Durations in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface CommitFigures {
  commits: number;
  operations: number;
  commitsPerSecond: number;
  operationsPerSecond: number;
  /** `null` before the first commit. */
  commitMs: Percentiles | null;
}

interface Second {
  /** Which second of the clock it counts. */
  second: number;
  commits: number;
  operations: number;
}

export class CommitMeter {
  readonly #startedMs = performance.now();
  /** Durations of the last commits; the oldest one is overwritten. */
  readonly #durationsMs = new Float64Array(commitSamplesMax);
  readonly #seconds: Second[] = Array.from({ length: commitRateSeconds + 1 }, () => ({
    second: -1,
    commits: 0,
    operations: 0,
  }));
  #commits = 0;
  #operations = 0;

  /** Notes a commit. @param nowMs when it ended, as `performance.now()` */
  note(operations: number, durationMs: number, nowMs: number): void {
    this.#durationsMs[this.#commits % commitSamplesMax] = durationMs;
    this.#commits += 1;
    this.#operations += operations;
    const second = Math.floor(nowMs / 1000);
    const counter = this.#seconds[second % this.#seconds.length]!;
    if (counter.second !== second) Object.assign(counter, { second, commits: 0, operations: 0 });
    counter.commits += 1;
    counter.operations += operations;
  }

  /** @param nowMs as `performance.now()` */
  figures(nowMs: number): CommitFigures {
    const current = Math.floor(nowMs / 1000);
    // Whole seconds, and the one that has begun.
    const firstSecond = current - commitRateSeconds + 1;
    const sinceMs = Math.max(firstSecond * 1000, this.#startedMs);
    const seconds = Math.max(nowMs - sinceMs, 1000) / 1000;
    const recent = this.#seconds.filter(({ second }) => second >= firstSecond);
    const perSecond = (of: "commits" | "operations") =>
      rounded(recent.reduce((sum, counter) => sum + counter[of], 0) / seconds, 10);
    return {
      commits: this.#commits,
      operations: this.#operations,
      commitsPerSecond: perSecond("commits"),
      operationsPerSecond: perSecond("operations"),
      commitMs: this.#percentiles(),
    };
  }

  #percentiles(): Percentiles | null {
    const count = Math.min(this.#commits, commitSamplesMax);
    if (count === 0) return null;
    const sorted = this.#durationsMs.slice(0, count).sort();
    const at = (share: number) => rounded(sorted[Math.ceil(share * count) - 1]!, 1000);
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}

/** For people: a clock is not as exact as its digits. */
function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
