/** A run of a primary and clients, traced. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ManagerOptions } from "../../../src/index.js";
import { type Process, Site } from "../../process/site.js";
import type { Traced } from "./replay.js";
import { readTrace, traceInto } from "./trace.js";
import type { WriterSpec } from "./workload.js";
import type { Work } from "./workload-main.js";

const script = join(dirname(fileURLToPath(import.meta.url)), "workload-main.js");

export interface Run extends Traced {
  site: Site;
  rootPath: string;
}

/** What one process does. */
export interface Part {
  durability?: ManagerOptions["durability"];
  writers: WriterSpec[];
}

/** Runs a primary, and clients beside it. */
export async function traceRun(t: TestContext, parts: readonly Part[]): Promise<Run> {
  const site = new Site(t);
  const log = join(site.folder, "log");
  const base = join(site.folder, "disk");
  // Folders above the root are new as well.
  const rootPath = join(base, "deep", "root");
  mkdirSync(base);
  const env = traceInto(log, base);
  const processes: Process[] = [];
  for (const [at, { durability, writers }] of parts.entries()) {
    const ipc = at === 0 ? "primary" : "client";
    const work: Work = { options: { rootPath, ipc, durability, cores: 0 }, writers };
    const one = site.start(`${ipc} ${at}`, script, { args: [JSON.stringify(work)], env });
    processes.push(one);
    await said(one, "ready");
  }
  for (const one of processes) one.send("go");
  await Promise.all(processes.map((one) => said(one, "done")));
  for (const one of processes.reverse()) {
    one.send("close");
    const { code } = await one.exit();
    assert.equal(code, 0, one.stderr);
  }
  const writers = parts.flatMap((part) => part.writers);
  return { site, rootPath, base, writers, events: readTrace(log) };
}

async function said(one: Process, word: string): Promise<void> {
  await one.until(`"${word}"`, () => one.messages.includes(word) || undefined);
}
