/**
 * When a write that drops or renames a collection may be committed: not before every process has stopped using what it
 * knew of the catalog (`storage/catalog-leases.ts`). Otherwise one process would still read the old documents when another one
 * has seen that they are gone.
 *
 * Owning thread: the Host.
 */
import { catalogLeaseMs } from "../limits.js";
import { areLeasesEnded, endLeases, resumeLeases } from "../storage/catalog-leases.js";
import type { Environment } from "../storage/environment.js";

/** Outlasts every lease that was taken before a commit, whatever a clock rounds. */
const leasePauseMs = catalogLeaseMs + 1;

export class CatalogChanges {
  /** Databases in which no leases are given, and when the last one has ended. */
  readonly #ended = new Map<Environment, number>();
  /** Databases that were looked at: the last primary may have died before it gave leases again. */
  readonly #seen = new WeakSet<Environment>();

  /** How long such a write has to wait; undefined: until leases are ended. */
  waitMs(environment: Environment): number | undefined {
    environment.refresh();
    this.#look(environment);
    const endedMs = this.#ended.get(environment);
    return endedMs === undefined ? undefined : Math.max(0, endedMs - performance.now());
  }

  /** Ends the leases. @param commit runs a write transaction */
  end(environment: Environment, commit: (work: () => void) => void): void {
    commit(() => endLeases(environment));
    this.#ended.set(environment, performance.now() + leasePauseMs);
  }

  /**
   * Gives leases again, in the open write transaction, unless the next change follows.
   *
   * @returns to be called after the commit; undefined: nothing to do
   */
  resume(environment: Environment, changeFollows: () => boolean): (() => void) | undefined {
    this.#look(environment);
    if (!this.#ended.has(environment) || changeFollows()) return undefined;
    resumeLeases(environment);
    return () => this.#ended.delete(environment);
  }

  #look(environment: Environment): void {
    if (this.#seen.has(environment)) return;
    this.#seen.add(environment);
    if (areLeasesEnded(environment)) {
      this.#ended.set(environment, performance.now() + leasePauseMs);
    }
  }
}
