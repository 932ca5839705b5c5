/** Power losses of a traced run, and what is wrong after each. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Process, Site } from "../../process/site.js";
import { type Random, progress as say } from "../../support/soak.js";
import type { Fate } from "./disk.js";
import type { Expected, Inspected, Inspection } from "./inspect-main.js";
import { afterFlushes, type Progress, replay } from "./replay.js";
import type { Run } from "./run.js";
import type { Event } from "./trace.js";

const script = join(dirname(fileURLToPath(import.meta.url)), "inspect-main.js");
/** A process that has opened so many databases is replaced: it keeps their maps. */
const inspectedMax = 400;
/** Databases that one primary opens: starting it takes longer than looking at one. */
const together = 20;

const ended = "the process ended, or hung";

/** Whether it is a failure of the process that inspected a root. */
export function isEnd(failure: string): boolean {
  return failure.includes(ended);
}

class Inspector {
  readonly #site: Site;
  #process: Process | undefined;
  #databases = 0;

  constructor(site: Site) {
    this.#site = site;
  }

  /** @returns what is wrong with a root */
  async inspect(inspection: Inspection): Promise<string[]> {
    if (this.#databases >= inspectedMax) await this.end();
    this.#process ??= this.#site.start("inspector", script);
    const { messages } = this.#process;
    const before = messages.length;
    this.#databases += inspection.databases.length;
    this.#process.send(inspection);
    try {
      const look = () => messages[before] as Inspected | undefined;
      return (await this.#process.until("answer", look)).failures;
    } catch (error) {
      await this.end();
      const names = inspection.databases.map(({ name }) => name).join(" ");
      return [`${names}: ${ended}: ${(error as Error).message}`];
    }
  }

  async end(): Promise<void> {
    await this.#process?.murder();
    this.#process = undefined;
    this.#databases = 0;
  }
}

/** How many steps must and may be there. */
export type Bounds = (progress: Progress) => { least: number; most: number };

export const asPromised: Bounds = ({ acknowledged, sent }) => ({ least: acknowledged, most: sent });

export interface Losing {
  bounds?: Bounds;
  /** Databases to look at. */
  only?: string[];
}

/** Loses power at each cut. @returns what was wrong, by database and cut */
export async function losses(
  run: Run,
  cuts: readonly number[],
  fate: () => Fate,
  { bounds = asPromised, only }: Losing = {},
): Promise<string[]> {
  const inspector = new Inspector(run.site);
  const wrong: string[] = [];
  const into = join(run.site.folder, "left");
  const rootPath = join(into, "root");
  const spare = join(into, "spare");
  let databases: Expected[] = [];
  let done = 0;
  const inspect = async () => {
    if (existsSync(rootPath)) cpSync(rootPath, spare, { recursive: true });
    const found = await inspector.inspect({ rootPath, databases });
    if (!found.some(isEnd)) wrong.push(...found);
    // Which of them ended the process? Each by itself, as it was.
    for (const one of found.some(isEnd) ? databases : []) {
      rmSync(rootPath, { recursive: true, force: true });
      adopt(join(spare, one.name), join(rootPath, one.name));
      wrong.push(...(await inspector.inspect({ rootPath, databases: [one] })));
    }
    for (const root of [rootPath, spare]) rmSync(root, { recursive: true, force: true });
    say(`${done} of ${cuts.length} cuts, ${wrong.length} wrong`);
    databases = [];
  };
  await replay(run, cuts, fate, into, async (left, progress, at) => {
    let root = join(left, run.rootPath.slice(run.base.length));
    // Databases of several roots become those of one: they are folders that know nothing of each other.
    if (databases.length === 0) {
      adopt(root, rootPath);
      root = rootPath;
    }
    const all = new Set(run.writers.map((spec) => spec.db));
    for (const db of only ?? all) {
      const name = `${db}-${at}`;
      adopt(join(root, db), join(rootPath, name));
      const own = progress.filter(({ spec }) => spec.db === db);
      databases.push({ name, writers: own.map((one) => ({ spec: one.spec, ...bounds(one) })) });
    }
    for (const one of [left, ...[...all].map((db) => join(rootPath, db))]) {
      rmSync(one, { recursive: true, force: true });
    }
    done += 1;
    if (databases.length >= together) await inspect();
  });
  if (databases.length > 0) await inspect();
  await inspector.end();
  return wrong;
}

/** Moves a folder, if the power loss has left it. */
function adopt(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

export function someOf<T>(all: readonly T[], count: number, random: Random): T[] {
  const left = [...all];
  return Array.from({ length: Math.min(count, all.length) }, () => {
    const [one] = left.splice(random.below(left.length), 1);
    return one!;
  });
}

/** Half of them right behind flushes, where the most is promised. */
export function someCuts(events: readonly Event[], count: number, random: Random): number[] {
  const flushes = someOf(afterFlushes(events), count >> 1, random);
  const others = Array.from({ length: count - flushes.length }, () => random.below(events.length));
  return [...flushes, ...others];
}
