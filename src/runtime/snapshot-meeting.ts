/**
 * Threads that read parts of one query meet here to take snapshots of one and the same state, also while commits
 * follow each other closely. Nobody is held up: they wait for each other, take their snapshots at the same
 * moment and compare what they got; if a commit came in between, they do it again.
 *
 * Every thread of a query has its own `SnapshotMeeting` over the same cells, and blocks in it. So they must all
 * run at the same time: see `thread-shares.ts`.
 *
 * Invariant: all of them leave with snapshots of the same state, or none does.
 */
import { meetingRoundsMax, meetingTimeoutMs } from "../limits.js";

const arrivalsCell = 0;
/** How the meeting has ended: decided once, by whoever comes first, and obeyed by all. */
const outcomeCell = 1;
const isOpen = 0;
const isAgreed = 1;
const isBroken = 2;
/** Numbers that identify a state: those of a collection and of its last change. */
const markNumbers = 2;
const marksStart = 8;

/** Looks at the cell before a thread sleeps: about as long as waking up takes. */
const spins = 20_000;
const sleepMs = 20;

/** What was taken, and what tells it from others. */
export interface Taken<T> {
  readonly value: T;
  readonly mark: readonly [number, number];
}

/** The meeting cannot take place: another thread of the query has failed. */
export class MeetingBroken extends Error {}
/** Commits came too close after each other, or threads did not come in time. */
export class NoCommonState extends Error {}

/** The shared memory of a meeting. */
export function meetingCells(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(marksStart + threads * markNumbers * 8);
}

/**
 * Tells the threads that wait that one of them will not come.
 *
 * @returns false when all have agreed before
 */
export function breakMeeting(cells: SharedArrayBuffer): boolean {
  const counters = new Int32Array(cells, 0, 2);
  const before = Atomics.compareExchange(counters, outcomeCell, isOpen, isBroken);
  Atomics.notify(counters, arrivalsCell);
  return before !== isAgreed;
}

export class SnapshotMeeting {
  readonly #cells: SharedArrayBuffer;
  readonly #threads: number;
  readonly #place: number;
  readonly #counters: Int32Array<SharedArrayBuffer>;
  readonly #marks: Float64Array<SharedArrayBuffer>;
  #crossings = 0;

  /** @param place which of the threads this one is, from 0 */
  constructor(cells: SharedArrayBuffer, threads: number, place: number) {
    this.#cells = cells;
    this.#threads = threads;
    this.#place = place;
    this.#counters = new Int32Array(cells, 0, 2);
    this.#marks = new Float64Array(cells, marksStart, threads * markNumbers);
  }

  /**
   * Takes a snapshot together with the others. Blocks the thread.
   *
   * @param take called at the same moment on all threads
   * @param giveBack undoes it, before it is called again
   * @param poll called while waiting; may throw
   * @throws MeetingBroken, NoCommonState
   */
  take<T>(take: () => Taken<T>, giveBack: (value: T) => void, poll: () => void): T {
    this.#cross(poll);
    for (let round = 0; round < meetingRoundsMax; round += 1) {
      // Who wakes up is late; after this everybody is awake, and leaves the next crossing at the same time.
      this.#cross(poll);
      const { value, mark } = take();
      try {
        this.#marks.set(mark, this.#place * markNumbers);
        this.#cross(poll);
        if (this.#areSame()) {
          this.#agree();
          return value;
        }
      } catch (error) {
        giveBack(value);
        throw error;
      }
      giveBack(value);
      // Nobody writes a mark before everybody has compared.
      this.#cross(poll);
    }
    throw new NoCommonState();
  }

  /** @throws MeetingBroken when another thread has given up before anybody came here */
  #agree(): void {
    const before = Atomics.compareExchange(this.#counters, outcomeCell, isOpen, isAgreed);
    if (before === isBroken) throw new MeetingBroken();
  }

  #areSame(): boolean {
    return this.#marks.every((number, at) => number === this.#marks[at % markNumbers]);
  }

  /** Waits until every thread has come as often as this one. */
  #cross(poll: () => void): void {
    this.#crossings += 1;
    const target = this.#crossings * this.#threads;
    Atomics.add(this.#counters, arrivalsCell, 1);
    Atomics.notify(this.#counters, arrivalsCell);
    for (let spin = 0; spin < spins; spin += 1) if (this.#arrivals >= target) return;
    const deadlineMs = performance.now() + meetingTimeoutMs;
    for (;;) {
      const arrivals = this.#arrivals;
      if (arrivals >= target) return;
      if (Atomics.load(this.#counters, outcomeCell) === isBroken) throw new MeetingBroken();
      poll();
      // The threads that are missing still finish something else. If they have agreed meanwhile, all are here.
      if (performance.now() > deadlineMs && breakMeeting(this.#cells)) throw new NoCommonState();
      Atomics.wait(this.#counters, arrivalsCell, arrivals, sleepMs);
    }
  }

  get #arrivals(): number {
    return Atomics.load(this.#counters, arrivalsCell);
  }
}
