import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitMeter } from "../../../src/dispatch/commit-meter.js";
import { commitRateSeconds, commitSamplesMax } from "../../../src/limits.js";

const startMs = Math.ceil(performance.now() / 1000) * 1000;

test("before the first commit there is nothing to tell", () => {
  assert.deepEqual(new CommitMeter().figures(startMs), {
    commits: 0,
    operations: 0,
    commitsPerSecond: 0,
    operationsPerSecond: 0,
    commitMs: null,
  });
});

test("percentiles are those of the last commits", () => {
  const meter = new CommitMeter();
  for (let at = 0; at < commitSamplesMax; at += 1) meter.note(1, 1_000, startMs);
  for (let at = 1; at <= commitSamplesMax; at += 1) meter.note(2, at, startMs);
  const { commits, operations, commitMs } = meter.figures(startMs);
  assert.deepEqual([commits, operations], [2 * commitSamplesMax, 3 * commitSamplesMax]);
  const at = (share: number) => Math.ceil(commitSamplesMax * share);
  assert.deepEqual(commitMs, {
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: commitSamplesMax,
  });
});

test("rates are those of the last ten seconds", () => {
  const meter = new CommitMeter();
  // A whole window, at 5 commits of 3 operations each second, and as much of an earlier time.
  const seconds = 2 * commitRateSeconds;
  for (let second = 0; second < seconds; second += 1) {
    for (let times = 0; times < 5; times += 1) meter.note(3, 1, startMs + second * 1000);
  }
  const nowMs = startMs + seconds * 1000 - 1;
  const { commitsPerSecond, operationsPerSecond } = meter.figures(nowMs);
  assert.deepEqual([Math.round(commitsPerSecond), Math.round(operationsPerSecond)], [5, 15]);
  const later = meter.figures(nowMs + commitRateSeconds * 1000 + 1000);
  assert.deepEqual([later.commitsPerSecond, later.operationsPerSecond], [0, 0]);
});
