/** How far a job is, told to its caller now and then. */
import { jobProgressIntervalMs } from "../limits.js";

/** What `onProgress` of a job is told. */
export interface JobProgress {
  jobId: string;
  /** Documents of the batches that are done, those of earlier runs included. */
  done: number;
  /** About how many documents there are, as counted when the job began. Never less than `done`. */
  total: number;
  /** Batches that were given up in this run. */
  failed: number;
  /** Documents done per second in this run. */
  ratePerSecond: number;
  /** How long the rest will take at this rate, in milliseconds; `null` while nothing is done. */
  etaMs: number | null;
}

export class ProgressReport {
  readonly #jobId: string;
  readonly #tell: ((progress: JobProgress) => void) | undefined;
  readonly #total: number;
  readonly #before: number;
  readonly #startedAtMs = performance.now();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #done: number;
  #failed = 0;

  /** @param before documents that earlier runs have done */
  constructor(
    jobId: string,
    { total, before }: { total: number; before: number },
    tell: ((progress: JobProgress) => void) | undefined,
  ) {
    this.#jobId = jobId;
    this.#total = total;
    this.#before = before;
    this.#done = before;
    this.#tell = tell;
  }

  /** @throws what `onProgress` throws */
  did(documents: number): void {
    this.#done += documents;
    this.#tellSometimes();
  }

  /** @throws what `onProgress` throws */
  gaveUp(): void {
    this.#failed += 1;
    this.#tellSometimes();
  }

  /** Tells the last figures, whenever the ones before were told. @throws what `onProgress` throws */
  tellLast(): void {
    const { progress } = this;
    // There is nothing left, whatever was counted at the beginning.
    this.#tell?.(this.#failed > 0 ? progress : { ...progress, total: progress.done, etaMs: 0 });
  }

  get progress(): JobProgress {
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    const ratePerSecond = seconds > 0 ? (this.#done - this.#before) / seconds : 0;
    const total = Math.max(this.#total, this.#done);
    const etaMs = ratePerSecond > 0 ? ((total - this.#done) / ratePerSecond) * 1_000 : null;
    const jobId = this.#jobId;
    return { jobId, done: this.#done, total, failed: this.#failed, ratePerSecond, etaMs };
  }

  #tellSometimes(): void {
    if (!this.#tell) return;
    const now = performance.now();
    if (now - this.#toldAtMs < jobProgressIntervalMs) return;
    this.#toldAtMs = now;
    this.#tell(this.progress);
  }
}
