import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report, Series } from "./report.js";
import type { StoreName } from "./stores/store.js";

/** Documents in a store before anything is measured. */
export const FILLED_DOCUMENTS = 20_000;

/** One thing that is measured side by side. */
export interface Workload {
  /** As given to `--only`. */
  name: string;
  /** Contenders it uses, when they are installed. */
  stores: readonly StoreName[];
  run(context: WorkloadContext): Promise<Report>;
}

export interface WorkloadContext {
  /** Those of the workload's stores that can take part, LioranDB first. */
  stores: StoreName[];
  /** 5, or 3 with `--quick`. */
  rounds: number;
  /** How long one contender is measured in one round. */
  roundMs: number;
}

/** A contender that is set up and can be measured again and again. */
export interface Contender {
  name: string;
  measure(durationMs: number): Promise<number>;
}

/**
 * Measures all contenders in each round, so that a slow minute of the machine hits all of them, and
 * every other round in the opposite order. A first short round warms up and is not counted.
 */
export async function interleave(
  contenders: Contender[],
  { rounds, roundMs }: WorkloadContext,
): Promise<Series[]> {
  const series = contenders.map(({ name }) => ({ name, samples: [] as number[] }));
  for (let round = 0; round <= rounds; round++) {
    const order = contenders.map((contender, at) => ({ contender, samples: series[at]!.samples }));
    if (round % 2 === 1) order.reverse();
    for (const { contender, samples } of order) {
      const sample = await contender.measure(round === 0 ? roundMs / 4 : roundMs);
      if (round > 0) samples.push(sample);
    }
  }
  return series;
}

const folders = new Set<string>();

/** A fresh folder for one contender; {@link removeTemporaryFolders} takes all of them away. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "liorandb-bench-"));
  folders.add(folder);
  return folder;
}

export async function removeTemporaryFolders(): Promise<void> {
  for (const folder of folders) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    folders.delete(folder);
  }
}
