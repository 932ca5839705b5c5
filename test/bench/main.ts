/**
 * Side by side with peers: `npm run bench -- [--only NAME] [--quick] [--peers-only] [--json FILE] [--chart FILE.svg]`.
 * Nothing here is a test: a missed goal is printed, not an error.
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { killAgents } from "./agent-process.js";
import { drawChart } from "./chart.js";
import { printReport, type Report } from "./report.js";
import { whyMissing } from "./stores/open.js";
import type { StoreName } from "./stores/store.js";
import { removeTemporaryFolders, type Workload } from "./workload.js";
import { busyPrimary } from "./workloads/busy-primary.js";
import { clientMemory } from "./workloads/client-memory.js";
import { coldOpen } from "./workloads/cold-open.js";
import { createIndex } from "./workloads/create-index.js";
import { findOne } from "./workloads/find-one.js";
import { findOne4 } from "./workloads/find-one-4.js";
import { forwardedRead } from "./workloads/forwarded-read.js";
import { groupByMemory } from "./workloads/group-by-memory.js";
import { filterScan, groupBy } from "./workloads/heavy-query.js";
import { incrementCommitted, incrementDurable } from "./workloads/increment.js";
import {
  indexedCount,
  indexedEquality,
  indexedFindOne,
  indexedRange,
} from "./workloads/indexed.js";
import { insertCommitted, insertDurable } from "./workloads/insert-durable.js";
import { insertManyClient, insertManyPrimary } from "./workloads/insert-many.js";
import { insertStream } from "./workloads/insert-stream.js";
import { job } from "./workloads/job.js";
import { load } from "./workloads/load.js";
import { parallelGroup, parallelScan } from "./workloads/parallel.js";
import { scale } from "./workloads/scale.js";
import { takeover } from "./workloads/takeover.js";

const WORKLOADS: Workload[] = [
  findOne,
  findOne4,
  forwardedRead,
  insertDurable,
  insertCommitted,
  incrementDurable,
  incrementCommitted,
  insertManyPrimary,
  insertManyClient,
  insertStream,
  takeover,
  busyPrimary,
  coldOpen,
  clientMemory,
  indexedRange,
  indexedEquality,
  indexedFindOne,
  indexedCount,
  filterScan,
  groupBy,
  createIndex,
  groupByMemory,
  parallelScan,
  parallelGroup,
  job,
  scale,
  load,
];

const { values: options } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    "peers-only": { type: "boolean", default: false },
    json: { type: "string" },
    chart: { type: "string" },
  },
});
const workloads = options.only?.map(workloadNamed) ?? WORKLOADS;
const missing = new Set<StoreName>();
if (options["peers-only"]) missing.add("LioranDB");
for (const name of ["LioranDB", "better-sqlite3", "rave-level", "nedb", "lmdb"] as const) {
  const why = missing.has(name) ? null : await whyMissing(name);
  if (why === null) continue;
  missing.add(name);
  console.log(`${name} is left out: ${why}`);
}

process.once("SIGINT", async () => {
  killAgents();
  await removeTemporaryFolders();
  process.exit(130);
});

const cores = availableParallelism();
console.log(`Node ${process.version}, ${process.platform} ${process.arch}, ${cores} cores`);
const reports: Record<string, Report> = {};
const failed: string[] = [];
for (const workload of workloads) {
  const stores = workload.stores.filter((name) => !missing.has(name));
  if (stores.length === 0) continue;
  try {
    const report = await workload.run({
      stores,
      rounds: options.quick ? 3 : 5,
      roundMs: options.quick ? 800 : 2_000,
    });
    printReport(report);
    reports[workload.name] = report;
  } catch (error) {
    // Those before it have taken long, and those behind it may do without it.
    console.error(`${workload.name} failed:`, error);
    failed.push(workload.name);
  }
  killAgents();
  await removeTemporaryFolders();
}
if (options.json) {
  const machine = { node: process.version, platform: process.platform, arch: process.arch, cores };
  await writeFile(options.json, `${JSON.stringify({ machine, workloads: reports }, null, 2)}\n`);
}
if (options.chart) {
  const day = new Date().toISOString().slice(0, 10);
  const caption = `Node ${process.version}, ${process.platform} ${process.arch}, ${cores} cores, ${day}`;
  await writeFile(options.chart, drawChart(reports, caption));
}
if (failed.length > 0) console.error(`Failed: ${failed.join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);

function workloadNamed(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found) return found;
  console.error(`No workload ${name}. There are: ${WORKLOADS.map((one) => one.name).join(", ")}`);
  process.exit(2);
}
