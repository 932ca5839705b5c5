/** A traced run, played to a disk that loses its power at chosen places. */
import { join } from "node:path";
import { Disk, type Fate } from "./disk.js";
import type { Event } from "./trace.js";
import type { WriterSpec } from "./workload.js";

/** What of a writer's steps had happened when the power went. */
export interface Progress {
  spec: WriterSpec;
  acknowledged: number;
  sent: number;
}

export interface Traced {
  /** The folder that was traced. */
  base: string;
  events: Event[];
  writers: WriterSpec[];
}

/** Places at which power can be lost: behind the end of each flush. */
export function afterFlushes(events: readonly Event[]): number[] {
  return events.flatMap((event, at) =>
    event.kind === "end" && (event.call === "flush" || event.call === "writeSynced")
      ? [at + 1]
      : [],
  );
}

/**
 * Plays the trace and loses the power before the events at `cuts`.
 *
 * @param fate what becomes of what was not flushed, at each of them
 * @param examine gets the folder with what is left of the traced one
 */
export async function replay(
  { base, events, writers }: Traced,
  cuts: readonly number[],
  fate: () => Fate,
  into: string,
  examine: (left: string, progress: Progress[], at: number) => Promise<void>,
): Promise<void> {
  const disk = new Disk(base);
  const progress = new Map(writers.map((spec) => [spec.name, { spec, acknowledged: 0, sent: 0 }]));
  const sorted = [...new Set(cuts)].sort((a, b) => a - b);
  let at = 0;
  for (const cut of sorted) {
    for (; at < cut; at += 1) {
      const event = events[at]!;
      if (event.kind !== "mark") disk.apply(event);
      else {
        const [what, name, step] = event.text.split(" ");
        progress.get(name!)![what as "sent" | "acknowledged"] = Number(step);
      }
    }
    const left = join(into, String(cut));
    disk.losePower(fate(), left);
    await examine(
      left,
      [...progress.values()].map((one) => ({ ...one })),
      cut,
    );
  }
}
